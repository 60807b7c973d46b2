"""A replay that the database would refuse is refused before it starts, with what to do."""

import math

import pytest

from simulators.alignment import Admission, Align, refusals, shift, span

SECOND = 1_000_000
HOUR = 3600 * SECOND
YEAR_S = 8760 * 3600
NOW = 1_800_000_000 * SECOND
DEFAULTS = Admission(lateness_s=604_800, skew_s=300, retention_s=34_560_000, lateness_limit_s=34_560_000)


def told(hours: float, align: Align, speed: float, admission: Admission = DEFAULTS, first: int = 0) -> str:
    last = first + int(hours * HOUR)
    moved = shift(first, last, align, NOW)
    whole = span(first, last, moved=moved, starts=NOW, speed=speed)
    return "\n".join(refusals(whole, align=align, admission=admission))


@pytest.mark.parametrize(("align", "where"), [("start", 0), ("end", 1)])
def test_the_recording_starts_or_ends_at_the_instant(align: Align, where: int) -> None:
    moved = shift(5 * SECOND, 8 * SECOND, align, NOW)
    assert (5 * SECOND + moved, 8 * SECOND + moved)[where] == NOW


def test_shifts_are_whole_milliseconds_so_that_recorded_milliseconds_stay() -> None:
    assert shift(0, 0, "end", NOW + 777) % 1000 == 0


def test_kept_times_stay() -> None:
    assert shift(1, 2, "keep", NOW) == 0


def test_a_recording_within_the_window_is_admitted() -> None:
    assert told(48, "end", math.inf) == ""
    assert told(48, "start", 1.0) == ""


def test_a_year_that_ends_now_names_the_lateness_it_needs() -> None:
    text = told(8760, "end", math.inf)
    assert f"LIFELINE_LATENESS_S={YEAR_S + 300}" in text
    assert "lifeline db migrate" in text
    admission = Admission(lateness_s=YEAR_S + 300, skew_s=300, retention_s=34_560_000, lateness_limit_s=34_560_000)
    assert told(8760, "end", math.inf, admission) == ""


def test_too_little_retention_is_named_too() -> None:
    admission = Admission(lateness_s=604_800, skew_s=300, retention_s=864_000, lateness_limit_s=34_560_000)
    assert f"LIFELINE_RETENTION_S={YEAR_S + 300 + 172_800}" in told(8760, "end", math.inf, admission)
    short = Admission(lateness_s=34_560_000, skew_s=300, retention_s=864_000, lateness_limit_s=34_560_000)
    assert f"LIFELINE_RETENTION_S={YEAR_S + 300 + 172_800}" in told(8760, "end", math.inf, short)


def test_kept_times_older_than_any_setting_are_told_to_be_aligned() -> None:
    assert "no setting admits that (LIFELINE_LATENESS_S may be 34560000 at most): replay with --align end" in told(
        1, "keep", math.inf, first=NOW - 50_000 * HOUR
    )


def test_starting_now_faster_than_the_clock_runs_into_the_future() -> None:
    text = told(2, "start", math.inf)
    assert "7200 s ahead of the clock" in text
    assert "--speed 1" in text
    assert "ahead" in told(2, "start", 2.0)
    # 8 % faster: 10 minutes of recording are 45 s ahead at their end.
    assert told(1 / 6, "start", 1.08) == ""


def test_ending_now_slower_than_recorded_grows_late() -> None:
    day = Admission(lateness_s=86_400, skew_s=300, retention_s=34_560_000, lateness_limit_s=34_560_000)
    assert told(20, "end", 1.0, day) == ""
    assert "LIFELINE_LATENESS_S=" in told(20, "end", 0.5, day)
