"""The shipped scenarios: they fit both towns and the catalogue, the page tells them as they are, and they hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands.scenario_page import BEGIN, END, rows, tables
from commands.scenario_score import Score, Setting, score
from commands.simulate_score import LEAST_HELD, as_data, passed
from rules.load import load as load_rules
from simulators.scenario import load, shipped
from simulators.scenario_parts import Ban
from simulators.town.build import build
from simulators.town.ground import Scale

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
GENERATED = PAGE.partition(BEGIN)[2].partition(END)[0].removeprefix("\n")


#: A minute and a half on two free cores; many times that beside a whole suite.
long = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def found() -> list[Score]:
    return score(shipped(), Setting(), workers=2)


@pytest.mark.parametrize("scale", ["test", "town"])
def test_everything_that_scenarios_name_stands_in_the_town(scale: Scale) -> None:
    towns = {sample_s: build(scale, 1, sample_s=sample_s) for sample_s in {load(name).sample_s for name in shipped()}}
    for name in shipped():
        scenario = load(name)
        scenario.check(towns[scenario.sample_s])


def test_the_rules_that_scenarios_name_are_in_the_catalogue() -> None:
    known = {rule.id for rule in load_rules()}
    for name in shipped():
        for one in load(name).statements:
            named = {*one.rules, *one.except_} if isinstance(one, Ban) else set(one.rule)
            assert named <= known, name


def test_the_page_tells_every_scenario_and_every_statement() -> None:
    parts = GENERATED.split("\n### ")[1:]
    assert [part.partition("\n")[0] for part in parts] == list(shipped())
    for name, part in zip(shipped(), parts, strict=True):
        told = [line.split(" | ")[0].removeprefix("| ") for line in part.splitlines() if line.startswith("| ")]
        assert told[1:] == list(rows(load(name))), name


@long
@pytest.mark.long
def test_what_scenarios_state_holds(found: list[Score]) -> None:
    data = as_data(found, scale="test", seed=1)
    assert data["held"] >= LEAST_HELD * data["statements"], data["misses"]
    assert [miss for miss in data["misses"] if miss["explanation"] is None] == []
    assert passed(found)


@long
def test_no_rule_fails_on_any_scenario(found: list[Score]) -> None:
    assert [failure for own in found for failure in own.failures] == []
    assert all(own.stored > 10_000 for own in found)


@long
def test_the_table_on_the_page_is_what_came(found: list[Score]) -> None:
    assert tables(found) == GENERATED, "run: lifeline simulate score --all --markdown docs/scenarios.md"


def test_the_list_is_an_array_of_at_least_twenty() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lifeline", "simulate", "list", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = json.loads(done.stdout)
    assert [row["id"] for row in listed] == list(shipped())
    assert len(listed) >= 20
    assert all(row["must_rise"] + row["must_not_rise"] for row in listed)
