"""Three-valued step functions: every operation agrees with the same operation made at each instant by itself."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.times import from_datetime, to_datetime
from rules.fused import Count
from rules.truth import FALSE, TRUE, UNKNOWN, Truth, all_of, any_of, counted, hours, negated, sequence

#: Instants at which random truths may change, and one before and after all of them.
INSTANTS = range(-1, 42)
truths = st.builds(
    lambda before, steps: Truth.of(before, sorted(steps.items())),
    st.sampled_from([-1, 0, 1]),
    st.dictionaries(st.integers(0, 40), st.sampled_from([-1, 0, 1]), max_size=8),
)
many = st.lists(truths, min_size=1, max_size=6)
#: False, unknown, true in their order: `all` is the least, `any` the greatest.
ORDER = {0: 0, -1: 1, 1: 2}


def values(truth: Truth) -> list[int]:
    return [truth.at(instant) for instant in INSTANTS]


def sound(truth: Truth) -> bool:
    held = [truth.before, *truth.values.tolist()]
    return bool((np.diff(truth.times) > 0).all()) and all(a != b for a, b in pairwise(held))


def test_a_value_holds_from_its_step_on() -> None:
    truth = Truth.of(-1, [(10, 1), (20, 0)])
    assert [truth.at(t) for t in (9, 10, 19, 20, 21)] == [-1, 1, 1, 0, 0]


def test_steps_that_change_nothing_are_dropped_and_the_last_of_one_instant_counts() -> None:
    assert Truth.of(0, [(1, 0), (2, 1), (2, 0), (3, 1), (4, 1)]) == Truth.of(0, [(3, 1)])
    assert Truth.of(0, [(3, 1)]) != Truth.of(-1, [(3, 1)])
    assert repr(Truth.of(0, [(3, 1)])) == "Truth.of(0, [(3, 1)])"
    assert len({Truth.of(0, [(3, 1)]), Truth.of(0, [(2, 0), (3, 1)])}) == 1


@given(many)
def test_all_any_and_not_are_those_of_kleene_at_every_instant(parts: list[Truth]) -> None:
    both, either = all_of(parts), any_of(parts)
    for instant in INSTANTS:
        now = [part.at(instant) for part in parts]
        assert both.at(instant) == min(now, key=ORDER.__getitem__)
        assert either.at(instant) == max(now, key=ORDER.__getitem__)
        assert negated(parts[0]).at(instant) == {1: 0, 0: 1, -1: -1}[now[0]]
    assert sound(both)
    assert sound(either)


@given(truths, st.integers(0, 15))
def test_a_true_stretch_lasts_longer_and_then_comes_what_would_have_been(truth: Truth, by: int) -> None:
    longer = truth.extended(by)
    for instant in range(-1, 60):
        lately = truth.before == 1 if instant - by < 0 else False
        was = lately or any(truth.at(instant - back) == 1 for back in range(by + 1 if by == 0 else by))
        was = was or truth.at(instant) == 1
        # A stretch [a, b) becomes [a, b + by): at b - 1 + by it still counts, at b + by no more.
        was = was or (by > 0 and truth.at(instant - by) == 1)
        assert longer.at(instant) == (1 if was else truth.at(instant))
    assert sound(longer)


@given(many, st.integers(1, 7))
def test_so_many_of_them_are_certain_only_if_no_unknown_one_could_change_it(parts: list[Truth], number: int) -> None:
    most = counted(parts, Count(at_least=number))
    fewer = counted(parts, Count(fewer_than=2.0), number)
    for instant in INSTANTS:
        now = [part.at(instant) for part in parts]
        least, most_ = now.count(1), now.count(1) + now.count(-1)
        assert most.at(instant) == (1 if least >= number else 0 if most_ < number else -1)
        assert fewer.at(instant) == (1 if most_ < number else 0 if least >= number else -1)


@given(many, st.floats(0, 0.99), st.floats(0, 1), st.integers(1, 4))
def test_a_share_is_reckoned_over_those_that_are_known(
    parts: list[Truth], share: float, known: float, members: int
) -> None:
    above = counted(parts, Count(share_above=share, known=known, members=members))
    below = counted(parts, Count(share_below=share or 0.5, known=known, members=members))
    for instant in INSTANTS:
        now = [part.at(instant) for part in parts]
        told = now.count(1) + now.count(0)
        if len(now) < members or not told or told / len(now) < known:
            assert above.at(instant) == below.at(instant) == -1
        else:
            assert above.at(instant) == (now.count(1) / told > share)
            assert below.at(instant) == (now.count(1) / told < (share or 0.5))


def test_a_leaf_without_members_is_never_true() -> None:
    assert counted([], Count(at_least=1)) is FALSE
    assert counted([], Count(fewer_than=2.0), 2.0) is UNKNOWN
    assert counted([], Count(share_below=1.0)) is UNKNOWN
    assert counted([TRUE], Count(at_least=1, members=2)) is UNKNOWN
    assert counted([FALSE], Count(fewer_than=2.0), None) is UNKNOWN


@given(truths, st.integers(-1, 41))
def test_what_is_forgotten_or_not_yet_known_leaves_the_rest_as_it_is(truth: Truth, cut: int) -> None:
    for instant in INSTANTS:
        assert truth.since(cut).at(instant) == truth.at(max(instant, cut))
        assert truth.until(cut).at(instant) == truth.at(min(instant, cut))


@given(truths, st.sampled_from([-1, 0, 1]), st.integers(-1, 41))
def test_stretches_cover_exactly_when_a_value_held(truth: Truth, value: int, since: int) -> None:
    held = truth.stretches(value, since)
    for instant in range(since, 42):
        assert any(begin <= instant < end for begin, end in held) == (truth.at(instant) == value)
    assert all(end > since for _, end in held)


@given(truths, st.integers(0, 41))
def test_the_latest_instant_of_truth_is_found(truth: Truth, time_: int) -> None:
    was = [instant for instant in range(time_ + 1) if truth.at(instant) == 1]
    found = truth.latest(time_)
    assert (found if found is None or found >= 0 else "before") == (
        max(was) if was else "before" if truth.before == 1 else None
    )
    begin = truth.begin(time_)
    assert begin <= time_
    assert all(truth.at(instant) == truth.at(time_) for instant in range(max(begin, -1), time_ + 1))


# One after the other.


def order(first: list[tuple[int, int]], then: list[tuple[int, int]], within: int = 10) -> list[tuple[int, int]]:
    truth = sequence(Truth.of(0, first), Truth.of(0, then), within)
    assert truth.before == 0
    return list(zip(truth.times.tolist(), truth.values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        # After it, at the same instant, and while it lasts.
        ([(0, 1), (5, 0)], [(12, 1), (15, 0)], [(12, 1), (15, 0)]),
        ([(5, 1), (6, 0)], [(5, 1), (7, 0)], [(5, 1), (7, 0)]),
        ([(0, 1)], [(30, 1), (33, 0)], [(30, 1), (33, 0)]),
        # Too late, and never before.
        ([(0, 1), (5, 0)], [(15, 1), (20, 0)], []),
        ([(5, 1)], [(4, 1)], []),
        ([(5, 1)], [(4, 1), (6, 0), (8, 1), (9, 0)], [(8, 1), (9, 0)]),
        # No longer than the time from one to the other.
        ([(0, 1)], [(2, 1)], [(2, 1), (12, 0)]),
        # A gap makes nothing begin anew, unless it is a long one.
        ([(5, 1)], [(4, 1), (6, -1), (8, 1)], [(6, -1), (8, 0)]),
        ([(5, 1)], [(4, 1), (6, -1), (17, 1), (18, 0)], [(6, -1), (17, 1), (18, 0)]),
        ([(0, 1)], [(2, 1), (4, -1), (6, 1)], [(2, 1), (4, -1), (6, 1), (12, 0)]),
        ([(0, 1), (2, 0)], [(8, 1), (13, -1)], [(8, 1), (13, -1), (18, 0)]),
        # From false to unknown to true it begins when it is known.
        ([(0, 1), (5, 0)], [(14, -1), (20, 1)], [(14, -1), (15, 0)]),
        ([(0, -1), (5, 0)], [(2, 1), (3, 0)], [(2, -1), (3, 0)]),
    ],
)
def test_one_after_the_other(
    first: list[tuple[int, int]], then: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    assert order(first, then) == expected


@given(truths, truths, st.integers(1, 8), st.integers(0, 40))
def test_an_order_needs_no_memory_beyond_twice_its_time(first: Truth, then: Truth, within: int, cut: int) -> None:
    whole = sequence(first, then, within)
    forgotten = sequence(first.since(cut), then.since(cut), within)
    assert all(whole.at(t) == forgotten.at(t) for t in range(cut + 2 * within, 60))


# The time of the day.


@pytest.mark.parametrize(
    ("minutes", "inside"),
    [((22 * 60, 5 * 60), [22, 23, 0, 1, 2, 3, 4]), ((8 * 60, 9 * 60), [8]), ((0, 0), list(range(24))), ((0, 60), [0])],
)
def test_hours_are_those_of_the_place(minutes: tuple[int, int], inside: list[int]) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    start = from_datetime(datetime(2026, 5, 1, tzinfo=UTC))
    truth = hours(minutes, zone, start, start + 3 * 86_400_000_000)
    for minute in range(0, 3 * 1440, 20):
        instant = start + minute * 60_000_000
        assert truth.at(instant) == (to_datetime(instant).astimezone(zone).hour in inside)


def test_hours_follow_the_clocks_of_the_place_when_they_are_changed() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = from_datetime(datetime(2026, 3, 28, tzinfo=UTC))
    truth = hours((6 * 60, 7 * 60), zone, start, start + 3 * 86_400_000_000)
    begins = [to_datetime(begin).astimezone(zone) for begin, _ in truth.stretches(1, start)]
    assert all(begin.hour == 6 for begin in begins)
    assert {begin.utcoffset() for begin in begins} == {timedelta(hours=1), timedelta(hours=2)}


def test_thousands_of_members_are_counted_in_one_sweep() -> None:
    random = np.random.default_rng(7)
    members = []
    for _ in range(5000):
        times = np.sort(random.choice(10**9, 10, replace=False)).astype(np.int64)
        members.append(Truth(0, times, np.tile(np.array([1, 0], dtype=np.int8), 5)))
    began = time.process_time()
    truth = counted(members, Count(at_least=2500))
    spent = time.process_time() - began
    assert spent < 1.0
    instants = [0, 10**8, 5 * 10**8, 10**9]
    assert [truth.at(t) for t in instants] == [sum(m.at(t) for m in members) >= 2500 for t in instants]
