"""Windows that slide over samples: extremes, runs and slopes for every sample at once.

A window is given by the index of its first sample; its last one is the sample itself. Windows are asked for the samples
from `first` on.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Starts = NDArray[np.intp]

#: Up to so many windows, looking at each is quicker than preparing a table.
_FEW = 6
#: How many samples of windows are laid out side by side at once.
_ROOM = 1 << 17
#: A slope needs so many samples.
_LEAST = 3


def lowest(values: Floats, starts: Starts, first: int) -> Floats:
    """The lowest value of each window."""
    return _extremes(np.minimum, values, starts, first)


def highest(values: Floats, starts: Starts, first: int) -> Floats:
    """The highest value of each window."""
    return _extremes(np.maximum, values, starts, first)


def _extremes(extreme: np.ufunc, values: Floats, starts: Starts, first: int) -> Floats:
    if starts.size <= _FEW:
        return np.array([extreme.reduce(values[start : first + at + 1]) for at, start in enumerate(starts.tolist())])
    ends = np.arange(first, values.size) + 1
    # The largest powers of two that fit: two such stretches, which may overlap, cover the window.
    powers = np.frexp(ends - starts)[1] - 1
    table = _table(extreme, values, int(powers.max()))
    return np.asarray(extreme(table[powers, starts], table[powers, ends - (1 << powers)]))


def _table(extreme: np.ufunc, values: Floats, powers: int) -> Floats:
    """Row k holds the extremes of the 2 ** k values from each one on, as far as there are so many."""
    table = np.empty((powers + 1, values.size))
    table[0] = values
    for power in range(powers):
        half = 1 << power
        extreme(table[power, :-half], table[power, half:], out=table[power + 1, :-half])
        # Never asked for; set, so that nothing undefined stands in the table.
        table[power + 1, -half:] = table[power, -half:]
    return table


def run_starts(values: Floats, starts: Starts, low: Floats, high: Floats, first: int) -> Starts:
    """The first sample of the longest run up to each sample, not before its start, that lies within [low, high]."""
    if starts.size <= _FEW:
        return np.array(
            [
                _run_start(values[start : first + at + 1], low[at], high[at]) + start
                for at, start in enumerate(starts.tolist())
            ],
            dtype=np.intp,
        )
    begun = np.arange(first, values.size)
    powers = int(begun.size and (begun - starts).max()).bit_length()
    least, most = _table(np.minimum, values, powers), _table(np.maximum, values, powers)
    # A run can be prolonged by 2 ** k samples or not; from the largest k to the smallest, each at most once.
    for power in range(powers - 1, -1, -1):
        further = begun - (1 << power)
        within = further >= starts
        np.maximum(further, 0, out=further)
        within &= (least[power, further] >= low) & (most[power, further] <= high)
        begun = np.where(within, further, begun)
    return begun


def _run_start(values: Floats, low: np.float64, high: np.float64) -> int:
    outside = np.flatnonzero((values < low) | (values > high))
    return int(outside[-1]) + 1 if outside.size else 0


def slopes(times: Ints, values: Floats, starts: Starts, first: int, *, least_span: int) -> Floats:
    """The least squares slope over each window, per second.

    NaN with fewer than three samples, or if they span less than `least_span` microseconds.
    """
    result = np.full(starts.size, np.nan)
    ends = np.arange(first, values.size)
    enough = (ends - starts + 1 >= _LEAST) & (times[ends] - times[starts] >= least_span)
    chosen = np.flatnonzero(enough)
    for part in _parts(chosen, ends - starts + 1):
        result[part] = _slopes(times, values, starts[part], ends[part])
    return result


def _parts(chosen: Starts, lengths: Starts) -> Iterator[Starts]:
    """The chosen windows, in parts that have room."""
    filled = np.cumsum(lengths[chosen]) // _ROOM
    yield from np.split(chosen, np.flatnonzero(np.diff(filled)) + 1) if chosen.size else ()


def _slopes(times: Ints, values: Floats, starts: Starts, ends: Starts) -> Floats:
    counts = ends - starts + 1
    begins = np.cumsum(counts) - counts
    window = np.repeat(np.arange(counts.size), counts)
    at = np.arange(window.size) + (starts - begins)[window]
    # Seen from the newest sample of the window: small numbers keep their digits, and what stands still is all zeros.
    t = (times[at] - times[ends][window]) / MICROS_PER_SECOND
    v = values[at] - values[ends][window]
    sum_t, sum_v = np.add.reduceat(t, begins), np.add.reduceat(v, begins)
    rise = counts * np.add.reduceat(t * v, begins) - sum_t * sum_v
    return np.asarray(rise / (counts * np.add.reduceat(t * t, begins) - sum_t * sum_t))
