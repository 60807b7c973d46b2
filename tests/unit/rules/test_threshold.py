"""One threshold on one datastream: when it fires, when it does not, at which level, when it clears."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alert import Level
from rules.rule import Rule
from rules.threshold import NORMAL, Change, Sample, State, observe, reveal
from rules.threshold import run as run_columns
from rules.track import Track
from rules.track import track as made
from tests.support.rulebook import SECOND, above, below, rule


def track(own_rule: Rule, interval_s: int) -> Track:
    own = made(own_rule, interval_s, {})
    assert own is not None
    return own


def run(own: Track, state: State, last: Sample | None, samples: list[Sample], changes: list[Change]) -> State:
    times = np.array([sample.time for sample in samples], dtype=np.int64)
    values = np.array([sample.value for sample in samples], dtype=np.float64)
    return run_columns(own, state, last, times, values, changes)


def story(
    own_rule: Rule, samples: list[tuple[float, float]], *, interval_s: int = 60, tick_at: float | None = None
) -> list[tuple[str, float, str]]:
    own = track(own_rule, interval_s)
    changes: list[Change] = []
    points = [Sample(int(t * SECOND), v) for t, v in samples]
    state = run(own, NORMAL, None, points, changes)
    if tick_at is not None:
        reveal(own, state, points[-1], int(tick_at * SECOND), changes)
    return [(c.event.value, c.time / SECOND, own.level(c.rank).label) for c in changes]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([9, 10], []),
        ([11], [("raised", 0, "blue")]),
        ([60], [("raised", 0, "red")]),
        (
            [11, 21, 26, 51],
            [
                ("raised", 0, "blue"),
                ("level_changed", 60, "yellow"),
                ("level_changed", 120, "orange"),
                ("level_changed", 180, "red"),
            ],
        ),
        (
            [60, 22, 9.5, 8],
            [
                ("raised", 0, "red"),
                ("level_changed", 60, "yellow"),
                ("level_changed", 120, "blue"),
                ("cleared", 180, "blue"),
            ],
        ),
        # Inside the hysteresis of 2 nothing moves, neither down nor, once cleared, up again.
        ([21, 19, 18.1, 18], [("raised", 0, "yellow"), ("level_changed", 180, "blue")]),
        ([11, 9, 8.1, 8, 9, 10], [("raised", 0, "blue"), ("cleared", 180, "blue")]),
        ([11, 60, 0], [("raised", 0, "blue"), ("level_changed", 60, "red"), ("cleared", 120, "red")]),
    ],
)
def test_levels_step_up_at_their_limits_and_down_past_the_hysteresis(
    values: list[float], expected: list[tuple[str, float, str]]
) -> None:
    assert (
        story(above(blue=10, yellow=20, orange=25, red=50, hysteresis=2), [(60 * i, v) for i, v in enumerate(values)])
        == expected
    )


def test_below_is_the_mirror_image() -> None:
    pressure = below(hysteresis=0.01, blue=0.2, yellow=0.14, orange=0.1)
    values = [0.21, 0.2, 0.19, 0.13, 0.05, 0.115, 0.16, 0.205, 0.21]
    assert story(pressure, [(60 * i, v) for i, v in enumerate(values)]) == [
        ("raised", 120, "blue"),
        ("level_changed", 180, "yellow"),
        ("level_changed", 240, "orange"),
        ("level_changed", 300, "yellow"),
        ("level_changed", 360, "blue"),
        ("cleared", 480, "blue"),
    ]


@pytest.mark.parametrize(("wanted", "values", "raised"), [(True, [0, 1, 0], 60), (False, [1, 0, 1], 60)])
def test_a_switch_alarms_in_the_position_that_it_should_not_have(
    *, wanted: bool, values: list[float], raised: float
) -> None:
    own = rule(condition={"is": wanted, "level": "orange", "grounds": {"evidence": "unverified"}})
    assert story(own, [(60 * i, v) for i, v in enumerate(values)]) == [
        ("raised", raised, "orange"),
        ("cleared", 120, "orange"),
    ]


def test_a_hundred_flaps_inside_the_hysteresis_are_one_alert() -> None:
    values = [11, *[10.5, 9.5] * 100, 7]
    assert [e for e, _, _ in story(above(hysteresis=2, blue=10), [(i, v) for i, v in enumerate(values)])] == [
        "raised",
        "cleared",
    ]


class TestOnDelay:
    def test_it_fires_at_the_end_of_the_delay_not_when_the_sample_came(self) -> None:
        own = above(on_delay_s=90, blue=10)
        assert story(own, [(0, 11), (60, 12), (120, 13)]) == [("raised", 90, "blue")]

    def test_a_good_value_in_between_starts_it_anew(self) -> None:
        own = above(on_delay_s=90, blue=10)
        assert story(own, [(0, 11), (60, 9), (120, 11), (180, 11)]) == []
        assert story(own, [(0, 11), (60, 9), (120, 11), (180, 11), (240, 11)]) == [("raised", 210, "blue")]

    def test_by_the_clock_while_the_last_sample_holds(self) -> None:
        own = above(on_delay_s=300, blue=10)
        assert story(own, [(0, 11)], interval_s=900, tick_at=300) == []
        assert story(own, [(0, 11)], interval_s=900, tick_at=300.000001) == [("raised", 300, "blue")]

    def test_a_sample_that_no_longer_holds_fires_nothing(self) -> None:
        own = above(on_delay_s=300, blue=10)
        assert story(own, [(0, 11)], interval_s=60, tick_at=100_000) == []
        assert story(own, [(0, 11)], interval_s=299, tick_at=100_000) == []

    def test_a_gap_in_the_data_never_counts_as_violation(self) -> None:
        own = above(on_delay_s=300, blue=10)
        assert story(own, [(0, 11), (7200, 11)]) == []
        assert story(own, [(0, 11), (7200, 11), *[(7200 + 60 * i, 11) for i in range(1, 6)]]) == [
            ("raised", 7500, "blue")
        ]

    def test_jitter_of_half_an_interval_is_no_gap(self) -> None:
        own = above(on_delay_s=200, blue=10)
        assert story(own, [(0, 11), (90, 11), (180, 11), (270, 11)]) == [("raised", 200, "blue")]
        assert story(own, [(0, 11), (91, 11), (182, 11), (273, 11)]) == []

    def test_sparse_data_fires_in_event_time_whoever_looks_first(self) -> None:
        own = above(on_delay_s=300, blue=10)
        by_sample = story(own, [(0, 11), (900, 11)], interval_s=900)
        by_clock = story(own, [(0, 11)], interval_s=900, tick_at=400)
        assert by_sample == by_clock == [("raised", 300, "blue")]

    def test_every_level_has_a_delay_of_its_own(self) -> None:
        own = above(on_delay_s=60, yellow=10, orange=20)
        assert story(own, [(0, 11), (30, 21), (60, 22), (90, 23)]) == [
            ("raised", 60, "yellow"),
            ("level_changed", 90, "orange"),
        ]

    def test_levels_that_are_due_at_once_are_one_raise_of_the_worst(self) -> None:
        assert story(above(on_delay_s=60, yellow=10, orange=20), [(0, 30), (60, 30)]) == [("raised", 60, "orange")]

    def test_a_worse_level_that_passes_before_its_delay_is_no_level_change(self) -> None:
        own = above(on_delay_s=60, yellow=10, orange=20)
        assert story(own, [(0, 11), (60, 25), (90, 11), (120, 25), (150, 11)]) == [("raised", 60, "yellow")]

    def test_a_gap_ends_no_alert(self) -> None:
        assert story(above(hysteresis=2, blue=10), [(0, 11), (100_000, 9)]) == [("raised", 0, "blue")]

    def test_a_sample_that_arrives_after_the_clock_revealed_never_clears_before_the_raise(self) -> None:
        own = track(above(on_delay_s=300, blue=10), 900)
        changes: list[Change] = []
        last = Sample(0, 11)
        state = reveal(own, run(own, NORMAL, None, [last], changes), last, 400 * SECOND, changes)
        run(own, state, last, [Sample(200 * SECOND, 5)], changes)
        assert [(c.event.value, c.time) for c in changes] == [("raised", 300 * SECOND), ("cleared", 300 * SECOND)]


def test_a_level_that_the_rule_has_no_longer_becomes_the_next_milder() -> None:
    own = track(above(blue=10, orange=20), 60)
    assert [own.rank_of(level) for level in (None, Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)] == [
        0,
        1,
        1,
        2,
        2,
    ]


def test_nothing_is_kept_of_a_normal_state() -> None:
    assert State(0, (), 5).normal
    assert not State(0, (5,)).normal
    assert not State(1).normal


@given(
    st.lists(st.tuples(st.sampled_from((1, 30, 60, 90, 91, 500)), st.sampled_from((0, 4, 7, 9, 10.5, 15, 25, 40)))),
    st.sampled_from((0, 45, 100)),
    st.sampled_from((0, 80)),
)
def test_leaps_over_what_changes_nothing_give_what_single_steps_give(
    steps: list[tuple[int, float]], on_delay_s: int, off_delay_s: int
) -> None:
    condition = {
        "outside": {
            "blue": {"low": 5, "high": 10, "evidence": "unverified"},
            "red": {"low": 3, "high": 20, "evidence": "unverified"},
        },
        "hysteresis": 1,
        "on_delay_s": on_delay_s,
        "off_delay_s": off_delay_s,
    }
    own = track(rule(condition=condition), 60)
    clock, samples = 0, []
    for gap, value in steps * 4:
        clock += gap * SECOND
        samples.append(Sample(clock, value))
    leaps: list[Change] = []
    end = run(own, NORMAL, None, samples, leaps)
    state, last, singles = NORMAL, None, list[Change]()
    for sample in samples:
        state = observe(own, state, last, sample, singles)
        last = sample
    assert (end, leaps) == (state, singles)
