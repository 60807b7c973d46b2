"""Every panel of every dashboard, run as Grafana would run it: as the reader, on both databases, over a seeded city."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from dashboards.build import build
from domain.alert import Level
from domain.errors import UnavailableError
from domain.kpi import Alarm
from domain.times import from_datetime
from storage.dashboards import Language, PanelRows, panel_sql, run_panel
from storage.database import connect
from tests.support.episodes import Written, write_episodes
from tests.support.exercising import exercise_in
from tests.support.seeding import DEVICES_PER_NETWORK, MINUTES, OBSERVED, SeededCity, seed_city

HOUR = 3_600_000_000


@pytest.fixture
def city(database_url: str) -> SeededCity:
    seeded = seed_city(database_url, now=datetime.now(UTC))
    with connect(database_url, application="tests") as connection:
        write_episodes(connection, nuisances(from_datetime(seeded.now)))
        # Panels of what is real must not see it; those of exercises have something to show.
        exercise_in(connection, seeded.now)
    return seeded


def nuisances(now: int) -> list[Written]:
    """Alarms that are over and taken: a flood, one that chattered and one that was stale."""

    def alarm(rule: str, subject: str, raised_at: int, lasted: int) -> Alarm:
        return Alarm(
            rule=rule,
            subject=f"asset:{subject}",
            level=Level.BLUE,
            raised_at=raised_at,
            cleared_at=raised_at + lasted,
            network="gas",
            area="340104",
        )

    flood = [alarm("flood", f"gas-{n}", now - 2 * HOUR + n * 1000, HOUR) for n in range(30)]
    chatter = [alarm("chatter", "gas-a2", now - HOUR + n * HOUR // 360, HOUR // 3600) for n in range(3)]
    stale = alarm("stale", "gas-a3", now - 40 * HOUR, 39 * HOUR)
    lives = [*((one,) for one in flood), tuple(chatter), (stale,)]
    return [Written(alarms=life, asset="gas-a2", acknowledged=True, taken_after=HOUR) for life in lives]


@pytest.fixture
def reader(database_url: str, city: SeededCity) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="grafana") as connection:
        connection.execute("SET ROLE lifeline_reader")
        yield connection
        connection.execute("RESET ROLE")


def run(
    reader: Connection[TupleRow], city: SeededCity, sql: str, *, hours: float = 6, **variables: tuple[str, ...]
) -> PanelRows:
    end = from_datetime(city.now)
    return run_panel(reader, sql, start=end - int(hours * HOUR), end=end, variables=variables)


def needed_columns(panel: dict[str, Any]) -> set[str]:
    """What the panel's options name."""
    needed: set[str] = set()
    for transformation in panel.get("transformations", []):
        needed |= set(transformation["options"]["renameByName"])
    if panel["type"] in {"timeseries", "state-timeline"}:
        needed.add("time")
        if not needed - {"time"}:
            needed |= {"metric", "value"}
    if panel["type"] == "bargauge":
        needed.add(panel["options"]["reduceOptions"]["fields"].strip("/^$"))
    return needed


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_panel_gets_the_columns_and_rows_that_it_needs(
    language: Language, reader: Connection[TupleRow], city: SeededCity
) -> None:
    seen = 0
    for name, text in build(language).items():
        for panel in json.loads(text)["panels"]:
            for target in panel.get("targets", []):
                found = run(reader, city, target["rawSql"])
                where = (name, panel["title"], found.columns)
                assert needed_columns(panel) <= set(found.columns), where
                if panel["type"] in {"stat", "table"}:
                    assert needed_columns(panel) == set(found.columns), where
                assert found.rows, where
                seen += 1
    assert seen > 50


def test_every_variable_offers_values_with_names(reader: Connection[TupleRow], city: SeededCity) -> None:
    for text in build("zh").values():
        for variable in json.loads(text)["templating"]["list"]:
            found = run(reader, city, variable["query"])
            assert found.columns == ("__value", "__text")
            assert len(found.rows) == (len(OBSERVED) if variable["name"] == "network" else DEVICES_PER_NETWORK)


def test_open_alerts_are_counted_by_level(reader: Connection[TupleRow], city: SeededCity) -> None:
    found = run(reader, city, panel_sql("open_alerts_by_level", language="en"))
    assert dict(zip(found.columns, found.rows[0], strict=True)) == city.open_alerts
    gas = run(reader, city, panel_sql("open_alerts_by_level", language="en", network="gas"))
    assert sum(gas.rows[0]) == 1


def test_a_device_silent_for_a_day_is_named_and_lowers_the_coverage(
    reader: Connection[TupleRow], city: SeededCity
) -> None:
    silent = run(reader, city, panel_sql("silent_devices", language="en", network="gas"))
    assert [row[1] for row in silent.rows] == [f"gas-d{DEVICES_PER_NETWORK}"]
    assert silent.rows[0][silent.columns.index("silent_min")] == pytest.approx(24 * 60, abs=1)
    coverage = run(reader, city, panel_sql("coverage_by_network", language="zh", network="gas"))
    assert coverage.rows == (("燃气 (2/3)", 66.7),)


