"""Instants are integers; datetimes at the edges are aware."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import times

INSTANTS = st.integers(times.EARLIEST, times.LATEST)


@given(INSTANTS)
def test_an_instant_survives_the_way_through_a_datetime(micros: int) -> None:
    moment = times.to_datetime(micros)
    assert moment.tzinfo is UTC
    assert times.from_datetime(moment) == micros


def test_a_zone_is_converted_and_a_missing_one_refused() -> None:
    beijing = timezone(timedelta(hours=8))
    assert times.from_datetime(datetime(2026, 5, 1, 8, tzinfo=beijing)) == times.from_datetime(
        datetime(2026, 5, 1, tzinfo=UTC)
    )
    with pytest.raises(ValueError, match="no time zone"):
        times.from_datetime(datetime(2026, 5, 1))  # noqa: DTZ001


def test_text_is_rfc_3339_in_utc_with_milliseconds() -> None:
    assert times.isoformat(1_777_622_400_123_456) == "2026-05-01T08:00:00.123Z"
    assert times.isoformat(-1) == "1969-12-31T23:59:59.999Z"


def test_the_clock_counts_microseconds() -> None:
    assert abs(times.now_micros() - datetime.now(UTC).timestamp() * 1e6) < 5e6
