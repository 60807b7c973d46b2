"""What a backtest runs on: who was registered, and every observation of a period in the order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND
from rules.past import ArrayPast, Past
from rules.plan import Floats, Ints
from rules.rerun import Site
from rules.step import Observations

#: Observations that are evaluated at once, about.
SLICE = 200_000
#: The longest stretch that is evaluated at once: far less than how far back the engine remembers (its horizon), beyond
#: which a fused rule leaves its past as it is.
_LONGEST = 86_400 * MICROS_PER_SECOND


class Readings(NamedTuple):
    """Observations of one datastream in the order of time. Times in microseconds since 1970 (UTC)."""

    times: Ints
    values: Floats
    qualities: NDArray[np.int16]


class Material(Protocol):
    """A period [since, until) in microseconds since 1970 (UTC), and what was observed in it."""

    @property
    def title(self) -> str:
        """Where it comes from, as a report names it."""

    @property
    def site(self) -> Site:
        """What stands in the field."""

    @property
    def since(self) -> int:
        """The begin."""

    @property
    def until(self) -> int:
        """The end, which is not part of it."""

    def slices(self) -> Iterator[Observations]:
        """All of it in the order of time; instants that are equal stand in one slice."""

    def readings(self, datastream: int, since: int, until: int) -> Readings:
        """What one datastream said in [since, until)."""

    def past(self) -> Past:
        """Where all of it can be read again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayMaterial:
    """Observations in memory, in the order of time."""

    title: str
    site: Site
    since: int
    until: int
    observations: Observations

    def slices(self) -> Iterator[Observations]:
        """About SLICE observations each, and of no more than a day."""
        whole = self.observations
        size, begin = len(whole.times), 0
        while begin < size:
            end = min(begin + SLICE, int(np.searchsorted(whole.times, whole.times[begin] + _LONGEST)))
            if end < size:
                # What happened at one instant is never torn apart.
                end = int(np.searchsorted(whole.times, whole.times[end - 1], side="right"))
            yield part_of(whole, begin, end)
            begin = end

    def readings(self, datastream: int, since: int, until: int) -> Readings:
        """What one datastream said in [since, until)."""
        whole = self.observations
        begin, end = np.searchsorted(whole.times, [since, until])
        chosen = begin + np.flatnonzero(whole.datastreams[begin:end] == datastream)
        return Readings(whole.times[chosen], whole.values[chosen], whole.qualities[chosen])

    def past(self) -> Past:
        """Where all of it can be read again."""
        found, whole = ArrayPast(), self.observations
        found.add(whole.datastreams, whole.times, whole.values, whole.qualities)
        return found


def in_order(datastreams: NDArray[np.int32], times: Ints, values: Floats, qualities: NDArray[np.int16]) -> Observations:
    """Columns in any order as they are evaluated: by time, then by datastream."""
    order = np.lexsort((datastreams, times))
    return Observations(
        datastreams=datastreams[order], times=times[order], values=values[order], qualities=qualities[order]
    )


def part_of(whole: Observations, begin: int, end: int) -> Observations:
    """The observations from one place to another."""
    return Observations(
        datastreams=whole.datastreams[begin:end],
        times=whole.times[begin:end],
        values=whole.values[begin:end],
        qualities=whole.qualities[begin:end],
    )


def rate_of(site: Site) -> float:
    """Observations in a second that a site promises."""
    return sum(1 / watched.interval_s for watched in site.watched)


def span_of(site: Site) -> int:
    """Microseconds in which about SLICE observations come; at most a day, at least a second."""
    seconds = SLICE / max(rate_of(site), 1e-9)
    return round(min(86_400.0, max(1.0, seconds)) * MICROS_PER_SECOND)
