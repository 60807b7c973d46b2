"""Measures: one number for each sample, from the samples before it."""

import itertools
from datetime import UTC, datetime, timedelta, tzinfo
from time import process_time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import Level
from domain.times import from_datetime
from rules.baseline import HOUR, usual
from rules.measure import Change, Deviation, Doubtful, Edges, Increase, Measure, Step, TimeTo, Unchanged
from rules.scores import Baseline, Floats, hourly, look_back, scores
from rules.track import Track
from tests.support.rulebook import SECOND, T0

NAN = float("nan")
INF = float("inf")
MINUTE = 60 * SECOND


def track(
    measure: Measure | None, *, up: tuple[float, ...] = (), down: tuple[float, ...] = (), interval_s: int = 60
) -> Track:
    return Track(
        name="r",
        measure=measure,
        up=up,
        up_release=up,
        down=tuple(-limit for limit in down),
        down_release=tuple(-limit for limit in down),
        levels=(Level.BLUE,) * max(len(up), len(down)),
        delay=0,
        off_delay=0,
        hold=interval_s * SECOND,
        gap=interval_s * SECOND * 3 // 2,
    )


def story(
    own: Track,
    samples: list[tuple[float, float]],
    *,
    doubtful: tuple[int, ...] = (),
    first: int = 0,
    baseline: Baseline | None = None,
) -> list[float]:
    """The scores of (minute, value); `doubtful` are the places of values of bad quality."""
    times = np.array([T0 + round(t * MINUTE) for t, _ in samples], dtype=np.int64)
    values = np.array([v for _, v in samples], dtype=np.float64)
    qualities = np.zeros(times.size, dtype=np.int16)
    qualities[list(doubtful)] = 1
    return [float(score) for score in scores(own, times, values, qualities, first, baseline)]


def each_minute(*values: float) -> list[tuple[float, float]]:
    return [(float(i), v) for i, v in enumerate(values)]


def same(found: list[float], expected: list[float]) -> None:
    np.testing.assert_array_equal(found, expected)


RISE = track(Measure(change=Change(window_s=120)), up=(5,))
FALL = track(Measure(change=Change(window_s=120)), down=(-5,))
STUCK = track(Measure(unchanged=Unchanged(tolerance=0.1)), up=(300,))
STEP = track(Measure(step=Step()), up=(5,))
COUNTER = track(Measure(increase=Increase(window_s=120)), up=(5,))
STARTS = track(Measure(edges=Edges(to=True, window_s=180)), up=(2,))
EMPTY = track(Measure(time_to=TimeTo(limit=0, rising=False, window_s=240)), down=(3600,))
FULL = track(Measure(time_to=TimeTo(limit=10, rising=True, window_s=240)), down=(3600,))
BAD = track(Measure(doubtful=Doubtful(window_s=120)), up=(1,))


def test_without_a_measure_the_value_itself_is_the_score() -> None:
    assert look_back(track(None, up=(1,))) == 0
    same(story(track(None, up=(1,)), each_minute(1, 2, 3), doubtful=(1,)), [1, NAN, 3])


class TestChange:
    def test_a_rise_is_seen_from_the_lowest_value_of_the_window_both_ends_included(self) -> None:
        same(story(RISE, each_minute(5, 3, 4, 4, 4, 9)), [0, 0, 1, 1, 0, 5])

    def test_a_fall_is_seen_from_the_highest_value(self) -> None:
        same(story(FALL, each_minute(5, 7, 6, 6, 6, 1)), [0, 0, -1, -1, 0, -5])

    def test_it_is_reckoned_as_a_person_does(self) -> None:
        assert 20.1 - 20.0 > 0.1
        same(story(RISE, each_minute(20.0, 20.1)), [0, 0.1])

    def test_values_beyond_reckoning_are_infinitely_far(self) -> None:
        same(story(RISE, each_minute(-1.7e308, 1.7e308)), [0, INF])