def test_stale_values_never_count_as_current(reader: Connection[TupleRow], city: SeededCity) -> None:
    found = run(reader, city, panel_sql("highest_now", language="en", properties=["gas.ch4.chamber"]))
    assert found.rows == (("Gas site 1", 26.0), ("Gas site 2", 23.400000000000002))


def test_doubtful_values_never_count_as_current(
    database_url: str, reader: Connection[TupleRow], city: SeededCity
) -> None:
    reader.execute("RESET ROLE")
    reader.execute(
        "UPDATE observations SET quality = 1 WHERE datastream = %s", (city.datastreams["gas-d1", "gas.ch4.chamber"],)
    )
    reader.execute("SET ROLE lifeline_reader")
    found = run(reader, city, panel_sql("highest_now", language="en", properties=["gas.ch4.chamber"]))
    assert [row[0] for row in found.rows] == ["Gas site 2"]


def test_the_chart_takes_the_detail_that_the_range_calls_for(reader: Connection[TupleRow], city: SeededCity) -> None:
    sql = panel_sql("chart", language="en", properties=["gas.pressure.lp"])
    points = {
        hours: [row for row in run(reader, city, sql, hours=hours).rows if row[1] == "Gas site 1"]
        for hours in (1, 24, 24 * 10, 24 * 100)
    }
    assert len(points[1]) == 61
    assert MINUTES // 5 <= len(points[24]) <= MINUTES // 5 + 1
    assert MINUTES // 60 <= len(points[240]) <= MINUTES // 60 + 1
    assert 1 <= len(points[2400]) <= 2
    for rows in points.values():
        assert [row[2] for row in rows] == pytest.approx([2.4] * len(rows))
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_the_chart_shows_the_chosen_devices_only(reader: Connection[TupleRow], city: SeededCity) -> None:
    sql = panel_sql("chart", language="en", properties=["gas.pressure.lp", "gas.pressure.mp"])
    found = run(reader, city, sql, device=("gas-d2",))
    assert {row[1] for row in found.rows} == {"Gas site 2 · Low pressure", "Gas site 2 · Main pressure (medium)"}


def test_devices_that_share_an_asset_keep_lines_of_their_own(reader: Connection[TupleRow], city: SeededCity) -> None:
    reader.execute("RESET ROLE")
    reader.execute("UPDATE devices SET asset = 'gas-a1' WHERE id = 'gas-d2'")
    reader.execute("SET ROLE lifeline_reader")
    found = run(reader, city, panel_sql("chart", language="en", properties=["gas.pressure.lp"]))
    assert {row[1] for row in found.rows} == {"Gas site 1 · gas-d1", "Gas site 1 · gas-d2"}


def test_a_variable_cannot_carry_a_statement_into_a_query(reader: Connection[TupleRow], city: SeededCity) -> None:
    sql = panel_sql("latest_values", language="en", network="gas")
    assert run(reader, city, sql, device=("x') OR true --",)).rows == ()


def test_the_reader_sees_what_panels_need_and_no_more(reader: Connection[TupleRow], city: SeededCity) -> None:
    for sql in ("SELECT 1 FROM tokens", "SELECT 1 FROM journal", "DELETE FROM alerts"):
        with pytest.raises(Exception, match="permission denied") as caught:
            run(reader, city, sql)
        assert not isinstance(caught.value, UnavailableError)


def test_alarm_health_shows_the_flood_the_chatter_and_the_stale_alarm(
    reader: Connection[TupleRow], city: SeededCity
) -> None:
    floods = run(reader, city, panel_sql("alarm_floods", language="en"))
    assert [row[floods.columns.index("peak")] >= 11 for row in floods.rows] == [True]
    chattering = run(reader, city, panel_sql("alarm_chattering", language="en", network="gas"))
    assert chattering.rows == (("chatter", "asset:gas-a2", 1),)
    stale = run(reader, city, panel_sql("alarm_stale", language="zh", network="gas"))
    assert [(row[1], row[2], row[4]) for row in stale.rows] == [("stale", "燃气2号点", False)]
    elsewhere = run(reader, city, panel_sql("alarm_health", language="en"), network=("water", "manhole"))
    assert dict(zip(elsewhere.columns, elsewhere.rows[0], strict=True))["alarms"] == 4


def test_incidents_and_availability_are_those_of_the_chosen_networks(
    reader: Connection[TupleRow], city: SeededCity
) -> None:
    found = run(reader, city, panel_sql("incident_counts", language="en"), network=("gas",))
    assert found.rows == ((2, 2, 1),)
    districts = run(reader, city, panel_sql("availability_by_district", language="en"), hours=2, network=("gas",))
    assert [row[0] for row in districts.rows] == ["340104 (3)"]
    # Two of three devices, the whole time.
    assert districts.rows[0][1] == pytest.approx(66.7, abs=1)
