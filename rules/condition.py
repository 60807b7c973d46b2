"""The conditions of rules: limits on what is measured, switches, absence. Those fused from several stand in `fused`."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from domain.alert import Level
from rules.grounds import Grounds, LevelName, Limit, Model, Span
from rules.measure import Measure


class Threshold(Model):
    """What is measured lies beyond a limit: strictly `above`, strictly `below`, or `outside` of two.

    Each level has its own limit.
    """

    #: What is compared with the limits; the value itself if None.
    measure: Measure | None = None
    above: dict[LevelName, Limit] | None = Field(None, min_length=1)
    below: dict[LevelName, Limit] | None = Field(None, min_length=1)
    outside: dict[LevelName, Span] | None = Field(None, min_length=1)
    #: How far back inside the limit the measure must come before a level ends, in the unit of the limits.
    hysteresis: float = Field(ge=0, allow_inf_nan=False)
    #: How long the measure must stay beyond a limit before its level begins, in seconds.
    on_delay_s: int = Field(0, ge=0)
    #: How long it must stay back inside before a level ends, in seconds.
    off_delay_s: int = Field(0, ge=0)

    @property
    def direction(self) -> str:
        """`above`, `below` or `outside`."""
        return "above" if self.above else "below" if self.below else "outside"

    @property
    def grounds(self) -> Mapping[LevelName, Limit | Span]:
        """What each level rests on."""
        return self.above or self.below or self.outside or {}

    @property
    def ranked(self) -> tuple[tuple[Level, Limit | Span], ...]:
        """The levels with their limits, the mildest first."""
        return tuple(sorted(((Level.parse(k), v) for k, v in self.grounds.items()), reverse=True))

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        given = sum(side is not None for side in (self.above, self.below, self.outside))
        if not given:
            raise ValueError("names neither `above`, `below` nor `outside`: add the one that is worse")
        if given > 1:
            raise ValueError("more than one of `above`, `below`, `outside`: make rules of their own, or use `outside`")
        if self.measure and self.measure.change and self.outside:
            raise ValueError("a change is measured `above` or `below`, never `outside`: make two rules of it")
        return self

    @model_validator(mode="after")
    def _levels_ordered(self) -> Self:
        for (mild, inner), (severe, outer) in pairwise(self.ranked):
            if isinstance(inner, Limit) and isinstance(outer, Limit):
                pairs = [(inner.limit, outer.limit, self.above is not None)]
            elif isinstance(inner, Span) and isinstance(outer, Span):
                pairs = [(inner.low, outer.low, False), (inner.high, outer.high, True)]
            else:  # pragma: no cover - one direction holds one kind of limits
                continue
            for near, far, rising in pairs:
                if not isinstance(near, float) or not isinstance(far, float):
                    continue
                if not (near < far if rising else near > far):
                    raise ValueError(
                        f"{severe.label} ({far:g}) must lie {'above' if rising else 'below'} {mild.label} ({near:g}): "
                        "order the limits as the levels are ordered, red the worst"
                    )
        return self


class Position(Model):
    """A switch or state that stands where it should not."""

    # `is` is a word of Python.
    position: bool = Field(alias="is")
    level: LevelName
    on_delay_s: int = Field(0, ge=0)
    off_delay_s: int = Field(0, ge=0)
    grounds: Grounds


class Silence(Model):
    """How long nothing may come: `factor` times the promised interval, and `grace_s` more.

    The promise is the SenML update time (`ut`) that the device last sent, or else its registered reporting interval.
    """

    factor: float = Field(ge=1, allow_inf_nan=False)
    grace_s: int = Field(ge=0)
    level: LevelName
    grounds: Grounds


class Absence(Model):
    """Nothing comes any more from a datastream or, if the rule names no property, from a whole device."""

    absence: Silence