class TestUnchanged:
    def test_it_is_the_age_of_the_oldest_value_that_was_the_same_ever_since(self) -> None:
        same(story(STUCK, each_minute(9, 5, 5, 5.1, 5, 7, 7)), [0, 0, 60, 120, 180, 0, 60])

    def test_what_counts_is_the_distance_to_the_newest_value(self) -> None:
        # Each value is near the one before, but the last is far from the first.
        same(story(STUCK, each_minute(1.0, 1.1, 1.2, 1.3)), [0, 60, 60, 60])

    def test_a_gap_is_no_fault_of_the_value(self) -> None:
        same(story(STUCK, [(0, 5), (1, 5), (2.5, 5), (4.1, 5), (5.1, 5)]), [0, 60, 150, 0, 60])

    def test_it_ends_a_little_beyond_the_largest_limit(self) -> None:
        assert look_back(STUCK) == (300 + 90) * SECOND
        assert story(STUCK, each_minute(*[5.0] * 20))[5:] == [300.0] + [360.0] * 14

    def test_a_doubtful_value_neither_counts_nor_breaks_the_run(self) -> None:
        half = [(i / 2, 9.0 if i == 3 else 5.0) for i in range(6)]
        same(story(STUCK, half, doubtful=(3,)), [0, 30, 60, NAN, 120, 150])


class TestStep:
    def test_it_is_the_distance_to_the_good_value_before(self) -> None:
        same(story(STEP, each_minute(5, 9, 2, 2)), [NAN, 4, 7, 0])
        same(story(STEP, [(0, 5), (0.5, 99), (1, 6)], doubtful=(1,)), [NAN, NAN, 1])

    def test_it_is_unknown_after_a_gap(self) -> None:
        assert look_back(STEP) == 90 * SECOND
        same(story(STEP, [(0, 5), (1.5, 9), (3.1, 2)]), [NAN, 4, NAN])


class TestIncrease:
    def test_it_is_what_was_counted_within_the_window(self) -> None:
        same(story(COUNTER, each_minute(100, 101, 103, 106, 106)), [0, 1, 3, 5, 3])

    def test_a_counter_that_falls_was_reset_and_counts_on_from_zero(self) -> None:
        same(story(COUNTER, each_minute(100, 2, 3)), [0, 2, 3])

    def test_it_is_reckoned_as_a_person_does(self) -> None:
        same(story(COUNTER, each_minute(12.2, 12.4, 12.6)), [0, 0.2, 0.4])

    def test_too_little_is_told_only_of_a_window_without_gaps(self) -> None:
        idle = track(COUNTER.measure, down=(1,))
        same(story(idle, [(0, 1), (1, 1), (2, 1), (4, 1), (5, 1), (6, 1)]), [NAN, 0, 0, NAN, 0, 0])
        # What is too much is too much, whatever is missing.
        both = track(COUNTER.measure, up=(5,), down=(1,))
        same(story(both, [(0, 1), (1.6, 9)]), [NAN, 8])


class TestEdges:
    def test_they_are_counted_within_the_window(self) -> None:
        same(story(STARTS, each_minute(0, 1, 0, 1, 1, 1)), [0, 1, 1, 2, 1, 1])

    def test_the_other_position_has_edges_of_its_own(self) -> None:
        stops = track(Measure(edges=Edges(to=False, window_s=180)), up=(2,))
        same(story(stops, each_minute(0, 1, 0, 1, 0, 0)), [0, 0, 1, 1, 2, 1])

    def test_a_change_across_a_gap_happened_nobody_knows_when(self) -> None:
        same(story(STARTS, [(0, 0), (1.6, 1), (2.6, 0), (3.6, 1)]), [0, 0, 0, 1])

    def test_the_position_before_the_window_is_known(self) -> None:
        assert look_back(STARTS) == (180 + 90) * SECOND
        same(story(STARTS, [(0, 0), (1, 1), (3.9, 1)], first=2), [1])


class TestTimeTo:
    def test_it_is_the_way_left_over_the_slope(self) -> None:
        same(story(EMPTY, each_minute(10, 9, 8, 7)), [NAN, NAN, 480, 420])
        same(story(FULL, each_minute(4, 5, 6, 7)), [NAN, NAN, 240, 180])

    def test_it_is_infinite_while_the_value_stands_or_moves_away(self) -> None:
        same(story(EMPTY, each_minute(5.1, 5.1, 5.1)), [NAN, NAN, INF])
        same(story(EMPTY, each_minute(5, 6, 7)), [NAN, NAN, INF])

    def test_beyond_the_limit_it_is_zero_whatever_the_slope(self) -> None:
        same(story(FULL, each_minute(10, 11, 8, 7)), [0, 0, INF, INF])

    def test_three_samples_must_span_half_of_the_window(self) -> None:
        same(story(EMPTY, [(0, 10), (1, 9.9), (1.9, 9.8)]), [NAN] * 3)
        same(story(EMPTY, [(0, 10), (4, 9)]), [NAN] * 2)

    def test_the_slope_is_that_of_least_squares(self) -> None:
        values = [9.0, 8.5, 8.7, 8.1, 8.2]
        slope = np.polyfit(np.arange(5) * 60, values, 1)[0]
        assert story(EMPTY, each_minute(*values))[-1] == pytest.approx(8.2 / -slope)


