"""The loader: every problem at once, each with its file, its line and what to do."""

from pathlib import Path

import pytest
import yaml

from domain.errors import ConfigurationError
from rules.load import load
from tests.support.rulebook import RATIONALIZATION, words

GOOD = """\
rules:
  - id: methane
    kind: safety
    network: gas
    applies_to: {property: gas.ch4.chamber}
    condition:
      above:
        yellow: {limit: 20, evidence: unverified}
        red: {limit: 50, evidence: secondary, standard: GB/T 50493}
      hysteresis: 2
    title: {en: Methane, zh: 甲烷}
    text: {en: "{value} {unit} at {asset_en}", zh: "{asset_zh}浓度{value}{unit}"}
    rationalization:
      cause: {en: leak, zh: 泄漏}
      consequence: {en: fire, zh: 火灾}
      operator_action: {en: go, zh: 出动}
      response_time_s: 600
      owner: {en: desk, zh: 值班室}
"""


def problems(folder: Path, text: str = GOOD, name: str = "gas.yaml") -> list[str]:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_good_catalogue_loads(tmp_path: Path) -> None:
    (tmp_path / "gas.yaml").write_text(GOOD, encoding="utf-8")
    assert [rule.id for rule in load(tmp_path)] == ["methane"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    kind: safety\n", "", "gas.yaml:2: rule methane: kind: Field required: add it"),
        ("kind: safety", "kind: danger", "gas.yaml:3: rule methane: kind: "),
        (
            "kind: safety",
            "kind: safety\n    colour: red",
            "gas.yaml:4: rule methane: colour: Extra inputs are not permitted: no such field",
        ),
        ("network: gas", "network: gaz", "gas.yaml:4: rule methane: unknown network 'gaz': use one of any, drainage"),
        ("network: gas", "network: water", "gas.yaml:4: rule methane: property gas.ch4.chamber belongs to network gas"),
        (
            "gas.ch4.chamber",
            "gas.ch4.chambre",
            "gas.yaml:5: rule methane: unknown property 'gas.ch4.chambre': did you mean gas.ch4.chamber?",
        ),
        (
            "{property: gas.ch4.chamber}",
            "{}",
            "gas.yaml:2: rule methane: rule: applies_to names no property: name the property",
        ),
        (
            "limit: 20",
            "limit: 60",
            "gas.yaml:7: rule methane: condition: red (50) must lie above yellow (60): order the limits",
        ),
        (
            "limit: 50",
            "limit: 500",
            "gas.yaml:9: rule methane: 500 lies outside the range of gas.ch4.chamber (0 to 100 %{LEL}): write",
        ),
        (
            "hysteresis: 2",
            "hysteresis: 21",
            "gas.yaml:8: rule methane: with a hysteresis of 21 it would end at -1, outside the range",
        ),
        ("      hysteresis: 2\n", "", "gas.yaml:7: rule methane: condition.hysteresis: Field required: add it"),
        (
            "evidence: secondary, standard: GB/T 50493",
            "evidence: secondary",
            "gas.yaml:9: rule methane: condition.above.red: secondary evidence names no standard: add `standard`",
        ),
        (
            ", evidence: unverified",
            "",
            "gas.yaml:8: rule methane: condition.above.yellow.evidence: Field required: add it",
        ),
        ("limit: 20", "limit: many", "gas.yaml:8: rule methane: condition.above.yellow.limit: "),
        ("limit: 20", "limit: .nan", "gas.yaml:8: rule methane: condition.above.yellow.limit: "),
        (
            "zh: 甲烷",
            "zh: methane",
            "gas.yaml:11: rule methane: title.zh: holds no Chinese: write it in Simplified Chinese",
        ),
        (
            "at {asset_en}",
            "at {asset}",
            "gas.yaml:12: rule methane: text.en: unknown placeholder 'asset': use one of area, asset_en",
        ),
        ("at {asset_en}", "at {value.real}", "gas.yaml:12: rule methane: text.en: unknown placeholder 'value.real'"),
        ("at {asset_en}", "at {asset_en", "gas.yaml:12: rule methane: text.en: braces do not match"),
        (
            "      consequence: {en: fire, zh: 火灾}\n",
            "",
            "gas.yaml:14: rule methane: rationalization.consequence: Field required: add it",
        ),
        ("id: methane", "id: me/thane", "gas.yaml:2: rule me/thane: id: letters, digits"),
        ("rules:", "rule:", "gas.yaml:1: not a rule file: write `rules:` and a list of rules below it"),
        ("    network: gas", "   network: gas", "gas.yaml:"),
    ],
)
def test_every_mistake_is_named_with_line_and_remedy(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_rule_without_rationalization_is_refused(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("    rationalization")]
    assert problems(tmp_path, text) == ["gas.yaml:2: rule methane: rationalization: Field required: add it"]


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("kind: safety", "kind: x").replace("limit: 50", "limit: -1"), "utf-8")
    (tmp_path / "b.yaml").write_text("rules: [", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(GOOD.replace("gas.ch4.chamber", "nothing"), encoding="utf-8")
    found = problems(tmp_path, GOOD, "d.yaml")
    assert [problem.split(":")[0] for problem in found] == ["a.yaml", "a.yaml", "b.yaml", "c.yaml", "d.yaml"]
    assert found[-1] == "d.yaml:2: rule methane stands at c.yaml:2 already: give it another id"


def test_a_key_that_stands_twice_is_an_error_not_a_choice(tmp_path: Path) -> None:
    text = GOOD.replace("      hysteresis: 2\n", "      hysteresis: 2\n      hysteresis: 5\n")
    assert problems(tmp_path, text) == ["gas.yaml:11: the key 'hysteresis' stands here a second time: remove one"]


def test_a_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no rule files: put"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("property_", "condition", "expected"),
    [
        (
            "gas.valve.state",
            {"above": {"red": {"limit": 0.5, "evidence": "unverified"}}, "hysteresis": 0},
            "is true or false",
        ),
        ("gas.flow", {"is": True, "level": "red", "grounds": {"evidence": "unverified"}}, "is a number"),
        (
            "gas.flow",
            {"absence": {"factor": 0.5, "grace_s": 0, "level": "red", "grounds": {"evidence": "unverified"}}},
            "condition.absence.factor",
        ),
        ("gas.flow", {}, "condition.hysteresis"),
        ("gas.flow", {"hysteresis": 1}, "names neither `above`, `below` nor `outside`"),
        ("gas.flow", {"above": {}, "hysteresis": 1}, "condition.above"),
        (
            "gas.flow",
            {"above": {"purple": {"limit": 1, "evidence": "unverified"}}, "hysteresis": 1},
            "condition.above.purple",
        ),
        (
            "gas.flow",
            {
                "above": {"red": {"limit": 9, "evidence": "unverified"}},
                "below": {"red": {"limit": 1, "evidence": "unverified"}},
                "hysteresis": 1,
            },
            "make rules of their own",
        ),
    ],
)
def test_a_condition_must_fit_its_property(tmp_path: Path, property_: str, condition: object, expected: str) -> None:
    rule = {
        "id": "r",
        "kind": "safety",
        "network": "gas",
        "applies_to": {"property": property_},
        "condition": condition,
        "title": words("t"),
        "text": words("t"),
        "rationalization": RATIONALIZATION,
    }
    found = problems(tmp_path, yaml.safe_dump({"rules": [rule]}, allow_unicode=True, sort_keys=False))
    assert len(found) == 1
    assert expected in found[0]
