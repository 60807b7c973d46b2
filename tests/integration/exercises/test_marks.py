"""Whatever belongs to an exercise carries its mark, and cannot be written without it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import ConfigurationError, RefusedDataError
from domain.exercise import Plan, Step, Words, twin
from domain.exercise_mark import area_of, exercise_of, twin_id
from domain.registry_folder import read, write
from storage import exercises
from storage.database import connect
from storage.registry import export_registry, import_registry, known
from storage.watched import read_watched
from tests.support.exercising import exercise_in, open_one, pace_from, plan
from tests.support.history import Ledger, change
from tests.support.seeding import seed_city

NOW = datetime.now(UTC)
ASSET = (
    "INSERT INTO assets (id, network, kind, name_en, name_zh, area, geometry, longitude, latitude) "
    "VALUES ('{id}', 'gas', 'site', 'x', 'x', '{area}', '{{}}', 0, 0)"
)
AREAS = st.one_of(
    st.from_regex(r"\A99[0-9]{10}\Z"),
    st.from_regex(r"\A[0-9]{2,13}\Z"),
    st.text("0129x", max_size=13),
)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="tests") as opened:
        yield opened


@pytest.fixture
def city(database_url: str, connection: Connection[TupleRow]) -> Connection[TupleRow]:
    seed_city(database_url, now=NOW)
    return connection


def column(connection: Connection[TupleRow], sql: str) -> list[object]:
    return [row[0] for row in connection.execute(sql.encode()).fetchall()]


@given(
    area=st.one_of(st.from_regex(r"\A99[0-9]{10}\Z"), st.from_regex(r"\A[0-9]{2,13}\Z"), st.text("0129x", max_size=13))
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_reads_marks_as_the_code_does(plain_reader: Connection[TupleRow], area: str) -> None:
    assert column(plain_reader, f"SELECT exercise_of('{area}')") == [exercise_of(area)]


@pytest.fixture(scope="module")
def plain_reader(database_servers) -> Iterator[Connection[TupleRow]]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    server = database_servers("postgresql")
    url = server.fresh()
    with connect(url, application="tests") as opened:
        yield opened
    server.release(url)


def test_areas_and_ids_of_an_exercise_are_its_own() -> None:
    assert area_of(7, "539900002") == "990000007002"
    assert exercise_of(area_of(9_999_999, "53")) == 9_999_999
    assert [exercise_of(area) for area in ("", "530102", "990001", "539900002", "990000007002001")] == [None] * 5


def test_alerts_events_messages_and_the_outbox_carry_the_mark(city: Connection[TupleRow]) -> None:
    number = exercise_in(city, NOW)
    for relation in ("alerts", "alert_events", "notifications", "outbox"):
        marks = column(city, f"SELECT DISTINCT exercise FROM {relation} ORDER BY 1 NULLS LAST")  # noqa: S608
        assert marks == ([number, None] if relation != "outbox" else [number]), relation
    assert column(city, "SELECT DISTINCT exercise FROM assets ORDER BY 1 NULLS LAST") == [number, None]


def test_the_rules_cannot_write_an_alert_of_an_exercise_without_its_mark(connection: Connection[TupleRow]) -> None:
    ledger = Ledger(connection)
    ledger.write(change("raised", 10, area=area_of(open_one(connection), "530102")))
    ledger.write(change("raised", 10, rule="other"))
    found = connection.execute(
        "SELECT a.rule, a.exercise IS NOT NULL, e.exercise IS NOT NULL, o.exercise IS NOT NULL "
        "FROM alerts a JOIN alert_events e ON e.alert = a.id JOIN outbox o ON o.event = e.id ORDER BY a.rule"
    ).fetchall()
    assert found == [("other", False, False, False), ("r", True, True, True)]


@pytest.mark.parametrize(
    "statement",
    [
        ASSET.format(id="exercise-1-x", area="340104"),
        ASSET.format(id="x", area="990000001104"),
        # There is no exercise 77.
        ASSET.format(id="exercise-77-x", area="990000077104"),
        "UPDATE devices SET asset = 'gas-a1' WHERE id = 'exercise-1-gas-d1'",
        "INSERT INTO devices VALUES ('real', 'exercise-1-gas-a1', 'test', 60)",
        "INSERT INTO links VALUES ('gas-a1', 'feeds', 'exercise-1-gas-a1')",
        "UPDATE assets SET area = '340104' WHERE id = 'exercise-1-gas-a1'",
    ],
)
def test_real_and_exercise_equipment_cannot_be_joined(city: Connection[TupleRow], statement: str) -> None:
    exercise_in(city, NOW)
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation)):
        city.execute(statement.encode())


def test_an_exported_registry_holds_nothing_of_an_exercise(city: Connection[TupleRow]) -> None:
    before = export_registry(city)
    exercise_in(city, NOW)
    assert export_registry(city) == before
    assert not any(one.startswith("exercise-") for one in known(city).assets | known(city).devices)


def test_a_registry_that_a_person_imports_cannot_touch_an_exercise(city: Connection[TupleRow], tmp_path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    number = exercise_in(city, NOW)
    registry = export_registry(city)
    asset, device = registry.assets[0], registry.devices[0]
    write(
        replace(
            registry,
            assets=(*registry.assets, replace(asset, id=twin_id(number, asset.id))),
            devices=(*registry.devices, replace(device, id=twin_id(number, device.id))),
        ),
        tmp_path,
    )
    with pytest.raises(ConfigurationError) as found:
        read(tmp_path, known(city))
    assert sum("is for exercises" in problem for problem in found.value.problems) == 2
    write(replace(registry, assets=(replace(asset, area="990000001001"), *registry.assets[1:])), tmp_path)
    with pytest.raises(ConfigurationError, match="is for exercises"):
        read(tmp_path, known(city))
    # Even past the check the database refuses it.
    with pytest.raises(RefusedDataError):
        import_registry(city, replace(registry, assets=(replace(asset, area="990000001001"),)))


def test_two_exercises_never_run_at_once(connection: Connection[TupleRow]) -> None:
    first = open_one(connection)
    with pytest.raises(exercises.ExerciseRunsError, match=f"exercise {first} "):
        open_one(connection)
    exercises.end(connection, first, by="Wang", now=0)
    assert open_one(connection) != first


def test_the_end_closes_what_is_open_and_watches_its_equipment_no_longer(city: Connection[TupleRow]) -> None:
    number = exercise_in(city, NOW)
    real = city.execute("SELECT * FROM alerts WHERE exercise IS NULL ORDER BY id").fetchall()
    assert len(read_watched(city, exercises=True).watched) == 2 * len(read_watched(city).watched)
    assert read_watched(city, exercises=True).paces[number].speed == 1.0
    version = read_watched(city).version
    open_before = len(column(city, "SELECT id FROM alerts WHERE open AND exercise IS NOT NULL"))
    assert exercises.end(city, number, by="Wang", now=int(NOW.timestamp() * 1e6)) == open_before > 0
    assert column(city, "SELECT id FROM alerts WHERE open AND exercise IS NOT NULL") == []
    cleared = city.execute(
        "SELECT DISTINCT comment, actor, exercise FROM alert_events WHERE event = 'cleared' AND exercise IS NOT NULL"
    ).fetchall()
    assert cleared == [(exercises.ENDED, "Wang", number)]
    assert city.execute("SELECT * FROM alerts WHERE exercise IS NULL ORDER BY id").fetchall() == real
    after = read_watched(city, exercises=True)
    assert after == read_watched(city)
    assert after.version > version
    assert exercises.end(city, number, by="Wang", now=0) is None


def test_an_exercise_that_has_ended_raises_nothing_more(connection: Connection[TupleRow]) -> None:
    number = open_one(connection)
    ledger = Ledger(connection)
    exercises.end(connection, number, by="Wang", now=0)
    ledger.write(change("raised", 10, area=area_of(number, "530102")))
    ledger.write(change("cleared", 20, area=area_of(number, "530102")))
    assert column(connection, "SELECT id FROM alerts") == []


def test_silence_of_a_twin_counts_from_the_begin_of_its_incident(city: Connection[TupleRow]) -> None:
    number = open_one(city)
    pace = pace_from(NOW, speed=60.0)

    exercises.begin(city, number, twin(export_registry(city), number), pace)
    born = {one.registered_at for one in read_watched(city, exercises=True).watched if exercise_of(one.area)}
    assert born == {pace.begins}
    assert not exercises.begin(city, number, twin(export_registry(city), number), pace)


def test_a_plan_is_kept_as_it_was(connection: Connection[TupleRow]) -> None:
    step = Step(name="escalate", expected=None, within_s=600.0, text=Words(en="Hand it on.", zh="升级上报。"))
    wanted: Plan = plan(step)
    found = exercises.get(connection, open_one(connection, wanted))
    assert found is not None
    assert found.plan == wanted
    assert (found.running, found.pace, found.started_by) == (True, None, "Wang")
