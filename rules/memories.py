"""What a gate remembers of each datastream, one kind for each measure, and which scores it allows for.

Windows are remembered in two buckets. The present one takes all samples; when it has lasted for a window, it becomes
the former one, and a new one begins. So what is remembered spans at least the window of any sample to come, and at most
about two.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND
from rules.baseline import HOUR
from rules.measure import Measure
from rules.scores import QUANTA, Floats, Ints, deviations, quanta, reach, tidy, turned
from rules.silence import NEVER
from rules.stretches import Places, Stretches

#: The least and the largest possible score of each sample.
Bounds = tuple[Floats, Floats]


class Memory(Protocol):
    """What is remembered of all datastreams of a gate."""

    def bounds(self, batch: Stretches) -> Bounds:
        """Between which numbers the scores of a batch lie."""

    def take(self, batch: Stretches) -> None:
        """Remembers a batch."""


def memory_of(measure: Measure, high: Floats) -> Memory:
    """An empty memory for a measure; `high` is the mildest upper limit of each datastream."""
    size = high.size
    if measure.change:
        return _Range(size, measure.change.window_s)
    if measure.unchanged:
        return _Witnesses(high, measure.unchanged.tolerance)
    if measure.step:
        return _Newest(size)
    if measure.time_to:
        return _Slopes(size, measure)
    if measure.deviation:
        return Usual(size, relative=measure.deviation.relative)
    return _Totals(size, measure) if measure.increase or measure.edges else _Doubts(size, measure)


class _Buckets:
    """When the present bucket of each datastream began.

    What lies in the former one is older than that, whatever has come late.
    """

    def __init__(self, size: int, window_s: int) -> None:
        self.window = window_s * MICROS_PER_SECOND
        self._begun: Ints = np.full(size, NEVER, dtype=np.int64)

    def reaches_former(self, batch: Stretches) -> NDArray[np.bool_]:
        """Whether the window of each sample may reach into the former bucket."""
        return self._begun.take(batch.places) > batch.times - self.window

    def turn(self, batch: Stretches) -> Places:
        """Begins new buckets where the present one has lasted for a window; returns the datastreams."""
        newest = batch.last(batch.times)
        streams = batch.streams
        over = newest - self._begun.take(streams) >= self.window
        turned_over: Places = streams[over]
        self._begun[turned_over] = newest[over]
        return turned_over


class _Last:
    """The newest sample of each datastream, and until when something that came late may matter.

    A late sample stands between two that were taken as neighbors. How they relate to it is not known, so that until all
    of them have left the window, any score is possible.
    """

    def __init__(self, size: int, window: int) -> None:
        self._window = window
        self._time: Ints = np.full(size, NEVER, dtype=np.int64)
        self._value: Floats = np.full(size, np.nan)
        self._wary: Ints = np.full(size, NEVER, dtype=np.int64)

    def former(self, batch: Stretches) -> tuple[Ints, Floats]:
        """The time and the value of the sample before each one; NEVER and NaN if there is none."""
        streams = batch.streams
        return (
            batch.former(batch.times, self._time.take(streams)),
            batch.former(batch.values, self._value.take(streams)),
        )

    def values(self, batch: Stretches) -> Floats:
        """The newest value that was taken of each stretch; NaN if there is none."""
        return self._value.take(batch.streams)

    def unsure(self, batch: Stretches) -> NDArray[np.bool_]:
        """Which samples have something late in their window."""
        streams = batch.streams
        late = batch.first(batch.times) <= self._time.take(streams)
        wary = np.where(late, np.iinfo(np.int64).max, self._wary.take(streams))
        return batch.times <= batch.spread(wary)

    def take(self, batch: Stretches) -> None:
        """Remembers the newest samples."""
        streams, newest = batch.streams, batch.last(batch.times)
        held = self._time.take(streams)
        late = batch.first(batch.times) <= held
        if late.any():
            self._wary[streams[late]] = np.maximum(held, newest)[late] + self._window
        newer = newest > held
        self._time[streams[newer]] = newest[newer]
        self._value[streams[newer]] = batch.last(batch.values)[newer]


class _Range:
    """`change`: the lowest and the highest value."""

    def __init__(self, size: int, window_s: int) -> None:
        self._buckets = _Buckets(size, window_s)
        self._low, self._former_low = np.full(size, np.inf), np.full(size, np.inf)
        self._high, self._former_high = np.full(size, -np.inf), np.full(size, -np.inf)

    def bounds(self, batch: Stretches) -> Bounds:
        low, high = self.within(batch)
        return tidy(batch.values - high), tidy(batch.values - low)

    def within(self, batch: Stretches) -> Bounds:
        """Between which values all those lie that the window of each sample may hold."""
        places, former = batch.places, self._buckets.reaches_former(batch)
        low = np.minimum(self._low.take(places), batch.spread(batch.least(batch.values)))
        high = np.maximum(self._high.take(places), batch.spread(batch.most(batch.values)))
        return (
            np.where(former, np.minimum(low, self._former_low.take(places)), low),
            np.where(former, np.maximum(high, self._former_high.take(places)), high),
        )

    def take(self, batch: Stretches) -> None:
        over, streams = self._buckets.turn(batch), batch.streams
        self._former_low[over], self._former_high[over] = self._low[over], self._high[over]
        self._low[over], self._high[over] = np.inf, -np.inf
        self._low[streams] = np.minimum(self._low.take(streams), batch.least(batch.values))
        self._high[streams] = np.maximum(self._high.take(streams), batch.most(batch.values))


class _Newest:
    """`step`: the newest value."""

    def __init__(self, size: int) -> None:
        self._last = _Last(size, 0)

    def bounds(self, batch: Stretches) -> Bounds:
        # The sample before is the newest one that was taken or one of the batch. Nothing is known before the first.
        former = batch.spread(self._last.values(batch))
        least, most = batch.least(batch.values), batch.most(batch.values)
        low, high = np.fmin(batch.spread(least), former), np.fmax(batch.spread(most), former)
        far = np.maximum(batch.values - low, high - batch.values)
        return np.zeros(far.size), tidy(far)

    def take(self, batch: Stretches) -> None:
        self._last.take(batch)


class _Witnesses:
    """`unchanged`: two witnesses of change, a high and a low value and when they were.

    Where a value has not moved for longer than the limit, all samples of that time lie near it. So one sample of that
    time that lies too far away is enough to be sure that it has moved. The highest and the lowest value are the
    likeliest to do; once too old to tell, they are replaced by the newest.
    """

    def __init__(self, high: Floats, tolerance: float) -> None:
        self._limit = high
        self._tolerance = tolerance
        self._times = np.full((2, high.size), NEVER, dtype=np.int64)
        self._values = np.full((2, high.size), np.nan)

    def bounds(self, batch: Stretches) -> Bounds:
        low, high = reach(batch.values, self._tolerance)
        limit = self._limit.take(batch.places)
        changed = np.zeros(batch.values.size, dtype=np.bool_)
        for times, values in zip(self._times, self._values, strict=True):
            time = batch.former(batch.times, times.take(batch.streams))
            value = batch.former(batch.values, values.take(batch.streams))
            changed |= self._tells(batch.times - time, limit) & ((value < low) | (value > high))
        return np.zeros(changed.size), np.where(changed, 0, np.inf)

    def take(self, batch: Stretches) -> None:
        streams, newest, value = batch.streams, batch.last(batch.times), batch.last(batch.values)
        limit = self._limit.take(streams)
        for side, (times, values) in enumerate(zip(self._times, self._values, strict=True)):
            kept = values.take(streams)
            better = value >= kept if side else value <= kept
            better |= ~self._tells(newest - times.take(streams), limit)
            times[streams[better]] = newest[better]
            values[streams[better]] = value[better]

    @staticmethod
    def _tells(age: Ints, limit: Floats) -> NDArray[np.bool_]:
        return (age >= 0) & (age / MICROS_PER_SECOND <= limit)


class _Totals:
    """`increase` and `edges`: the sum of all that was counted."""

    def __init__(self, size: int, measure: Measure) -> None:
        own = measure.increase or measure.edges
        if own is None:
            raise TypeError(f"{measure.name} counts nothing from sample to sample")
        self._edges = measure.edges
        self._buckets = _Buckets(size, own.window_s)
        self._last = _Last(size, self._buckets.window)
        self._total, self._former = np.zeros((2, size), dtype=np.int64)

    def bounds(self, batch: Stretches) -> Bounds:
        former = np.where(self._buckets.reaches_former(batch), self._former.take(batch.places), 0)
        total = self._total.take(batch.places) + former + batch.spread(batch.total(self._counted(batch)))
        most = np.where(self._last.unsure(batch), np.inf, total if self._edges else total / QUANTA)
        return np.zeros(most.size), most

    def take(self, batch: Stretches) -> None:
        counted = batch.total(self._counted(batch))
        over = self._buckets.turn(batch)
        self._former[over], self._total[over] = self._total[over], 0
        self._total[batch.streams] += counted
        self._last.take(batch)

    def _counted(self, batch: Stretches) -> Ints:
        _, former = self._last.former(batch)
        if self._edges:
            counted = turned(former, batch.values, to=self._edges.to).astype(np.int64)
        else:
            counted = quanta(former, batch.values)
        counted[np.isnan(former)] = 0
        return counted


class _Doubts:
    """`doubtful`: the number of doubtful values. The values of a batch are 1 where they are doubtful, else 0."""

    def __init__(self, size: int, measure: Measure) -> None:
        if measure.doubtful is None:
            raise TypeError(f"{measure.name} does not count doubtful values")
        self._buckets = _Buckets(size, measure.doubtful.window_s)
        self._total, self._former = np.zeros((2, size))

    def bounds(self, batch: Stretches) -> Bounds:
        former = np.where(self._buckets.reaches_former(batch), self._former.take(batch.places), 0)
        most = self._total.take(batch.places) + former + batch.spread(batch.total(batch.values))
        return np.zeros(most.size), most

    def take(self, batch: Stretches) -> None:
        over = self._buckets.turn(batch)
        self._former[over], self._total[over] = self._total[over], 0
        self._total[batch.streams] += batch.total(batch.values)


class _Slopes:
    """`time_to`: how steep the values can have gone towards the limit.

    The slope of least squares is a mean, with weights, of the slopes from each sample to the next, so that it is no
    steeper than the steepest of them. And with n samples within a range r that span a time s, and d their distances
    from the mean time, it is no steeper than r / 2 * sum|d| / sum d². That is no more than r * sqrt(n / 2) / s: sum|d|
    is at most sqrt(n * sum d²), and the first and the last sample alone make sum d² at least s² / 2.
    """

    def __init__(self, size: int, measure: Measure) -> None:
        own = measure.time_to
        if own is None:
            raise TypeError(f"{measure.name} has no limit in time")
        self._limit, self._sign = own.limit, 1 if own.rising else -1
        self._least_span_s = (own.window_s * MICROS_PER_SECOND // 2) / MICROS_PER_SECOND
        self._range = _Range(size, own.window_s)
        self._buckets = _Buckets(size, own.window_s)
        self._last = _Last(size, self._buckets.window)
        self._steepest, self._former_steepest = np.full((2, size), -np.inf)
        self._count, self._former_count = np.zeros((2, size))

    def bounds(self, batch: Stretches) -> Bounds:
        low, high = self._range.within(batch)
        former = self._buckets.reaches_former(batch)
        ones = np.ones(batch.places.size)
        count = self._count.take(batch.places) + batch.spread(batch.total(ones))
        count += np.where(former, self._former_count.take(batch.places), 0)
        steepest = np.maximum(self._steepest.take(batch.places), batch.spread(batch.most(self._rates(batch))))
        former_steepest = self._former_steepest.take(batch.places)
        steepest = np.where(former, np.maximum(steepest, former_steepest), steepest)
        steepest[self._last.unsure(batch)] = np.inf
        # A little more, for the rounding of the exact one.
        rounding = 1e-9 * (high - low) / self._least_span_s
        fastest = np.minimum(steepest, (high - low) * np.sqrt(count / 2) / self._least_span_s) + rounding
        left = self._sign * (self._limit - batch.values)
        least = np.where(fastest > 0, left / fastest * (1 - 1e-9), np.inf)
        least[left <= 0] = 0
        return least, np.full(least.size, np.inf)

    def take(self, batch: Stretches) -> None:
        steepest = batch.most(self._rates(batch))
        over, streams = self._buckets.turn(batch), batch.streams
        self._former_steepest[over], self._steepest[over] = self._steepest[over], -np.inf
        self._former_count[over], self._count[over] = self._count[over], 0
        self._steepest[streams] = np.maximum(self._steepest.take(streams), steepest)
        self._count[streams] += batch.total(np.ones(batch.places.size))
        self._range.take(batch)
        self._last.take(batch)

    def _rates(self, batch: Stretches) -> Floats:
        """How fast each sample has come nearer to the limit since the one before; -inf if there is none."""
        time, value = self._last.former(batch)
        passed = (batch.times - time) / MICROS_PER_SECOND
        rates = self._sign * (batch.values - value) / np.where(passed > 0, passed, 1)
        # Two at one instant: as steep as can be.
        rates[passed <= 0] = np.inf
        rates[np.isnan(value)] = -np.inf
        return np.asarray(rates, dtype=np.float64)


class Usual:
    """`deviation`: what is usual in the present hour and in the one before."""

    def __init__(self, size: int, *, relative: bool) -> None:
        self._relative = relative
        # Even hours in one row and odd ones in the other.
        self._hours = np.full((2, size), NEVER, dtype=np.int64)
        self._usual = np.full((2, size), np.nan)

    def known(self, places: Places, times: Ints) -> NDArray[np.bool_]:
        """Of which datastreams it is known what is usual in the hours of these times."""
        hours = times // HOUR
        return np.asarray(self._hours[hours & 1, places] == hours)

    def load(self, places: Places, hours: Ints, baselines: Floats) -> None:
        """Takes over what is usual in an hour."""
        numbers = hours // HOUR
        self._hours[numbers & 1, places] = numbers
        self._usual[numbers & 1, places] = baselines

    def bounds(self, batch: Stretches) -> Bounds:
        """The scores themselves; any where it is not known what is usual."""
        hours = batch.times // HOUR
        found = deviations(batch.values, self._usual[hours & 1, batch.places], relative=self._relative)
        known = self._hours[hours & 1, batch.places] == hours
        return np.where(known, found, -np.inf), np.where(known, found, np.inf)

    def take(self, batch: Stretches) -> None:
        """Nothing: what is usual is loaded."""
