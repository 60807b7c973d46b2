"""The quick way for live data: it never misses, seldom looks, and is quick."""

from dataclasses import dataclass
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.baseline import HOUR
from rules.gates import Gate
from rules.measure import Change, Deviation, Doubtful, Edges, Increase, Measure, Step, TimeTo, Unchanged
from rules.scores import Baseline, Floats, Ints, scores
from rules.track import Track
from tests.support.rulebook import SECOND, T0
from tests.unit.rules.test_scores import MINUTE, track

MEASURES = {
    "rise": track(Measure(change=Change(window_s=300)), up=(4.95,)),
    "fall": track(Measure(change=Change(window_s=300)), down=(-4.95,)),
    "unchanged": track(Measure(unchanged=Unchanged(tolerance=0.1)), up=(240,)),
    "step": track(Measure(step=Step()), up=(4.95,)),
    "increase": track(Measure(increase=Increase(window_s=300)), up=(10,)),
    "idle": track(Measure(increase=Increase(window_s=120)), down=(1,)),
    "edges": track(Measure(edges=Edges(to=True, window_s=300)), up=(1,)),
    "time_to": track(Measure(time_to=TimeTo(limit=6, rising=True, window_s=240)), down=(120,)),
    "time_to_low": track(Measure(time_to=TimeTo(limit=-1, rising=False, window_s=240)), down=(120,)),
    "doubtful": track(Measure(doubtful=Doubtful(window_s=300)), up=(1,)),
    "deviation": track(Measure(deviation=Deviation(days=7, least_days=1)), up=(2,), down=(-2,)),
    "share": track(Measure(deviation=Deviation(days=7, least_days=1, relative=True)), up=(0.3,), down=(-0.3,)),
}
each_measure = pytest.mark.parametrize("own", MEASURES.values(), ids=MEASURES.keys())

#: What is usual at midnight: 0 on datastream 0, 4 on the others; later in the day nothing is.
USUAL = [
    Baseline.of(np.array([T0 - 24 * HOUR]), np.array([mean]), days=7, least_days=1, zone=UTC)
    for mean in (0.0, 4.0, 4.0, 4.0, 4.0)
]


def limits(own: Track) -> tuple[float, float]:
    return (-own.down[0] if own.down else -np.inf), (own.up[0] if own.up else np.inf)


def gate(own: Track, numbers: list[int], size: int) -> Gate:
    low, high = limits(own)
    assert own.measure is not None
    return Gate(own.measure, np.array(numbers), size, np.full(len(numbers), low), np.full(len(numbers), high))


def outside(own: Track, found: Floats) -> np.ndarray:
    low, high = limits(own)
    return (found < low) | (found > high)


@dataclass
class Batch:
    index: np.ndarray
    times: Ints
    values: Floats
    qualities: np.ndarray

    @property
    def all(self) -> tuple[np.ndarray, Ints, Floats, np.ndarray]:
        return self.index, self.times, self.values, self.qualities


#: How many samples each datastream has.
LENGTH = 24


def walk(*steps: float) -> st.SearchStrategy[list[float]]:
    """Values that go on from each other."""
    return st.lists(st.sampled_from(steps), min_size=LENGTH, max_size=LENGTH).map(
        lambda s: [float(v) for v in 3 + np.cumsum(s)]
    )


