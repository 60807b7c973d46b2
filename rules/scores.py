"""Measures as pure functions of samples: one number for each sample, NaN where it cannot be told.

A score rests on the samples within `look_back` before its own and on nothing else, to the last bit: sums are made of
integers, or from each window anew, so that it is the same with more history before it, in any batch, live or replayed.

The window of a sample at t is [t - window, t]: with a sample each minute, the change within ten minutes reaches back to
the sample ten minutes ago. Changes of a switch and doubtful values are events, not spans, and counted within
(t - window, t]: over an hour, what happens each minute happens 60 times.

Differences are rounded to nine decimals, as a person reckons them: 20.1 lies 0.1 above 20, and not a little more.
"""

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND
from rules.baseline import Baseline, hourly
from rules.measure import Measure
from rules.track import Track
from rules.windows import highest, lowest, run_starts, slopes

__all__ = ["Baseline", "deviations", "hourly", "look_back", "quanta", "reach", "scores", "tidy", "turned"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Increases are summed as integers of a millionth.
QUANTA = 1_000_000
#: The most by which a counter can go up from one sample to the next; anything above counts as this.
_MOST = 1e9
_DECIMALS = 1e9
#: From here on, nine decimals are beyond the precision of a float.
_LARGE = 1e6


def look_back(track: Track) -> int:
    """How many microseconds before a sample its score may rest on samples.

    `unchanged` looks one gap further than the largest limit, so that a run that is longer than the limit has a sample
    beyond it; its score ends there. `edges` does so to see from which position a switch has changed.
    """
    measure = track.measure
    if measure is None or measure.deviation:
        return 0
    if measure.step:
        return track.gap
    if measure.unchanged:
        limits = (0.0, *track.up, *track.up_release, *(-low for low in (*track.down, *track.down_release)))
        return int(np.ceil(max(limits) * MICROS_PER_SECOND)) + track.gap
    return _window(measure) + (track.gap if measure.edges else 0)


def scores(
    track: Track, times: Ints, values: Floats, qualities: NDArray[np.int16], first: int, baseline: Baseline | None
) -> Floats:
    """The scores of the samples from `first` on.

    Args:
        track: The measure, the sides of its limits, and the gap.
        times: Microseconds since 1970 (UTC), strictly rising; must reach back by `look_back`.
        values: One for each time.
        qualities: 0 is good. Doubtful values are never used and have no score, except where they are what is counted.
        first: The first sample whose score is wanted.
        baseline: What is usual on this datastream, for `deviation`.

    Returns:
        One score for each sample from `first` on; NaN is unknown.
    """
    measure = track.measure
    if measure is not None and measure.doubtful:
        return _counted(qualities != 0, times, first, _window(measure))
    result = np.full(times.size - first, np.nan)
    place: slice | NDArray[np.bool_] = slice(None)
    good = qualities == 0
    if not good.all():
        place = good[first:]
        first = int(np.count_nonzero(good[:first]))
        times, values = times[good], values[good]
    if first < times.size:
        # Out of range floats become infinite, which every limit can judge.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            result[place] = _good(track, times, values, first, baseline)
    return result


def _good(track: Track, times: Ints, values: Floats, first: int, baseline: Baseline | None) -> Floats:
    measure = track.measure
    if measure is None:
        return values[first:]
    if measure.deviation:
        if baseline is None:
            return np.full(times.size - first, np.nan)
        return deviations(values[first:], baseline.at(times[first:]), relative=measure.deviation.relative)
    if measure.step:
        return _steps(times, values, first, track.gap)
    if measure.unchanged:
        return _unchanged(track, times, values, first, measure.unchanged.tolerance)
    return _windowed(track, measure, times, values, first)


def _windowed(track: Track, measure: Measure, times: Ints, values: Floats, first: int) -> Floats:
    starts = times.searchsorted(times[first:] - _window(measure))
    if measure.change:
        extremes = lowest(values, starts, first) if track.up else highest(values, starts, first)
        return tidy(values[first:] - extremes)
    if measure.increase:
        total = np.zeros(times.size, dtype=np.int64)
        np.cumsum(quanta(values[:-1], values[1:]), out=total[1:])
        return _told(track, (total[first:] - total[starts]) / QUANTA, times, starts, first)
    if measure.edges:
        edges = np.zeros(times.size, dtype=np.bool_)
        # Across a gap nobody knows when the switch has changed.
        edges[1:] = turned(values[:-1], values[1:], to=measure.edges.to) & (np.diff(times) <= track.gap)
        return _told(track, _counted(edges, times, first, _window(measure)), times, starts, first)
    if measure.time_to:
        return _times_to(measure, times, values, starts, first)
    raise TypeError(f"no score for {measure.name}")


def _window(measure: Measure) -> int:
    """The window of a measure that has one, in microseconds."""
    own = measure.change or measure.increase or measure.edges or measure.time_to or measure.doubtful
    if own is None:
        raise TypeError(f"{measure.name} has no window")
    return own.window_s * MICROS_PER_SECOND


# The parts that the quick way for live data (`gates`) shares: what is the same must be the same to the last bit.


def tidy(numbers: Floats) -> Floats:
    """Rounded to nine decimals, where a float has them. Monotonic: the order of numbers stays."""
    small = np.clip(numbers, -_LARGE, _LARGE)
    return np.where(np.abs(numbers) < _LARGE, np.rint(small * _DECIMALS) / _DECIMALS, numbers)


def reach(values: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """From where to where a value counts as the same; a little more than the tolerance for the rounding of floats."""
    # A few units in the last place of the value and of the tolerance.
    far = tolerance + 2e-15 * (np.abs(values) + tolerance)
    return values - far, values + far


def deviations(values: Floats, usual: Floats, *, relative: bool) -> Floats:
    """The values less the usual ones; unknown where nothing is usual or, for a share of it, the usual is zero."""
    away = tidy(values - usual)
    if not relative:
        return away
    return np.where(usual == 0, np.nan, tidy((values - usual) / np.where(usual == 0, 1, np.abs(usual))))


def quanta(former: Floats, values: Floats) -> Ints:
    """By how many millionths a counter has gone up between two samples; one that falls has begun anew from zero."""
    risen = np.where(values >= former, values - former, values)
    return np.asarray(np.rint(np.clip(risen, 0, _MOST) * QUANTA), dtype=np.int64)


def turned(former: Floats, values: Floats, *, to: bool) -> NDArray[np.bool_]:
    """Whether a switch has changed to a position between two samples."""
    before, now = former > 0.5, values > 0.5
    return ~before & now if to else before & ~now


# The measures.


def _steps(times: Ints, values: Floats, first: int, gap: int) -> Floats:
    begin = max(first - 1, 0)
    steps = tidy(np.abs(np.diff(values[begin:])))
    steps[np.diff(times[begin:]) > gap] = np.nan
    return steps if first else np.append(np.nan, steps)


def _unchanged(track: Track, times: Ints, values: Floats, first: int, tolerance: float) -> Floats:
    """The age of the oldest sample of the run without gaps in which all lie within the tolerance of the newest."""
    starts = times.searchsorted(times[first:] - look_back(track))
    broken = np.zeros(times.size, dtype=np.int64)
    broken[1:] = np.where(np.diff(times) > track.gap, np.arange(1, times.size), 0)
    np.maximum(starts, np.maximum.accumulate(broken)[first:], out=starts)
    low, high = reach(values[first:], tolerance)
    begun = run_starts(values, starts, low, high, first)
    return (times[first:] - times[begun]) / MICROS_PER_SECOND


def _counted(events: NDArray[np.bool_], times: Ints, first: int, window: int) -> Floats:
    """How many events lie within (t - window, t]."""
    total = np.zeros(times.size + 1, dtype=np.int64)
    np.cumsum(events, out=total[1:])
    starts = times.searchsorted(times[first:] - window, side="right")
    return (total[first + 1 :] - total[starts]).astype(np.float64)


def _told(track: Track, counts: Floats, times: Ints, starts: NDArray[np.intp], first: int) -> Floats:
    """What was counted, unless it may be too low because samples are missing, and too low is what is wrong.

    More than a limit is more, whatever is missing. Less than a limit is told only by a window that is covered: no gap
    in it, nor before its first sample.
    """
    measure = track.measure
    if not track.down or measure is None:
        return counts
    gaps = np.zeros(times.size, dtype=np.int64)
    np.cumsum(np.diff(times) > track.gap, out=gaps[1:])
    missing = gaps[first:] > gaps[starts]
    missing |= times[starts] - (times[first:] - _window(measure)) > track.gap
    if track.up:
        missing &= ~(counts > track.up[0])
    return np.where(missing, np.nan, counts)


def _times_to(measure: Measure, times: Ints, values: Floats, starts: NDArray[np.intp], first: int) -> Floats:
    own = measure.time_to
    if own is None:
        raise TypeError(f"{measure.name} has no limit in time")
    rate = slopes(times, values, starts, first, least_span=_window(measure) // 2)
    left = own.limit - values[first:]
    if not own.rising:
        left, rate = -left, -rate
    seconds = np.where(rate > 0, left / np.where(rate > 0, rate, 1), np.inf)
    seconds[np.isnan(rate)] = np.nan
    # Beyond the limit no slope is needed.
    seconds[left <= 0] = 0
    return seconds
