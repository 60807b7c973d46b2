"""`lifeline rules test`: ticks, failures side by side, what is untested, and the exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.rules import app
from rules.load import SHIPPED

RUN = CliRunner()
PASSES = """
tests:
  - rule: gas-methane-in-chamber
    fires: [{name: up, feed: {gas.ch4.chamber: 0x10 12x5}, expect: [{at: 10m, raised: blue}]}]
    quiet: [{name: calm, feed: {gas.ch4.chamber: 0x10}}]
    clears:
      - name: up and down
        feed: {gas.ch4.chamber: 0x10 12x5 0x5}
        expect: [{at: 10m, raised: blue}, {at: 15m, cleared: blue}]
"""
ONLY = ["--rule", "gas-methane-in-chamber"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in SHIPPED.glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "gas.yaml").write_text(PASSES, encoding="utf-8")
    return tmp_path


def test_a_rule_that_passes_in_all_three_ways_ends_with_zero(folder: Path) -> None:
    done = RUN.invoke(app, ["test", str(folder), *ONLY])
    assert done.exit_code == 0, done.output
    assert done.output.count("✓") == 3
    assert "3 of 3 cases passed; 1 of 1 rules are tested in all three ways." in done.output


def test_rules_without_tests_are_named_and_end_with_one(folder: Path) -> None:
    done = RUN.invoke(app, ["test", str(folder)])
    assert done.exit_code == 1
    assert "device-silent has no test under fires, quiet, clears" in done.output


def test_a_failure_stands_side_by_side_with_the_series(folder: Path) -> None:
    (folder / "tests" / "gas.yaml").write_text(PASSES.replace("at: 15m", "at: 16m"), encoding="utf-8")
    done = RUN.invoke(app, ["test", str(folder), *ONLY])
    assert done.exit_code == 1
    assert "✗ gas-methane-in-chamber, clears: up and down" in done.output
    assert "▁▁▁▁▁▁▁▁▁▁█████▁▁▁▁▁" in done.output
    row = next(line for line in done.output.splitlines() if "16m cleared blue" in line)
    assert "15m cleared blue" in row


def test_json_says_the_same(folder: Path) -> None:
    data = json.loads(RUN.invoke(app, ["test", str(folder), *ONLY, "--json"]).stdout)
    assert (data["rules"], data["cases"], data["failed"], data["untested"]) == (1, 3, 0, {})
    assert data["results"][0] == {
        "rule": "gas-methane-in-chamber",
        "way": "fires",
        "case": "up",
        "passed": True,
        "fault": None,
        "expected": ["10m raised blue"],
        "got": ["10m raised blue"],
    }
