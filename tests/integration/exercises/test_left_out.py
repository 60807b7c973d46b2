"""What is real looks the same with an exercise beside it: panels, figures, the state of the platform."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from dashboards.build import build
from domain.alert import Level
from domain.kpi import Alarm
from domain.times import from_datetime
from storage import kpis
from storage.dashboards import run_panel
from storage.database import connect
from storage.kpis import Scope
from storage.status import condition
from tests.support.episodes import Written, write_episodes
from tests.support.exercising import exercise_in
from tests.support.seeding import seed_city

HOUR = 3_600_000_000
NOW = datetime.now(UTC)
SCOPE = Scope(since=NOW - timedelta(hours=6), until=NOW + timedelta(seconds=1))


@pytest.fixture
def city(database_url: str) -> Iterator[Connection[TupleRow]]:
    seed_city(database_url, now=NOW)
    with connect(database_url, application="tests") as opened:
        yield opened


def alarms_of_an_exercise() -> list[Written]:
    begin = from_datetime(NOW) - 2 * HOUR
    life = Alarm(
        rule="r", subject="asset:exercise-1-x", level=Level.RED, raised_at=begin, cleared_at=begin + HOUR,
        network="gas", area="990000001104",
    )  # fmt: skip
    lives = [replace(life, rule=f"r{number}", raised_at=begin + number) for number in range(40)]
    return [Written(alarms=(life,), asset="exercise-1-gas-a1", acknowledged=True, taken_after=HOUR) for life in lives]


def panels(connection: Connection[TupleRow]) -> dict[str, list[tuple[Any, ...]]]:
    """The answer of every panel of every dashboard of what is real, as the reader gets it."""
    found = {}
    connection.execute("SET ROLE lifeline_reader")
    for name, text in build("en").items():
        if name == "exercises":
            continue
        document = json.loads(text)
        asked = [(t["rawSql"], p["title"]) for p in document["panels"] for t in p.get("targets", [])]
        asked += [(variable["query"], variable["name"]) for variable in document["templating"]["list"]]
        for sql, title in asked:
            answer = run_panel(connection, sql, start=from_datetime(NOW) - 6 * HOUR, end=from_datetime(NOW))
            # Ages are counted from the moment of the question.
            kept = [at for at, column in enumerate(answer.columns) if column not in {"oldest_pending_s", "silent_min"}]
            found[f"{name}: {title}"] = [tuple(row[at] for at in kept) for row in answer.rows]
    connection.execute("RESET ROLE")
    return found


def test_no_panel_of_what_is_real_shows_anything_of_an_exercise(city: Connection[TupleRow]) -> None:
    before = panels(city)
    exercise_in(city, NOW)
    write_episodes(city, alarms_of_an_exercise())
    after = panels(city)
    assert len(before) > 40
    assert [name for name in before if before[name] != after[name]] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_dashboard_of_exercises_shows_them_under_a_banner(city: Connection[TupleRow], language: str) -> None:
    exercise_in(city, NOW)
    document = json.loads(build(language)["exercises"])  # type: ignore[arg-type]
    banner = {"en": "EXERCISE – ", "zh": "【演练】"}[language]
    assert document["title"].startswith(banner)
    first = next(panel for panel in document["panels"] if panel["type"] != "row")
    assert first["type"] == "text"
    assert banner in first["options"]["content"]
    city.execute("SET ROLE lifeline_reader")
    for panel in document["panels"]:
        for target in panel.get("targets", []):
            rows = run_panel(city, target["rawSql"], start=from_datetime(NOW) - 6 * HOUR, end=from_datetime(NOW)).rows
            assert rows, panel["title"]
            assert panel["title"].startswith(banner) or "exercises" in target["rawSql"], panel["title"]
    city.execute("RESET ROLE")


def test_no_figure_counts_an_exercise(city: Connection[TupleRow]) -> None:
    def figures() -> list[object]:
        return [
            kpis.alarm_figures(city, SCOPE),
            kpis.incident_figures(city, SCOPE),
            kpis.incidents(city, SCOPE),
            kpis.load(city, SCOPE, "alarm"),
            kpis.hours(city, SCOPE),
            kpis.floods(city, SCOPE),
            kpis.stale(city, SCOPE),
            kpis.assets(city, SCOPE),
            [(one.district, one.devices) for one in kpis.availability(city, SCOPE)],
        ]

    before = figures()
    exercise_in(city, NOW)
    write_episodes(city, alarms_of_an_exercise())
    assert figures() == before
    assert kpis.exercised(city, SCOPE) > 40


def test_the_state_of_the_platform_counts_what_is_real_and_names_the_exercise(city: Connection[TupleRow]) -> None:
    before = condition(city)
    number = exercise_in(city, NOW)
    after = condition(city)
    assert (after.alerts, after.devices) == (before.alerts, before.devices)
    assert [(one.id, one.started_by, one.open > 0) for one in after.exercises] == [(number, "Wang", True)]
