"""Alarm KPIs by hand-made histories: each figure against numbers that a person can count."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.alert import Level
from domain.kpi import Alarm, AlarmKpis, Definitions, Flood, alarm_kpis

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
#: Midnight, 2026-05-01.
BEGIN = 1_777_593_600 * SECOND


def alarm(at: int, cleared: int | None = None, *, subject: str = "a", level: Level = Level.BLUE) -> Alarm:
    """Raised `at` after BEGIN; cleared after BEGIN too."""
    return Alarm(
        rule="r",
        subject=subject,
        level=level,
        raised_at=BEGIN + at,
        cleared_at=None if cleared is None else BEGIN + cleared,
        network="gas",
        area="530102",
    )


def many(count: int, at: int) -> list[Alarm]:
    """So many in the interval that begins `at`, each on a subject of its own, for a minute."""
    return [alarm(at + n * SECOND, at + n * SECOND + MINUTE, subject=f"{at}-{n}") for n in range(count)]


def kpis(alarms: Sequence[Alarm], length: int = DAY, **define: float) -> AlarmKpis:
    return alarm_kpis(alarms, BEGIN, BEGIN + length, replace(Definitions(), **define))  # type: ignore[arg-type]


def test_a_quiet_period_has_no_load() -> None:
    found = kpis([], HOUR)
    assert (found.alarms, found.per_hour, found.peak, found.floods, found.top_share) == (0, 0, 0, (), 0)
    assert found.counts == (0,) * 6
    assert found.distribution == (6, 0, 0, 0, 0, 0)


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        alarm_kpis([], BEGIN, BEGIN)


def test_the_rate_counts_what_was_raised_within_the_period() -> None:
    found = kpis([alarm(-SECOND), alarm(0), alarm(HOUR - 1, subject="b"), alarm(HOUR, subject="c")], HOUR)
    assert (found.alarms, found.per_hour) == (2, 2.0)


def test_intervals_stand_on_the_clock_even_if_the_period_does_not() -> None:
    begin, end = BEGIN + 5 * MINUTE, BEGIN + 25 * MINUTE
    found = alarm_kpis([alarm(6 * MINUTE), alarm(11 * MINUTE), alarm(12 * MINUTE), alarm(24 * MINUTE)], begin, end)
    assert found.counts == (1, 2, 1)


def test_ten_alarms_in_an_interval_are_no_flood_and_eleven_are() -> None:
    assert kpis(many(10, 0)).floods == ()
    found = kpis(many(11, 0))
    assert found.floods == (Flood(started_at=BEGIN, ended_at=BEGIN + 10 * MINUTE, alarms=11, peak=11),)
    assert (found.peak, found.flood_s, found.flood_share) == (11, 600, 1 / 144)


def test_a_flood_goes_on_until_fewer_than_five_in_an_interval() -> None:
    lives = [*many(12, 0), *many(5, 10 * MINUTE), *many(13, 20 * MINUTE), *many(4, 30 * MINUTE), *many(6, 40 * MINUTE)]
    assert kpis(lives).floods == (Flood(started_at=BEGIN, ended_at=BEGIN + 30 * MINUTE, alarms=30, peak=13),)


def test_a_flood_that_has_not_ended_lasts_to_the_end_of_the_period() -> None:
    assert kpis([*many(12, 0), *many(7, 10 * MINUTE)], 20 * MINUTE).floods[0].ended_at == BEGIN + 20 * MINUTE


def test_three_that_came_and_went_within_a_minute_chatter_and_slower_ones_do_not() -> None:
    quick = [alarm(n * 20 * SECOND, n * 20 * SECOND + 15 * SECOND, subject="quick") for n in range(3)]
    slow = [alarm(n * 25 * SECOND, n * 25 * SECOND + 15 * SECOND, subject="slow") for n in range(3)]
    standing = [*quick[:2], alarm(40 * SECOND, subject="quick")]
    assert kpis([*quick, *slow]).chattering == (("r", "quick"),)
    assert kpis(standing).chattering == ()
    assert kpis([*quick, *slow], chattering_window_s=70).chattering == (("r", "quick"), ("r", "slow"))
    assert kpis([*quick, *slow], chattering_count=4).chattering == ()


def test_a_fleeting_alarm_is_short_and_alone() -> None:
    assert kpis([alarm(0, 9 * SECOND)]).fleeting == 1
    assert kpis([alarm(0, 10 * SECOND)]).fleeting == 0
    assert kpis([alarm(0)]).fleeting == 0
    assert kpis([alarm(0, 9 * SECOND), alarm(60 * SECOND, 69 * SECOND)]).fleeting == 0
    assert kpis([alarm(0, 9 * SECOND), alarm(61 * SECOND, 70 * SECOND)]).fleeting == 2
    assert kpis([alarm(0, 9 * SECOND), alarm(SECOND, 9 * SECOND, subject="b")]).fleeting == 2


def test_what_stands_for_longer_than_a_day_is_stale_from_then_on() -> None:
    lives = [
        alarm(0),
        alarm(HOUR, 3 * DAY, subject="b"),
        alarm(0, DAY, subject="c"),
        alarm(-2 * DAY, HOUR, subject="d"),
    ]
    found = kpis(lives, 4 * DAY)
    assert (found.stale, found.stale_at_end) == (2, 1)
    assert kpis(lives, DAY).stale == 1


def test_levels_and_the_heaviest_are_shares_of_the_load() -> None:
    lives = [
        alarm(n * HOUR, n * HOUR + MINUTE, subject=f"s{min(n, 11):02}", level=Level.RED if n == 0 else Level.YELLOW)
        for n in range(20)
    ]
    found = kpis(lives)
    assert found.levels == ((Level.RED, 1), (Level.ORANGE, 0), (Level.YELLOW, 19), (Level.BLUE, 0))
    assert (found.top[0].subject, found.top[0].alarms, found.top[0].share) == ("s11", 9, 0.45)
    assert [one.subject for one in found.top[1:]] == [f"s{n:02}" for n in range(9)]
    assert found.top_share == pytest.approx(18 / 20)


def test_time_in_alarm_is_cut_at_the_period() -> None:
    lives = [alarm(-HOUR, HOUR), alarm(2 * HOUR, subject="b"), alarm(-HOUR, -MINUTE, subject="c")]
    assert kpis(lives, 4 * HOUR).time_in_alarm_s == 3 * 3600


def test_the_worst_day_is_counted_from_the_begin_of_the_period() -> None:
    assert kpis([alarm(HOUR), alarm(2 * HOUR), alarm(DAY), alarm(DAY + 1), alarm(2 * DAY - 1)], 2 * DAY).worst_day == 3
