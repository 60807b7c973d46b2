"""When a scenario begins, and which times a database would refuse."""

import math

import pytest

from domain.errors import ConfigurationError
from domain.times import isoformat
from simulators.alignment import Admission
from simulators.devices.emit import emit
from simulators.devices.timing import Play, away_from_its_clock, begin, check, quiet, skipped
from simulators.scenario import Scenario, load
from tests.support.field import DAY, HOUR, MIDNIGHT, MINUTE, SECOND, STATION, WELL, happening, town, truth

STORY = Scenario.model_validate(
    {
        "id": "evening",
        "title": {"en": "Evening", "zh": "晚上"},
        "summary": {"en": "Nothing.", "zh": "无。"},
        "day": "2026-06-15",
        "starts": "18:00",
        "duration": "4h",
    }
)
#: 2026-07-10 09:30 in the county.
NOW = 1_783_647_000_000_000
ADMISSION = Admission(lateness_s=7 * 86_400, skew_s=300, retention_s=400 * 86_400, lateness_limit_s=400 * 86_400)
TOWN = town(STATION, WELL)


@pytest.mark.parametrize(
    ("text", "speed", "expected"),
    [
        (None, 1, "2026-07-10T01:30:00.000Z"),
        ("now", 60, "2026-07-10T01:30:00.000Z"),
        ("end", 60, "2026-07-09T21:30:00.000Z"),
        # At 18:00 of the county's clock, and over: not today.
        (None, 60, "2026-07-09T10:00:00.000Z"),
        (None, math.inf, "2026-07-09T10:00:00.000Z"),
        ("own", 1, "2026-06-15T10:00:00.000Z"),
        ("2026-07-01T18:00:00+08:00", 1, "2026-07-01T10:00:00.000Z"),
    ],
)
def test_a_scenario_begins_when_it_is_told_to(text: str | None, speed: float, expected: str) -> None:
    assert isoformat(begin(STORY, text, now=NOW, speed=speed)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # An hour and a half of it is not played: it begins that much earlier, so that what is played begins then.
        ("now", "2026-07-10T00:00:00.000Z"),
        ("2026-07-01T19:30:00+08:00", "2026-07-01T10:00:00.000Z"),
        # What has ended now ends now; its own time of day stays.
        ("end", "2026-07-09T21:30:00.000Z"),
        ("clock", "2026-07-09T10:00:00.000Z"),
        ("own", "2026-06-15T10:00:00.000Z"),
    ],
)
def test_a_scenario_that_is_played_from_later_on_begins_earlier(text: str, expected: str) -> None:
    left_out = skipped(STORY, "19:30")
    assert left_out == 5400
    assert isoformat(begin(STORY, text, now=NOW, speed=1, skipped_s=left_out)) == expected


@pytest.mark.parametrize(
    ("text", "words"), [("17:59", "outside"), ("22:00", "outside"), ("half past seven", "is no time")]
)
def test_a_scenario_cannot_be_played_from_a_time_that_it_has_not(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match="--from") as failure:
        skipped(STORY, text)
    assert words in failure.value.problems[0]


def test_of_the_quiet_before_an_incident_a_quarter_of_an_hour_is_left() -> None:
    assert quiet(STORY) == 0
    assert quiet(load("cloudburst-power-loss")) == 5 * 3600 - 900
    # It begins at once.
    assert quiet(load("sensor-drift")) >= 0


@pytest.mark.parametrize("text", ["tomorrow", "2026-07-01T18:00:00", ""])
def test_what_is_no_instant_says_what_is(text: str) -> None:
    if text:
        with pytest.raises(ConfigurationError, match=r"2026-06-15T14:00:00\+08:00, or now, end, clock or own"):
            begin(STORY, text, now=NOW, speed=1)
    else:
        assert begin(STORY, text, now=NOW, speed=1) == begin(STORY, None, now=NOW, speed=1)


def test_how_far_a_run_is_from_the_time_of_day_of_its_scenario_goes_around_the_clock() -> None:
    assert away_from_its_clock(STORY, STORY.begin() + 30 * HOUR).total_seconds() == 6 * 3600
    assert away_from_its_clock(STORY, STORY.begin() - HOUR).total_seconds() == 3600


def test_at_speed_one_from_now_on_nothing_is_late_but_what_was_held() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR)
    found = emit(TOWN, truth(TOWN), (outage,), seed=1)
    late, ahead = Play(origin=DAY.start, begins=NOW, speed=1.0, shift=NOW - DAY.start).away_s(found)
    assert 2 * 3600 < late < 2 * 3600 + 200
    # A device's own clock may be ahead by less than a second.
    assert -1 < ahead < 1


def test_a_day_that_has_ended_now_is_a_day_late_at_most() -> None:
    found = emit(TOWN, truth(TOWN), (), seed=1)
    slow, quick = (Play(origin=DAY.start, begins=DAY.end, speed=speed).away_s(found) for speed in (60.0, math.inf))
    assert quick[0] == pytest.approx(86_400, abs=70)
    assert quick[1] <= 0
    assert slow[0] == pytest.approx(86_400, abs=70)


def test_what_a_database_would_refuse_is_told_with_what_to_do() -> None:
    found = emit(TOWN, truth(TOWN), (), seed=1)
    check(Play(origin=DAY.start, begins=DAY.end, speed=math.inf), found, ADMISSION)
    with pytest.raises(ConfigurationError, match=r"set LIFELINE_LATENESS_S=\d+ or more"):
        check(Play(origin=DAY.start, begins=DAY.end + 8 * 24 * HOUR, speed=60.0), found, ADMISSION)
    with pytest.raises(ConfigurationError, match="begin later with --start"):
        check(Play(origin=DAY.start, begins=DAY.end + 500 * 24 * HOUR, speed=60.0), found, ADMISSION)
    with pytest.raises(ConfigurationError, match="ahead of the clock"):
        check(Play(origin=DAY.start, begins=DAY.start, speed=60.0), found, ADMISSION)


def test_a_wrong_clock_is_part_of_the_story_and_no_reason_to_refuse() -> None:
    wrong = happening("device.clock_wrong", WELL.device, MIDNIGHT, seconds=3600)
    found = emit(TOWN, truth(TOWN), (wrong,), seed=1)
    check(Play(origin=DAY.start, begins=DAY.start + 2 * MINUTE, speed=1.0), found, ADMISSION)
    assert (found.sampled - DAY.start > 3500 * SECOND).any()
