"""Observations of the past: what an evaluation reads again, when late ones come or a measure looks back."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rules.plan import Floats, Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Observations as columns of one length, ordered by datastream and time. Times in microseconds since 1970 (UTC)."""

    datastreams: NDArray[np.int32]
    times: Ints
    values: Floats
    qualities: NDArray[np.int16]


class Past(Protocol):
    """Where stored observations can be read again. What is stored but not evaluated yet may be among them."""

    def samples(self, datastreams: NDArray[np.int32], since: Ints) -> Columns:
        """Everything of each datastream from its own instant on."""

    def hourly(self, datastreams: NDArray[np.int32], since: int, until: int) -> tuple[NDArray[np.int32], Ints, Floats]:
        """Datastream, beginning of the UTC hour, and mean of the good values in it; ordered by both."""


class ArrayPast:
    """The past as arrays in memory: for replay, backtest and tests. Holds whatever is added; the first value wins.

    Attributes:
        parts: Each in order, the larger first; a new one is joined with those before it that are not much larger.
    """

    def __init__(self) -> None:
        self.parts: list[Columns] = []

    def add(self, datastreams: NDArray[np.int32], times: Ints, values: Floats, qualities: NDArray[np.int16]) -> None:
        """Adds observations in any order."""
        if not len(times):
            return
        self.parts.append(_ordered([Columns(datastreams=datastreams, times=times, values=values, qualities=qualities)]))
        while len(self.parts) > 1 and 2 * len(self.parts[-1].times) >= len(self.parts[-2].times):
            last = self.parts.pop()
            self.parts[-1] = _ordered([self.parts[-1], last])

    def join(self, other: "ArrayPast") -> None:
        """Adds everything that another one holds."""
        for part in other.parts:
            self.add(part.datastreams, part.times, part.values, part.qualities)

    def samples(self, datastreams: NDArray[np.int32], since: Ints) -> Columns:
        """Everything of each datastream from its own instant on."""
        return _ordered([_since(part, datastreams, since) for part in self.parts])

    def hourly(self, datastreams: NDArray[np.int32], since: int, until: int) -> tuple[NDArray[np.int32], Ints, Floats]:
        """Datastream, beginning of the UTC hour, and mean of the good values in it; ordered by both."""
        found = self.samples(datastreams, np.full(len(datastreams), since, dtype=np.int64))
        good = (found.qualities == 0) & (found.times < until)
        streams, values = found.datastreams[good], found.values[good]
        hours = found.times[good] // _HOUR * _HOUR
        if not len(streams):
            return streams, hours, values
        starts = np.flatnonzero(np.append(True, (streams[1:] != streams[:-1]) | (hours[1:] != hours[:-1])))
        sums = np.add.reduceat(values, starts)
        return streams[starts], hours[starts], sums / np.diff(np.append(starts, len(streams)))


_HOUR = 3_600_000_000


def _since(part: Columns, datastreams: NDArray[np.int32], since: Ints) -> Columns:
    firsts = np.searchsorted(part.datastreams, datastreams, side="left").tolist()
    lasts = np.searchsorted(part.datastreams, datastreams, side="right").tolist()
    pieces = [
        np.arange(first + int(np.searchsorted(part.times[first:last], instant)), last)
        for first, last, instant in zip(firsts, lasts, since.tolist(), strict=True)
        if first < last
    ]
    return _taken(part, np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.intp))


def _ordered(parts: list[Columns]) -> Columns:
    streams = np.concatenate([part.datastreams for part in parts] or [np.zeros(0, np.int32)])
    times = np.concatenate([part.times for part in parts] or [np.zeros(0, np.int64)])
    whole = Columns(
        datastreams=streams,
        times=times,
        values=np.concatenate([part.values for part in parts] or [np.zeros(0)]),
        qualities=np.concatenate([part.qualities for part in parts] or [np.zeros(0, np.int16)]),
    )
    # Stable: of two values of one instant the one that was added first stays first, and is kept.
    order = np.lexsort((times, streams))
    streams, times = streams[order], times[order]
    first = np.append(True, (streams[1:] != streams[:-1]) | (times[1:] != times[:-1])) if len(order) else order == 0
    return _taken(whole, order[first])


def _taken(whole: Columns, chosen: NDArray[np.intp]) -> Columns:
    return Columns(
        datastreams=whole.datastreams[chosen],
        times=whole.times[chosen],
        values=whole.values[chosen],
        qualities=whole.qualities[chosen],
    )
