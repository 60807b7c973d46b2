"""KPIs of operator positions and with changed limits, over HTTP and in the terminal."""

import json
from datetime import datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from domain.kpi_names import ALARM_NAMES
from lifeline import app
from storage.database import connect
from storage.kpis import limits, set_limit
from tests.integration.api.conftest import City


@pytest.fixture
def city_database(city: City, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setenv("LIFELINE_DATABASE_URL", city.database_url)
    return city


def test_the_load_of_a_position_is_that_of_the_rules_it_owns(city: City) -> None:
    with psycopg.connect(city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "INSERT INTO rules (id, kind, class, network, definition, digest) VALUES ('gas.seeded', 'safety', 'alarm', "
            '\'gas\', \'{"rationalization": {"owner": {"en": "Gas desk", "zh": "燃气值班"}}}\', \'d\')'
        )
    found = city.client.get("/api/v1/kpis/alarms").json()
    positions = [(p["name"], p["subject"], p["alarms"], p["verdict"]) for p in found["positions"]]
    assert positions == [(None, None, 8, "good"), ("Gas desk", "燃气值班", 2, "good")]
    for name in ("Gas desk", "燃气值班"):
        of_desk = city.client.get("/api/v1/kpis/alarms", params={"position": name}).json()
        assert [p["name"] for p in of_desk["networks"]] == ["gas"]


def test_a_changed_limit_is_what_is_judged_by(city_database: City) -> None:
    result = CliRunner().invoke(app, ["kpis", "--set", "level_mix.red=50", "--json"])
    assert result.exit_code == 0, result.output
    red = next(f for f in json.loads(result.output)["alarms"] if f["name"] == "level_red")
    assert (red["target"], red["verdict"]) == ("<= 50", "good")
    with connect(city_database.database_url, application="tests") as connection:
        changed = {limit.name: limit for limit in limits(connection)}["level_mix.red"]
        assert (changed.value, changed.preset, isinstance(changed.changed_at, datetime)) == (50, 1, True)
        for value in (0, 2.5, -1):
            with pytest.raises(ValueError, match=r"chattering\.count"):
                set_limit(connection, "chattering.count", value)
    for wrong in ("level_mix.pink=1", "level_mix.red=many", "chattering.count=0"):
        assert CliRunner().invoke(app, ["kpis", "--set", wrong]).exit_code == 2


def test_the_command_prints_every_figure_with_its_verdict(city_database: City) -> None:
    since = (city_database.seeded.now - timedelta(hours=12)).isoformat(timespec="seconds")
    result = CliRunner().invoke(app, ["kpis", "--since", since, "--network", "gas"], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    for title, _ in ALARM_NAMES.values():
        assert title in result.output
    for words in ("✗ bad", "✓ good", "gas.seeded device:gas-d1", "340104", "gas-a1", "3 to 5"):
        assert words in result.output
