"""`lifeline rules check`, `list` and `show`: what they print, and with which exit status."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from commands.rules import app
from commands.rules_show import Sheet
from domain.errors import ConfigurationError
from rules.load import load, load_catalogue

RUN = CliRunner()


def test_the_shipped_catalogue_passes() -> None:
    done = RUN.invoke(app, ["check"])
    assert done.exit_code == 0
    assert f"{len(load())} rules can be used" in done.output


def test_check_as_json_counts_rules_and_problems() -> None:
    found = json.loads(RUN.invoke(app, ["check", "--json"]).stdout)
    assert found == {"rules": len(load()), "overrides": 0, "problems": []}


def test_check_adds_up() -> None:
    done = RUN.invoke(app, ["check"], env={"COLUMNS": "100"})
    rows = [re.findall(r"\d+", line) for line in done.output.splitlines() if re.match(r"│ \w+ ", line)]
    *networks, total = [[int(cell) for cell in row] for row in rows]
    assert [sum(column) for column in zip(*networks, strict=True)] == total
    assert total[0] == sum(total[1:4]) == len(load())


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


def test_list_names_every_rule_whole_at_a_hundred_columns() -> None:
    done = RUN.invoke(app, ["list"], env={"COLUMNS": "100"})
    assert max(len(line) for line in done.output.splitlines()) <= 100
    for rule in load():
        assert f" {rule.id} " in done.output
    assert "silent for 2 intervals + 5 s" in done.output


def test_list_of_one_network() -> None:
    rules = json.loads(RUN.invoke(app, ["list", "--network", "gas", "--json"]).stdout)
    assert {rule["network"] for rule in rules} == {"gas"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_show_tells_everything_about_every_shipped_rule(language: str) -> None:
    catalogue = load_catalogue()
    for rule in catalogue.rules:
        console = Console(width=300, record=True, file=io.StringIO())
        for panel in Sheet(language).panels(rule, catalogue, (), None):
            console.print(panel)
        said = rule.rationalization.operator_action
        assert (said.zh if language == "zh" else said.en)[:40] in console.export_text(), rule.id


def test_show_names_limits_evidence_and_units() -> None:
    done = RUN.invoke(app, ["show", "gas-methane-in-chamber"], env={"COLUMNS": "200"})
    assert "50 %LEL" in done.output
    assert "GB/T 50493" in done.output
    assert "hysteresis 2 %LEL" in done.output


def test_show_of_an_unknown_rule_suggests_the_nearest() -> None:
    done = RUN.invoke(app, ["show", "gas-methane-in-chamer"])
    assert isinstance(done.exception, ConfigurationError)
    assert done.exception.problems == ["did you mean gas-methane-in-chamber?"]


def test_copy_gives_a_catalogue_that_can_be_used_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    assert RUN.invoke(app, ["copy", str(folder)]).exit_code == 0
    assert load(folder) == load()
    assert (folder / "tests").is_dir()
    assert isinstance(RUN.invoke(app, ["copy", str(folder)]).exception, ConfigurationError)


@pytest.mark.parametrize("command", ["run", "check", "list", "show", "test", "backtest", "copy", "jobs"])
def test_every_command_shows_an_example(command: str) -> None:
    assert "Example:" in RUN.invoke(app, [command, "--help"]).output