def any_of(value: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(value, min_size=LENGTH, max_size=LENGTH)


#: Mostly the same with something rare, that has to be remembered; few values; gentle and steep ways; any at all.
SERIES = st.one_of(
    any_of(st.sampled_from([1.0] * 12 + [0.0, 5.05, 7.0])),
    any_of(st.sampled_from([0.0, 0.1, 0.2, 1.0, 5.0, 5.05, 5.1])),
    walk(-0.05, 0.0, 0.0, 0.05, 0.1, 0.5),
    walk(0.0, 0.0, 1.0),
    any_of(st.floats(0, 7)),
    any_of(st.floats(allow_nan=False, allow_infinity=False)),
)
#: Seconds from one sample to the next.
STEPS = st.one_of(
    st.just([60.0] * LENGTH),
    any_of(st.sampled_from([10, 20, 60, 60, 60, 61.7, 90, 100])),
    any_of(st.sampled_from([20, 40, 40, 60, 300, 700, 3600])),
)


@st.composite
def batches(draw: st.DrawFn, *, late: bool) -> list[Batch]:
    """Some datastreams with samples about a minute apart, cut into batches at any place, each in any order."""
    found: list[tuple[float, int, int, float, int]] = []
    for number in draw(st.sampled_from([(0,), (0, 1), (2, 3)])):
        flags = draw(any_of(st.sampled_from([0, 0, 0, 0, 0, 1]))) if draw(st.booleans()) else [0] * LENGTH
        time = T0
        for step, value, flag in zip(draw(STEPS), draw(SERIES), flags, strict=True):
            time += int(step * SECOND)
            delay = draw(st.sampled_from([0, 0, 0, 200])) if late else 0
            # Roughly in order of arrival.
            found.append((time / SECOND + delay, number, time, value, int(flag)))
    found.sort()
    result = []
    most = draw(st.sampled_from([1, 4, 25]))
    random = draw(st.randoms(use_true_random=False))
    while found:
        size = random.randint(1, most)
        part = random.sample(found[:size], len(found[:size]))
        found = found[size:]
        columns = list(zip(*part, strict=True))
        result.append(
            Batch(
                index=np.array(columns[1]),
                times=np.array(columns[2], dtype=np.int64),
                values=np.array(columns[3], dtype=np.float64),
                qualities=np.array(columns[4], dtype=np.int16),
            )
        )
    return result


def exact(own: Track, known: list[Batch]) -> dict[tuple[int, int], float]:
    """The scores of all samples, of each datastream in order of time."""
    result: dict[tuple[int, int], float] = {}
    index, times, values, qualities = (np.concatenate(column) for column in zip(*(b.all for b in known), strict=True))
    for number in np.unique(index).tolist():
        mine = np.flatnonzero(index == number)
        mine = mine[np.argsort(times[mine])]
        found = scores(own, times[mine], values[mine], qualities[mine], 0, USUAL[number])
        result |= {(number, time): score for time, score in zip(times[mine].tolist(), found.tolist(), strict=True)}
    return result


def bounds(looker: Gate, batch: Batch) -> tuple[Floats, Floats]:
    """Between which numbers a gate takes the scores of a batch to lie; NaN where it has no opinion."""
    result = np.full((2, batch.times.size), np.nan)
    chosen, stretches = looker._stretches(*batch.all)
    with np.errstate(all="ignore"):
        result[:, slice(None) if chosen is None else chosen] = looker._memory.bounds(stretches)
    return result[0], result[1]


def misses(own: Track, parts: list[Batch]) -> None:
    """Fails if a gate does not look at a sample beyond the limits, or is wrong about what it could be."""
    covered = [3, 0, 1]
    looker = gate(own, covered, 5)
    newest = np.full(5, np.iinfo(np.int64).min)
    final = exact(own, parts)
    in_order = all((np.diff(column) >= 0).all() for column in arrivals(parts))
    for at, batch in enumerate(parts):
        numbers, hours = looker.stale(batch.index, batch.times)
        # Some are not loaded in time.
        some = slice(None, None, 1 + at % 2)
        usual = [USUAL[n].at(np.array([hour]))[0] for n, hour in zip(numbers.tolist(), hours.tolist(), strict=True)]
        looker.load(numbers[some], hours[some], np.array(usual, dtype=np.float64)[some])
        looked = looker.look(*batch.all)
        assert (looker.look(*batch.all) == looked).all(), "a look must change nothing"
        least, most = bounds(looker, batch)
        found = final if in_order else exact(own, parts[: at + 1])
        score = np.array([found[key] for key in zip(batch.index.tolist(), batch.times.tolist(), strict=True)])
        if own.measure is not None and own.measure.unchanged:
            # How long below the limit is not told.
            most = np.maximum(most, own.up[0])
        fresh = batch.times > newest[batch.index]
        mine = fresh & np.isin(batch.index, covered)
        assert not looked[~np.isin(batch.index, covered)].any()
        missed = mine & outside(own, score) & ~looked
        assert not missed.any(), score[missed]
        wrong = mine & ((score < least) | (score > most))
        assert not wrong.any(), (least[wrong], score[wrong], most[wrong])
        looker.take(*batch.all)
        np.maximum.at(newest, batch.index, batch.times)


def arrivals(parts: list[Batch]) -> list[Ints]:
    """For each datastream, from which to which time the batches reach, one after the other."""
    result = []
    for number in range(5):
        own = [batch.times[batch.index == number] for batch in parts]
        result.append(np.array([edge for times in own if times.size for edge in (times.min(), times.max())]))
    return result


@each_measure
@settings(max_examples=40, deadline=None)
@given(parts=batches(late=False))
def test_whatever_scores_beyond_the_limits_is_looked_at(own: Track, parts: list[Batch]) -> None:
    misses(own, parts)


@each_measure
@settings(max_examples=20, deadline=None)
@given(parts=batches(late=True))
def test_what_came_late_is_reckoned_with_from_then_on(own: Track, parts: list[Batch]) -> None:
    misses(own, parts)


def batch_of(*samples: tuple[float, float]) -> Batch:
    """Samples of datastream 0: seconds and values."""
    return Batch(
        index=np.zeros(len(samples), dtype=np.int64),
        times=np.array([T0 + int(t * SECOND) for t, _ in samples], dtype=np.int64),
        values=np.array([v for _, v in samples], dtype=np.float64),
        qualities=np.zeros(len(samples), dtype=np.int16),
    )


def test_a_late_value_of_a_counter_counts_until_it_has_left_the_window() -> None:
    # 0, 100, reset to 10: 110 in all. Without the late one it was 10, and from the newest to the late one are 90.
    parts = [batch_of((0, 0), (60, 10)), batch_of((30, 100)), batch_of((70, 10)), batch_of((361, 10))]
    own = track(Measure(increase=Increase(window_s=300)), up=(105,))
    looker = gate(own, [0], 1)
    looked = []
    for batch in parts:
        looked.append(bool(looker.look(*batch.all)[0]))
        looker.take(*batch.all)
    assert exact(own, parts)[0, T0 + 70 * SECOND] == 110
    assert looked[0] is False
    assert looked[2:] == [True, False]


def test_a_slope_may_be_steeper_than_the_way_from_the_first_sample_to_the_last() -> None:
    own = MEASURES["time_to"]
    parts = [batch_of((0, 3.9), (40, 3.9), (80, 4.9)), batch_of((120, 4.9))]
    assert exact(own, parts)[0, T0 + 120 * SECOND] == pytest.approx(110)
    looker = gate(own, [0], 1)
    looker.take(*parts[0].all)
    assert looker.look(*parts[1].all).all()


class Normal:
    """Many datastreams with ordinary values, each minute."""

    def __init__(self, own: Track, size: int) -> None:
        self.own, self.size = own, size
        self.random = np.random.default_rng(1)
        self.index = np.arange(size)
        self.qualities = np.zeros(size, dtype=np.int16)

    def batch(self, minute: int) -> tuple[np.ndarray, Ints, Floats, np.ndarray]:
        measure = self.own.measure
        assert measure is not None
        times = T0 + minute * MINUTE + self.random.integers(0, SECOND, self.size)
        values = self.random.normal(4, 0.1, self.size)
        if measure.increase:
            rate = 1.9 if self.own.up else 0.0
            values = 100 + minute * rate + self.random.uniform(0, 0.1, self.size)
        elif measure.edges:
            values = np.zeros(self.size)
        elif measure.time_to:
            values = self.random.normal(3, 0.001, self.size)
        order = self.random.permutation(self.size)
        return self.index[order], times[order], values[order], self.qualities


QUIET = {name: own for name, own in MEASURES.items() if name != "idle"}
each_quiet = pytest.mark.parametrize("own", QUIET.values(), ids=QUIET.keys())


def loaded(own: Track, size: int) -> Gate:
    low, high = limits(own)
    if own.measure is not None and own.measure.increase:
        # A bucket and the one before may hold twice as much as the window.
        high = 30
    elif own.measure is not None and own.measure.unchanged:
        # As long as some of thirty values are sure to differ.
        high = 1800
    assert own.measure is not None
    made = Gate(own.measure, np.arange(size), size, np.full(size, low), np.full(size, high))
    numbers, hours = made.stale(np.arange(size), np.full(size, T0))
    made.load(numbers, hours, np.full(numbers.size, 4.0))
    return made


@each_quiet
def test_ordinary_values_are_hardly_ever_looked_at(own: Track) -> None:
    normal, looker = Normal(own, 1000), loaded(own, 1000)
    looked = []
    for minute in range(30):
        batch = normal.batch(minute)
        looked.append(looker.look(*batch).mean())
        looker.take(*batch)
    assert np.mean(looked[10:]) < 0.01


class TestStale:
    own = MEASURES["deviation"]

    def test_it_names_each_datastream_and_hour_once(self) -> None:
        looker = gate(self.own, [2, 0], 3)
        index = np.array([0, 0, 1, 2, 2, 2])
        times = T0 + np.array([5, 6, 0, 0, HOUR, 2 * HOUR - 1])
        numbers, hours = looker.stale(index, times)
        assert list(zip(numbers.tolist(), hours.tolist(), strict=True)) == [(2, T0), (0, T0), (2, T0 + HOUR)]
        looker.load(numbers, hours, np.array([4.0, 4.0, np.nan]))
        assert looker.stale(index, times)[0].size == 0
        assert looker.stale(index, times + 2 * HOUR)[0].size == 3

    def test_what_is_not_loaded_is_looked_at_and_what_is_unknown_is_not(self) -> None:
        looker = gate(self.own, [0, 1], 2)
        batch = np.array([0, 1]), np.array([T0, T0]), np.array([99.0, 99.0]), np.zeros(2, dtype=np.int16)
        assert looker.look(*batch).tolist() == [True, True]
        looker.load(np.array([0, 1]), np.array([T0, T0]), np.array([np.nan, 98.0]))
        assert looker.look(*batch).tolist() == [False, False]

    def test_other_measures_know_nothing_of_it(self) -> None:
        looker = gate(MEASURES["rise"], [0, 1], 2)
        assert looker.stale(np.array([0]), np.array([T0]))[0].size == 0


def test_doubtful_values_are_no_business_of_other_measures() -> None:
    looker = gate(MEASURES["step"], [0], 1)
    flags = np.ones(1, dtype=np.int16)
    looker.take(np.array([0]), np.array([T0]), np.array([0.0]), flags * 0)
    assert not looker.look(np.array([0]), np.array([T0 + 1]), np.array([99.0]), flags).any()
    looker.take(np.array([0]), np.array([T0 + 1]), np.array([99.0]), flags)
    assert looker.look(np.array([0]), np.array([T0 + 2]), np.array([99.0]), flags * 0).all()


@each_measure
def test_an_empty_batch_is_nothing(own: Track) -> None:
    looker = gate(own, [0], 1)
    nothing = np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([]), np.array([], dtype=np.int16)
    looker.take(*nothing)
    assert looker.look(*nothing).size == 0
