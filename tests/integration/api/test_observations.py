import csv
import io
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.integration.api.conftest import City
from tests.integration.api.pages import walk
from tests.support.seeding import MINUTES, OBSERVED, SILENT_FOR

PAST = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-04T00:00:00Z"}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = timedelta(hours=8)


def _path(city: City) -> str:
    return f"/api/v1/datastreams/{city.seeded.datastreams['gas-d1', 'gas.ch4.chamber']}/observations"


@pytest.fixture(scope="module")
def three_days(standing_city: City) -> City:
    """Three more days of one datastream, one value a minute, each seventh of them doubtful."""
    datastream = standing_city.seeded.datastreams["gas-d1", "gas.ch4.chamber"]
    with psycopg.connect(standing_city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "INSERT INTO observations (datastream, time, value, quality) "
            "SELECT %s, %s::timestamptz + n * INTERVAL '1 minute', (n * 37) %% 101, (n %% 7 = 0)::int "
            "FROM generate_series(0, 4319) n",
            (datastream, BEGIN),
        )
    return standing_city


def test_raw_pages_give_every_observation_once_in_order(standing_city: City) -> None:
    items = walk(standing_city.client, _path(standing_city), limit=50)
    assert len(items) == MINUTES
    times = [i["time"] for i in items]
    assert times == sorted(set(times))
    assert {i["value"] for i in items} == {OBSERVED["gas"]["gas.ch4.chamber"]}


def test_the_end_of_a_range_is_not_in_it(three_days: City) -> None:
    query = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:03:00Z"}
    items = three_days.client.get(_path(three_days), params=query).json()["items"]
    assert [i["value"] for i in items] == [0, 37, 74]
    assert [i["quality"] for i in items] == [1, 0, 0]


def test_times_of_another_zone_name_the_same_instants(three_days: City) -> None:
    query = {"from": "2026-01-01T08:00:00+08:00", "to": "2026-01-01T08:03:00+08:00"}
    assert len(three_days.client.get(_path(three_days), params=query).json()["items"]) == 3


@pytest.mark.parametrize(("bucket", "width"), [("5m", 5), ("1h", 60), ("1d", 1440)])
def test_buckets_equal_a_recomputation_from_raw_rows(three_days: City, bucket: str, width: int) -> None:
    raw = walk(three_days.client, _path(three_days), **PAST, limit=2000)
    assert len(raw) == 4320
    shift = ZONE if bucket == "1d" else timedelta()
    groups: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for item in raw:
        local = datetime.fromisoformat(item["time"]) + shift
        begin = local - (local - datetime(2000, 1, 3, tzinfo=UTC)) % timedelta(minutes=width)
        groups[begin - shift].append(item)
    buckets = walk(three_days.client, _path(three_days), **PAST, bucket=bucket, limit=300)
    assert [datetime.fromisoformat(b["time"]) for b in buckets] == sorted(groups)
    for found in buckets:
        rows = groups[datetime.fromisoformat(found["time"])]
        good = [r["value"] for r in rows if r["quality"] == 0]
        assert found["count"] == len(good)
        assert found["doubtful"] == len(rows) - len(good)
        assert (found["minimum"], found["maximum"]) == (min(good), max(good))
        assert found["sum"] == pytest.approx(sum(good))
        assert found["average"] == pytest.approx(sum(good) / len(good))


def test_the_first_bucket_is_whole_though_the_range_begins_inside_it(three_days: City) -> None:
    query = {"from": "2026-01-02T05:30:00Z", "to": "2026-01-02T06:01:00Z", "bucket": "1h"}
    items = three_days.client.get(_path(three_days), params=query).json()["items"]
    assert [i["time"] for i in items] == ["2026-01-02T05:00:00.000Z", "2026-01-02T06:00:00.000Z"]
    assert [i["count"] + i["doubtful"] for i in items] == [60, 60]


@pytest.mark.parametrize("bucket", ["raw", "1h"])
def test_csv_holds_what_json_does(three_days: City, bucket: str) -> None:
    query = PAST | {"bucket": bucket, "limit": "50"}
    page = three_days.client.get(_path(three_days), params=query).json()
    answer = three_days.client.get(_path(three_days), params=query, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.links["next"]["url"].endswith(page["next"])
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [r["time"] for r in rows] == [i["time"] for i in page["items"]]
    name = "value" if bucket == "raw" else "average"
    assert [float(r[name]) for r in rows] == [i[name] for i in page["items"]]


def test_auto_answers_ten_years_in_days(three_days: City) -> None:
    query = {"from": "2017-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "bucket": "auto"}
    page = three_days.client.get(_path(three_days), params=query).json()
    assert page["bucket"] == "1d"
    assert page["unit"] == "%{LEL}"
    assert sum(i["count"] + i["doubtful"] for i in page["items"]) == 4320 + MINUTES


def test_ten_years_of_raw_observations_are_refused_naming_the_bucket_to_use(plain_standing_city: City) -> None:
    query = {"from": "2016-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    answer = plain_standing_city.client.get(_path(plain_standing_city), params=query)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("range-too-long")
    assert answer.json()["bucket"] == "1d"


def test_a_cursor_of_another_datastream_is_refused(plain_standing_city: City) -> None:
    cursor = plain_standing_city.client.get(_path(plain_standing_city), params={"limit": 1}).json()["next"]
    answer = plain_standing_city.client.get("/api/v1/datastreams/2/observations", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("bad-cursor")


def test_latest_has_every_datastream_once_and_its_last_value(standing_city: City) -> None:
    items = walk(standing_city.client, "/api/v1/latest", limit=10)
    ids = [i["datastream"] for i in items]
    assert ids == sorted(set(ids))
    assert set(ids) >= set(standing_city.seeded.datastreams.values())
    by_name = {(i["device"], i["property"]): i for i in items}
    for network, observed in OBSERVED.items():
        for property_, value in observed.items():
            assert by_name[f"{network}-d1", property_]["value"] == value
            assert datetime.fromisoformat(by_name[f"{network}-d1", property_]["time"]) == standing_city.seeded.now
            # The third device has been silent for a day: its last value is an old one.
            silent = by_name[f"{network}-d3", property_]
            assert datetime.fromisoformat(silent["time"]) == standing_city.seeded.now - SILENT_FOR
            assert silent["quality"] == 0


def test_latest_is_of_the_place_that_was_asked_for(standing_city: City) -> None:
    def devices(**query: str) -> set[str]:
        return {i["device"] for i in standing_city.client.get("/api/v1/latest", params=query).json()["items"]}

    assert devices(device="gas-d2") == {"gas-d2"}
    assert devices(asset="gas-a3") == {"gas-d3"}
    assert devices(network="gas") == {"gas-d1", "gas-d2", "gas-d3"}
    assert devices(area="11") == set()
    assert len(devices(area="3401")) == 15


def test_a_datastream_that_never_reported_has_no_value(standing_city: City) -> None:
    with psycopg.connect(standing_city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("INSERT INTO datastreams (device, property, unit) VALUES ('gas-d2', 'device.battery', 'V')")
    items = standing_city.client.get("/api/v1/latest", params={"device": "gas-d2"}).json()["items"]
    new = next(i for i in items if i["property"] == "device.battery")
    assert (new["time"], new["value"], new["quality"]) == (None, None, None)
