"""Recorded times become instants, also where clocks are put back and forward."""

import pandas as pd
import pytest

from domain.times import isoformat
from simulators.feed import TimeColumn
from simulators.local_time import NOT_A_TIME, LocalTimes


def instants(texts: list[str], **column: str) -> list[str]:
    micros = LocalTimes(TimeColumn(column="t", **column)).micros(pd.Series(texts, dtype=str))
    return ["" if m == NOT_A_TIME else isoformat(m) for m in micros.tolist()]


def test_day_month_year_and_hour() -> None:
    assert instants(["06/01/14 00", "25/12/16 23"], format="%d/%m/%y %H") == [
        "2014-01-06T00:00:00.000Z",
        "2016-12-25T23:00:00.000Z",
    ]


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("2026-05-01 08:00:00", {"zone": "Asia/Shanghai"}, "2026-05-01T00:00:00.000Z"),
        ("2026-05-01 08:00:00", {"zone": "-03:30"}, "2026-05-01T11:30:00.000Z"),
        ("2026-05-01T08:00:00+02:00", {"zone": "Asia/Shanghai"}, "2026-05-01T06:00:00.000Z"),
        ("2026-05-01", {}, "2026-05-01T00:00:00.000Z"),
        ("1700000000.123", {"format": "epoch_s"}, "2023-11-14T22:13:20.123Z"),
        ("1700000000123", {"format": "epoch_ms"}, "2023-11-14T22:13:20.123Z"),
        ("1700000000123456", {"format": "epoch_us"}, "2023-11-14T22:13:20.123Z"),
        ("2026-05-01 08:00 +0800", {"format": "%Y-%m-%d %H:%M %z"}, "2026-05-01T00:00:00.000Z"),
        ("yesterday", {}, ""),
        ("31/02/14 00", {"format": "%d/%m/%y %H"}, ""),
        ("1e40", {"format": "epoch_s"}, ""),
        ("", {"format": "epoch_s"}, ""),
    ],
)
def test_formats_and_zones(text: str, column: dict[str, str], expected: str) -> None:
    assert instants([text], **column) == [expected]


def test_zoned_and_plain_times_may_be_mixed() -> None:
    assert instants(["2026-05-01T00:00:00Z", "2026-05-01T08:30:00"], zone="Asia/Shanghai") == [
        "2026-05-01T00:00:00.000Z",
        "2026-05-01T00:30:00.000Z",
    ]


def test_the_hour_that_comes_twice_goes_forward() -> None:
    # In Berlin the night of 25 October 2026 has 02:00 to 03:00 twice.
    texts = [f"2026-10-25 {clock}" for clock in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")]
    found = instants(texts, zone="Europe/Berlin")
    assert found == [f"2026-10-{clock}:00.000Z" for clock in
                     ("24T23:30", "25T00:00", "25T00:30", "25T01:00", "25T01:30", "25T02:00")]  # fmt: skip


def test_the_hour_that_comes_twice_goes_forward_for_each_series_and_across_chunks() -> None:
    times = LocalTimes(TimeColumn(column="t", zone="Europe/Berlin"))
    rows = pd.Series(["2026-10-25 02:00", "2026-10-25 02:00"], dtype=str)
    first = times.micros(rows, ["a", "b"]).tolist()
    second = times.micros(rows, ["a", "b"]).tolist()
    assert first[0] == first[1]
    assert [later - earlier for earlier, later in zip(first, second, strict=True)] == [3_600_000_000] * 2


def test_an_hour_that_the_clocks_skip_is_no_time() -> None:
    assert instants(["2026-03-29 01:30", "2026-03-29 02:30"], zone="Europe/Berlin") == ["2026-03-29T00:30:00.000Z", ""]