class TestDoubtful:
    def test_values_of_bad_quality_are_counted_at_every_sample(self) -> None:
        same(story(BAD, each_minute(1, 1, 1, 1, 1), doubtful=(1, 2)), [0, 1, 2, 1, 0])


class TestDeviation:
    usual = Baseline.of(
        np.array([T0 - day * 24 * HOUR for day in (1, 2, 3)]),
        np.array([8.0, 10.0, 30.0]),
        days=7,
        least_days=3,
        zone=UTC,
    )

    def test_it_is_the_value_less_the_usual_one_of_this_hour(self) -> None:
        own = track(Measure(deviation=Deviation(days=7, least_days=3)), up=(5,))
        assert look_back(own) == 0
        same(story(own, [(0, 12), (59, 7), (60, 12)], baseline=self.usual), [2, -3, NAN])
        same(story(own, [(0, 12)], baseline=None), [NAN])

    def test_it_may_be_a_share_of_the_usual_one(self) -> None:
        own = track(Measure(deviation=Deviation(days=7, least_days=3, relative=True)), up=(5,))
        same(story(own, [(0, 12)], baseline=self.usual), [0.2])
        less = Baseline.of(np.array([T0 - 24 * HOUR]), np.array([-10.0]), days=1, least_days=1, zone=UTC)
        same(story(own, [(0, -12)], baseline=less), [-0.2])
        none = Baseline.of(np.array([T0 - 24 * HOUR]), np.array([0.0]), days=1, least_days=1, zone=UTC)
        same(story(own, [(0, -12)], baseline=none), [NAN])


