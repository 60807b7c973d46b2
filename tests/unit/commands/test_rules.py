"""`lifeline rules check` and `list`: what they print, and with which exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.rules import app
from domain.errors import ConfigurationError
from rules.load import load

RUN = CliRunner()


def test_the_shipped_catalogue_passes() -> None:
    done = RUN.invoke(app, ["check"])
    assert done.exit_code == 0
    assert f"{len(load())} rules can be used" in done.output


def test_check_as_json_counts_rules_and_problems() -> None:
    assert json.loads(RUN.invoke(app, ["check", "--json"]).stdout) == {"rules": len(load()), "problems": []}


def test_a_bad_catalogue_ends_with_two_and_every_problem(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules:\n  - id: x\n  - id: y\n", encoding="utf-8")
    done = RUN.invoke(app, ["check", str(tmp_path), "--json"])
    assert done.exit_code == 2
    problems = json.loads(done.stdout)["problems"]
    assert any("bad.yaml:2: rule x: rationalization" in problem for problem in problems)
    assert any("bad.yaml:3: rule y: rationalization" in problem for problem in problems)


def test_a_bad_catalogue_is_a_configuration_error_for_people(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["check", str(tmp_path)])
    assert isinstance(done.exception, ConfigurationError)


def test_list_as_json_is_an_array_of_whole_rules() -> None:
    rules = json.loads(RUN.invoke(app, ["list", "--json"]).stdout)
    assert isinstance(rules, list)
    assert len(rules) == len(load())
    methane = next(rule for rule in rules if rule["id"] == "gas-methane-in-chamber")
    assert methane["levels"] == ["red", "orange", "yellow", "blue"]
    assert methane["condition"]["above"]["red"]["limit"] == 50
    assert methane["rationalization"]["response_time_s"] == 900


def test_list_as_a_table_says_when_each_rule_fires() -> None:
    done = RUN.invoke(app, ["list"], terminal_width=400, env={"COLUMNS": "400"})
    assert "silent for 2 intervals + 5 s" in done.output
    assert "below 0.2 0.14 0.1 0.05" in done.output


@pytest.mark.parametrize("command", ["run", "check", "list"])
def test_every_command_shows_an_example(command: str) -> None:
    assert "Example:" in RUN.invoke(app, [command, "--help"]).output
