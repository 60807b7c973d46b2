"""docs/kpis.md, the database and the code name the same KPIs, with the same limits."""

import re
from dataclasses import asdict
from pathlib import Path

from domain.kpi import Definitions
from domain.kpi_judgement import PRESETS
from domain.kpi_names import NAMES
from storage.database import connect
from storage.kpis import limits

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "kpis.md").read_text(encoding="utf-8")
_LIMIT = re.compile(r"^\| `([a-z_0-9]+\.[a-z_0-9]+)` \| (\S+) \| (\S+) \| (.+) \| (\w+) \|$", re.MULTILINE)
_FIGURES = re.compile(r"^\| ((?:`[a-z_0-9]+`(?:, )?)+) \|", re.MULTILINE)
#: What the pure functions count, by its name in the database.
_DEFINITIONS = {
    "busy_above": "peak.alarms",
    "flood_start": "flood.start",
    "flood_end": "flood.end",
    "chattering_count": "chattering.count",
    "chattering_window_s": "chattering.window",
    "fleeting_duration_s": "fleeting.duration",
    "fleeting_quiet_s": "fleeting.quiet",
    "stale_age_s": "stale.age",
}


def test_the_page_lists_every_limit_with_its_value_source_and_evidence(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        found = limits(connection)
    shown = {
        name: (float(value), unit, source, evidence) for name, value, unit, source, evidence in _LIMIT.findall(PAGE)
    }
    assert shown == {limit.name: (limit.value, limit.unit, limit.source, limit.evidence) for limit in found}
    assert all(limit.value == limit.preset for limit in found)


def test_the_page_explains_every_figure() -> None:
    named = {name for cell in _FIGURES.findall(PAGE) for name in re.findall(r"`([a-z_0-9]+)`", cell)}
    assert named == set(NAMES)


def test_every_limit_stands_beside_a_figure(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        names = {limit.name for limit in limits(connection)}
    above = PAGE[: PAGE.index("## The limits")]
    assert set(re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", above)) == names


def test_the_code_has_the_values_that_the_database_is_delivered_with(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        presets = {limit.name: limit.preset for limit in limits(connection)}
    assert {name: presets[name] for name in PRESETS} == PRESETS
    assert {field: presets[name] for field, name in _DEFINITIONS.items()} == asdict(Definitions())
    assert set(PRESETS) | set(_DEFINITIONS.values()) == set(presets)


def test_what_the_page_says_can_be_asked_exists() -> None:
    routes = (ROOT / "api" / "routes" / "kpis.py").read_text(encoding="utf-8")
    assert set(re.findall(r'@router\.get\("/(\w+)"', routes)) == {"alarms", "resilience", "limits"}
    for name in ("alarms", "resilience"):
        assert (ROOT / "dashboards" / "generated" / "zh" / f"{name}.json").is_file()
