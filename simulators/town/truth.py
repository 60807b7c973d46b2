"""What is true in the town: a grid of instants, and what every sensor would read there if it were perfect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
Times = NDArray[np.int64]
_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Instants from `start` (microseconds since 1970, UTC) on, `step_s` seconds apart."""

    start: int
    steps: int
    step_s: int = 60

    @property
    def times(self) -> Times:
        """Microseconds since 1970, UTC; shape [steps]."""
        return self.start + np.arange(self.steps, dtype=np.int64) * (self.step_s * _SECOND)

    @property
    def end(self) -> int:
        """The first instant after the span."""
        return self.start + self.steps * self.step_s * _SECOND

    def since(self, start: int) -> "Span":
        """The later part, from an instant of it on; ValueError if it is none."""
        first = (start - self.start) // (self.step_s * _SECOND)
        if not 0 <= first < self.steps:
            raise ValueError(f"{start} is no instant of {self}")
        return replace(self, start=self.start + first * self.step_s * _SECOND, steps=self.steps - first)

    def between(self, since: int, until: int | None) -> NDArray[np.bool_]:
        """Which instants lie in [since, until); None is for ever."""
        times = self.times
        return (times >= since) & (times < (self.end if until is None else until))

    def seconds(self) -> Series:
        """Seconds since the begin, shape [steps]."""
        return np.arange(self.steps, dtype=np.float64) * self.step_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """Series over a span.

    Attributes:
        span: The instants.
        signals: (device, property) -> true values in the unit of the property, shape [steps]; switches are 0 or 1.
        fields: Further results of an engine by name, shape [steps] or [steps, things]: for maps, and for other models.
        things: For each field with two axes, the names of its things (crossings, manholes, assets).
    """

    span: Span
    signals: Mapping[tuple[str, str], Series]
    fields: Mapping[str, Series] = field(default_factory=dict)
    things: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def since(self, start: int) -> "Truth":
        """The later part, from an instant of the span on; ValueError if it is none."""
        span = self.span.since(start)
        first = self.span.steps - span.steps
        return Truth(
            span=span,
            signals={key: series[first:] for key, series in self.signals.items()},
            fields={name: series[first:] for name, series in self.fields.items()},
            things=self.things,
        )

    def of(self, name: str, thing: str) -> Series:
        """One thing's series out of a field with two axes; KeyError if there is none."""
        try:
            column = self.things[name].index(thing)
        except ValueError:
            raise KeyError(f"{name} of {thing}") from None
        return np.asarray(self.fields[name][:, column], dtype=np.float64)


def together(span: Span, truths: Iterable[Truth]) -> Truth:
    """The truths of several networks as one; a signal belongs to one of them.

    Raises:
        ValueError: Two of them have the same signal or field, or another span.
    """
    signals: dict[tuple[str, str], Series] = {}
    fields: dict[str, Series] = {}
    things: dict[str, tuple[str, ...]] = {}
    for truth in truths:
        if truth.span != span:
            raise ValueError(f"a truth over {truth.span} among those over {span}")
        twice = (signals.keys() & truth.signals.keys()) or (fields.keys() & truth.fields.keys())
        if twice:
            raise ValueError(f"two networks say what is true of {min(twice, key=str)}")
        signals |= truth.signals
        fields |= truth.fields
        things |= truth.things
    return Truth(span=span, signals=signals, fields=fields, things=things)
