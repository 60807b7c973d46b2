from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from api.parameters import Instant, period
from api.problems import Problem
from api.routes.observations import LONGEST, resolution

DAY = timedelta(days=1)
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "chosen"),
    [(timedelta(hours=1), "raw"), (DAY, "5m"), (30 * DAY, "1h"), (365 * DAY, "1d"), (3650 * DAY, "1d")],
)
def test_auto_takes_what_suits_the_length(length: timedelta, chosen: str) -> None:
    assert resolution("auto", length) == chosen


@pytest.mark.parametrize("wanted", ["raw", "5m", "1h"])
def test_ten_years_are_refused_naming_the_bucket_that_fits(wanted: str) -> None:
    with pytest.raises(Problem) as caught:
        resolution(wanted, 3650 * DAY)  # type: ignore[arg-type]
    assert caught.value.status_code == 422
    assert caught.value.extra["bucket"] == "1d"
    assert "bucket=1d" in caught.value.detail


def test_no_resolution_answers_a_range_beyond_all_data() -> None:
    with pytest.raises(Problem) as caught:
        resolution("auto", LONGEST["1d"] + DAY)
    assert caught.value.extra["bucket"] is None


def test_the_longest_range_itself_is_answered() -> None:
    assert resolution("raw", LONGEST["raw"]) == "raw"


def test_a_missing_period_is_the_last_day() -> None:
    assert period(None, None, NOW, DAY) == (NOW - DAY, NOW)


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(Problem):
        period(NOW, NOW, NOW, DAY)


def test_a_begin_in_the_future_without_an_end_is_refused_not_turned_round() -> None:
    with pytest.raises(Problem):
        period(NOW + DAY, None, NOW, DAY)


@pytest.mark.parametrize(
    "text", ["2026-05-01T08:00:00+08:00", "2026-05-01T08:00:00 08:00", "2026-05-01T00:00:00Z", "2026-05-01 00:00:00z"]
)
def test_an_instant_has_a_zone_and_arrives_in_utc(text: str) -> None:
    assert TypeAdapter(Instant).validate_python(text) == NOW


@pytest.mark.parametrize(
    "text",
    ["2026-05-01T08:00:00", "1777593600", "2026-05-01", "now", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
     "2026-02-30T00:00:00Z", "٢٠٢٦-05-01T00:00:00Z", "1969-12-31T23:59:59Z", ""],
)  # fmt: skip
def test_anything_else_is_not_an_instant(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(text)
