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
    """The past as arrays in memory: for replay, backtest and tests. Holds whatever is added; the first value wins."""

    def __init__(self) -> None:
        self._added: list[Columns] = []
        self._whole: Columns | None = None

    def add(self, datastreams: NDArray[np.int32], times: Ints, values: Floats, qualities: NDArray[np.int16]) -> None:
        """Adds observations in any order."""
        self._added.append(Columns(datastreams=datastreams, times=times, values=values, qualities=qualities))

    def join(self, other: "ArrayPast") -> None:
        """Adds everything that another one holds."""
        self._added.append(other.whole)

    @property
    def whole(self) -> Columns:
        """Everything, in order."""
        if self._added or self._whole is None:
            parts = ([self._whole] if self._whole is not None else []) + self._added
            self._whole, self._added = _ordered(parts), []
        return self._whole

    def samples(self, datastreams: NDArray[np.int32], since: Ints) -> Columns:
        """Everything of each datastream from its own instant on."""
        whole = self.whole
        pieces = []
        order = np.argsort(datastreams, kind="stable")
        for datastream, instant in zip(datastreams[order].tolist(), since[order].tolist(), strict=True):
            first, last = np.searchsorted(whole.datastreams, [datastream, datastream + 1])
            begin = first + int(np.searchsorted(whole.times[first:last], instant))
            pieces.append(np.arange(begin, last))
        chosen = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.intp)
        return _taken(whole, chosen)

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