class TestBaseline:
    @staticmethod
    def made(means: dict[datetime, float], *, days: int = 7, least_days: int = 1, zone: tzinfo = UTC) -> Baseline:
        hours = np.array([from_datetime(moment) for moment in means], dtype=np.int64)
        return Baseline.of(hours, np.array(list(means.values())), days=days, least_days=least_days, zone=zone)

    @staticmethod
    def at(baseline: Baseline, moment: datetime) -> float:
        return float(baseline.at(np.array([from_datetime(moment)]))[0])

    def test_the_median_of_an_even_number_of_days_lies_between_the_middle_ones(self) -> None:
        start = datetime(2026, 5, 1, 8, tzinfo=UTC)
        own = self.made({start + timedelta(days=d): float(v) for d, v in enumerate([4, 1, 9, 2])})
        assert self.at(own, start + timedelta(days=4, minutes=59)) == 3
        assert self.at(own, start + timedelta(days=3)) == 4

    def test_never_of_the_same_day_nor_of_days_too_long_ago(self) -> None:
        start = datetime(2026, 5, 1, 8, tzinfo=UTC)
        own = self.made({start: 4.0, start + timedelta(days=1): 6.0}, days=2)
        assert np.isnan(self.at(own, start))
        assert [self.at(own, start + timedelta(days=d)) for d in (1, 2, 3)] == [4, 5, 6]
        assert np.isnan(self.at(own, start + timedelta(days=4)))

    def test_too_few_days_make_no_baseline(self) -> None:
        start = datetime(2026, 5, 1, 8, tzinfo=UTC)
        own = self.made({start: 4.0, start + timedelta(days=1): 6.0}, least_days=2)
        assert np.isnan(self.at(own, start + timedelta(days=1)))
        assert self.at(own, start + timedelta(days=2)) == 5

    def test_the_day_is_that_of_the_zone(self) -> None:
        # 23:00 in UTC on the 1st is 07:00 on the 2nd in Shanghai.
        hour = datetime(2026, 5, 1, 23, tzinfo=UTC)
        china = self.made({hour: 4.0}, days=1, zone=ZoneInfo("Asia/Shanghai"))
        assert self.at(china, datetime(2026, 5, 3, 7, 30, tzinfo=ZoneInfo("Asia/Shanghai"))) == 4
        assert np.isnan(self.at(china, datetime(2026, 5, 2, 7, 30, tzinfo=ZoneInfo("Asia/Shanghai"))))

    def test_summer_time_moves_the_hour_in_utc_not_the_local_one(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        own = self.made({datetime(2026, 3, 28, 8, tzinfo=berlin).astimezone(UTC): 4.0}, days=1, zone=berlin)
        assert self.at(own, datetime(2026, 3, 29, 8, 30, tzinfo=berlin)) == 4
        assert np.isnan(self.at(own, datetime(2026, 3, 29, 9, 30, tzinfo=berlin)))

    def test_the_hour_that_is_repeated_counts_once(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        own = self.made(
            {
                datetime(2026, 10, 24, 0, tzinfo=UTC): 1.0,  # 02:00 summer time
                datetime(2026, 10, 25, 0, tzinfo=UTC): 5.0,  # 02:00 summer time
                datetime(2026, 10, 25, 1, tzinfo=UTC): 7.0,  # 02:00 once more
            },
            zone=berlin,
        )
        assert self.at(own, datetime(2026, 10, 26, 2, 30, tzinfo=berlin)) == 3.5

    def test_zones_with_half_hours_have_baselines(self) -> None:
        kolkata = ZoneInfo("Asia/Kolkata")
        hour = datetime(2026, 5, 1, 3, tzinfo=UTC)
        own = self.made({hour: 4.0}, zone=kolkata)
        assert self.at(own, hour + timedelta(days=1, minutes=59)) == 4

    def test_without_any_means_nothing_is_usual(self) -> None:
        assert np.isnan(self.at(self.made({}), datetime(2026, 5, 1, tzinfo=UTC)))

    def test_many_datastreams_at_once_are_the_same_as_each_by_itself(self) -> None:
        random, zone = np.random.default_rng(3), ZoneInfo("Europe/Berlin")
        streams = random.integers(5, 25, 4000)
        # Across the end of summer time.
        begin = from_datetime(datetime(2026, 10, 20, tzinfo=UTC))
        hours = begin + random.integers(0, 240, 4000) * HOUR
        means = random.normal(5, 1, 4000)
        single = np.unique(np.stack([streams, hours]), axis=1, return_index=True)[1]
        streams, hours, means = streams[single], hours[single], means[single]
        asked, times = random.integers(0, 30, 500), begin + random.integers(0, 300 * HOUR, 500)
        found = usual((streams, hours, means), (asked, times), days=7, least_days=3, zone=zone)
        expected = [
            Baseline.of(hours[streams == stream], means[streams == stream], days=7, least_days=3, zone=zone).at(
                times[at : at + 1]
            )[0]
            for at, stream in enumerate(asked.tolist())
        ]
        same(found.tolist(), expected)
        assert 0.2 < np.isnan(found).mean() < 0.8

    def test_hourly_means_are_those_of_the_good_values(self) -> None:
        times = np.array([T0, T0 + HOUR - 1, T0 + HOUR, T0 + 3 * HOUR, T0 + 3 * HOUR + 1])
        hours, means = hourly(times, np.array([1.0, 3, 9, 5, 99]), np.array([0, 0, 1, 0, 4], dtype=np.int16))
        assert hours.tolist() == [T0, T0 + 3 * HOUR]
        assert means.tolist() == [2, 5]
        assert hourly(times[:0], means[:0], np.array([], dtype=np.int16))[0].size == 0


ALL = [RISE, FALL, STUCK, STEP, COUNTER, track(COUNTER.measure, up=(5,), down=(1,)), STARTS, EMPTY, FULL, BAD]


@st.composite
def histories(draw: st.DrawFn) -> tuple[np.ndarray, Floats, np.ndarray]:
    """Samples about a minute apart with gaps, mostly good, of few values or of any."""
    steps = draw(st.lists(st.sampled_from([10, 60, 60, 60, 61.723451, 90, 100, 400]), min_size=1, max_size=40))
    size = len(steps)
    some = st.sampled_from([0.0, 0.1, 0.2, 1.0, 5.0, 5.05, 5.1, 20.1])
    value = draw(st.sampled_from([some, st.floats(-1e6, 1e6), st.floats(allow_nan=False, allow_infinity=False)]))
    values = draw(st.lists(value, min_size=size, max_size=size))
    flags = draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=size, max_size=size))
    times = T0 + np.cumsum(np.array(steps) * SECOND).astype(np.int64)
    return times, np.array(values), np.array(flags, dtype=np.int16)


