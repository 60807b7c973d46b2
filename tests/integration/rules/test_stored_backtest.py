"""Backtests over stored history: what comes out is what the live engine recorded, and the same bytes every time."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from commands.rules import app
from domain.alert import AlertEvent
from rules.backtest import backtest
from rules.load import Catalogue
from rules.material import Material
from rules.rule import Rule
from rules.session import Session
from rules.stored import StoredMaterial
from storage.history import bounds
from storage.watched import read_watched
from tests.integration.rules.city import RULES, City
from tests.support.rulebook import SECOND, T0, silence

MINUTES = 100
ALL = (*RULES, silence("silent", factor=2))


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(database_url, stack)


def live_through(city: City, session: Session) -> None:
    """Minute by minute as they come: peaks on both devices, 20 minutes of silence on one."""
    for minute in range(MINUTES):
        at = minute * 60.0
        points = [(city.streams["a"], at, 60.0 if minute % 40 in {11, 12} else 5.0)]
        if not 61 <= minute < 81:
            points.append((city.streams["b"], at + 7, 27.0 if minute % 50 == 30 else 12.0 if minute > 90 else 3.0))
        city.writer.store(*points)
        city.writer.caught_up(at + 30)
        while session.catch_up():
            pass
        session.look_ahead()
        while session.catch_up():
            pass
        assert session.tick()


def material(city: City) -> Material:
    until = T0 + ((MINUTES - 1) * 60 + 30) * SECOND
    return StoredMaterial.of(city.connection, read_watched(city.connection), T0, until)


def recorded(city: City) -> list[tuple[Any, ...]]:
    rows = city.rows(
        "SELECT a.rule, a.subject, e.event, e.level, (extract(epoch FROM e.time) * 1000000)::bigint"
        " FROM alert_events e JOIN alerts a ON a.id = e.alert WHERE e.event IN ('raised', 'level_changed', 'cleared')"
    )
    return sorted(rows)


def replayed(city: City, *rules: Rule) -> list[tuple[Any, ...]]:
    found = []
    for episode in backtest(Catalogue(rules=rules, overrides=(), digest=""), material(city)).episodes:
        for number, (at, level) in enumerate(episode.levels):
            event = AlertEvent.LEVEL_CHANGED if number else AlertEvent.RAISED
            found.append((episode.rule, episode.subject, event.value, level.label, at))
        if episode.cleared_at is not None:
            last = episode.levels[-1][1].label
            found.append((episode.rule, episode.subject, "cleared", last, episode.cleared_at))
    return sorted(found)


def test_a_backtest_finds_exactly_what_the_live_engine_recorded(city: City) -> None:
    live_through(city, city.rules(*ALL))
    assert {rule for rule, *_ in recorded(city)} == {"methane", "slow", "silent"}
    assert replayed(city, *ALL) == recorded(city)


def test_a_backtest_writes_nothing(city: City) -> None:
    city.writer.store((city.streams["a"], 0, 60))
    replayed(city, *ALL)
    assert city.rows("SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM outbox)") == [(0, 0)]


def test_the_bounds_of_history_are_known(city: City) -> None:
    assert bounds(city.connection) is None
    city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 90, 1))
    assert bounds(city.connection) == (T0, T0 + 90 * SECOND)


def moment(seconds: float) -> str:
    return (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def catalogue(folder: Path, *rules: Rule) -> Path:
    folder.mkdir()
    data = [rule.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in rules]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"rules": data}, allow_unicode=True), encoding="utf-8")
    return folder


def test_the_command_gives_the_same_bytes_every_time(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(city, city.rules(*ALL))
    monkeypatch.setenv("LIFELINE_DATABASE_URL", city.url)
    old, new = catalogue(tmp_path / "old", *ALL), catalogue(tmp_path / "new", *ALL[1:])

    def written(number: int) -> tuple[str, bytes, bytes]:
        html, csv = tmp_path / f"{number}.html", tmp_path / f"{number}.csv"
        done = CliRunner().invoke(
            app,
            [
                *("backtest", "--rules", str(new), "--against", str(old), "--from", moment(0)),
                *("--to", moment(MINUTES * 60), "--json", "--html", str(html), "--csv", str(csv)),
            ],
        )
        assert done.exit_code == 0, done.exception
        return done.stdout, html.read_bytes(), csv.read_bytes()

    first = written(1)
    assert written(2) == first
    data = json.loads(first[0])
    assert {alert["rule"] for alert in data["alerts"]} == {"slow", "silent"}
    assert {alert["rule"] for alert in data["difference"]["lost"]} == {"methane"}
    assert data["difference"]["new"] == data["difference"]["moved"] == []
    assert data["against"]["kpis"]["alarms"] > data["kpis"]["alarms"]