@pytest.mark.parametrize("own", ALL, ids=lambda t: f"{t.measure.name}-{'up' if t.up else 'down'}")
@settings(max_examples=60, deadline=None)
@given(history=histories(), data=st.data())
def test_a_score_rests_on_its_look_back_alone_to_the_last_bit(
    own: Track, history: tuple[np.ndarray, Floats, np.ndarray], data: st.DataObject
) -> None:
    times, values, qualities = history
    whole = scores(own, times, values, qualities, 0, None)
    at = data.draw(st.integers(0, times.size - 1))
    begin = int(times.searchsorted(times[at] - look_back(own)))
    found = scores(own, times[begin : at + 1], values[begin : at + 1], qualities[begin : at + 1], at - begin, None)
    assert found.tobytes() == whole[at : at + 1].tobytes()
    # In one call with others after it, too.
    assert scores(own, times, values, qualities, at, None).tobytes() == whole[at:].tobytes()


def plain(own: Track, samples: list[tuple[int, float]]) -> float:
    """The score of the last of some good samples, straight from the definition."""
    measure, (now, value) = own.measure, samples[-1]
    assert measure is not None
    window = look_back(own)
    seen = [(t, v) for t, v in samples if t >= now - window]
    if measure.change:
        values = [v for _, v in seen]
        return round(value - (min(values) if own.up else max(values)), 9)
    if measure.step:
        return round(abs(value - seen[-2][1]), 9) if len(seen) > 1 else NAN
    if measure.increase:
        total = sum(round((v - u if v >= u else max(v, 0)) * 1e6) for (_, u), (_, v) in itertools.pairwise(seen))
        return total / 1e6
    if measure.edges:
        return sum(
            u <= 0.5 < v and t > now - 180 * SECOND and t - s <= own.gap for (s, u), (t, v) in itertools.pairwise(seen)
        )
    oldest = now
    for (s, u), (t, _) in reversed(list(itertools.pairwise(seen))):
        if t - s > own.gap or abs(u - value) > 0.1 + 1e-12:
            break
        oldest = s
    return (now - oldest) / SECOND


@pytest.mark.parametrize("own", [RISE, FALL, STUCK, STEP, COUNTER, STARTS], ids=lambda t: t.measure.name)
@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from([10, 30, 60, 90, 91, 300]), min_size=1, max_size=40),
    data=st.data(),
)
def test_all_at_once_is_the_same_as_one_by_one(own: Track, steps: list[int], data: st.DataObject) -> None:
    times = T0 + np.cumsum(steps) * SECOND
    some = st.sampled_from([0.0, 0.1, 0.2, 1.0, 5.0, 5.05, 5.1, 20.1])
    values = np.array(data.draw(st.lists(some, min_size=len(steps), max_size=len(steps))))
    found = scores(own, times, values, np.zeros(len(steps), dtype=np.int16), 0, None)
    samples = list(zip(times.tolist(), values.tolist(), strict=True))
    same(found.tolist(), [plain(own, samples[: at + 1]) for at in range(len(samples))])


@pytest.mark.parametrize(
    "own", [*ALL, track(Measure(deviation=Deviation(days=7, least_days=3)), up=(1,))], ids=lambda t: t.measure.name
)
def test_a_day_of_samples_each_minute_takes_milliseconds(own: Track) -> None:
    times = T0 + np.arange(1440, dtype=np.int64) * MINUTE
    values = 10 + np.sin(np.arange(1440) / 100) + np.random.default_rng(0).normal(0, 0.1, 1440)
    qualities = np.zeros(1440, dtype=np.int16)
    spent = []
    for _ in range(5):
        began = process_time()
        scores(own, times, values, qualities, 0, TestDeviation.usual)
        spent.append(process_time() - began)
    # Milliseconds even on a machine that others use; a plain loop over all windows takes longer by far.
    assert min(spent) < 0.02
