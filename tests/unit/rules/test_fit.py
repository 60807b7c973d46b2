"""Rules against the vocabulary, against each other and against overrides: each misfit with its line and a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import ConfigurationError
from rules.load import digest, load_catalogue
from rules.override import applied
from tests.support.rulebook import RATIONALIZATION, words

UNVERIFIED = {"evidence": "unverified"}


def entry(condition: dict[str, Any], identifier: str = "r", **fields: object) -> dict[str, Any]:
    return {
        "id": identifier,
        "kind": "safety",
        "network": "gas",
        "applies_to": {"property": "gas.flow"},
        "condition": condition,
        "title": words(f"title of {identifier}"),
        "text": words("t"),
        "rationalization": RATIONALIZATION,
    } | fields


def above(limit: object, measure: dict[str, Any] | None = None, **fields: object) -> dict[str, Any]:
    extra = {"measure": measure} if measure else {}
    return {"above": {"yellow": {"limit": limit, **UNVERIFIED}}, "hysteresis": 0} | extra | fields


def below(limit: object, measure: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"below": {"yellow": {"limit": limit, **UNVERIFIED}}, "hysteresis": 0, "measure": measure} | fields


def fused(when: dict[str, Any], identifier: str = "r", **fields: object) -> dict[str, Any]:
    condition = {"fused": {"orange": {"when": when, **UNVERIFIED}}}
    return entry(condition, identifier, **({"class": "warning", "applies_to": {}} | fields))


def leaf(**fields: object) -> dict[str, Any]:
    return {"property": "gas.flow", "above": 5} | UNVERIFIED | fields


def write(folder: Path, *rules: dict[str, Any], overrides: list[dict[str, Any]] | None = None) -> None:
    (folder / "r.yaml").write_text(yaml.safe_dump({"rules": list(rules)}, allow_unicode=True, sort_keys=False), "utf-8")
    if overrides is not None:
        text = yaml.safe_dump({"overrides": overrides}, allow_unicode=True, sort_keys=False)
        (folder / "overrides.yaml").write_text(text, "utf-8")


def problems(folder: Path, *rules: dict[str, Any], overrides: list[dict[str, Any]] | None = None) -> list[str]:
    write(folder, *rules, overrides=overrides)
    with pytest.raises(ConfigurationError) as caught:
        load_catalogue(folder)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


CHANGE = {"change": {"window_s": 600}}
TIME_TO = {"time_to": {"limit": 5, "rising": True, "window_s": 60}}
LEVEL: dict[str, Any] = {"network": "water", "applies_to": {"property": "water.tank.level"}}
SWITCH: dict[str, Any] = {"applies_to": {"property": "gas.valve.state"}}


@pytest.mark.parametrize(
    "rule",
    [
        entry(above(100, CHANGE)),
        entry(below(-100, CHANGE)),
        entry(above({"tag": "rated", "times": 1.1}, CHANGE)),
        entry(above(0.3, {"deviation": {"relative": True}})),
        entry(above(3600, {"unchanged": {"tolerance": 0}})),
        entry(above(3, {"doubtful": {"window_s": 3600}})),
        entry(above(3, {"edges": {"to": True, "window_s": 3600}}), **SWITCH),
        entry(below(1800, TIME_TO, hysteresis=60), **LEVEL),
        fused({"all": [leaf(), {"not": leaf(above=9)}, {"hours": "22:00-05:00"}]}),
        fused(
            leaf(where={"linked": ["feeds"], "direction": "from", "hops": 3}, count={"share_above": 0.5, "members": 3})
        ),
        fused(leaf(property="gas.valve.state", above=None, **{"is": False})),
    ],
)
def test_what_makes_sense_is_accepted(tmp_path: Path, rule: dict[str, Any]) -> None:
    condition = rule["condition"]
    if "fused" in condition and "above" in (when := condition["fused"]["orange"]["when"]) and when["above"] is None:
        del when["above"]
    write(tmp_path, rule)
    assert len(load_catalogue(tmp_path).rules) == 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (entry(above(-5, CHANGE)), "-5 lies outside what change of gas.flow can be (0 to 20000 m3/h)"),
        (entry(below(5, CHANGE)), "5 lies outside what change of gas.flow can be (-20000 to 0 m3/h)"),
        (entry(above(5, CHANGE, hysteresis=6)), "with a hysteresis of 6 it would end at -1, outside what change of"),
        (entry(above(30000, {"step": {}})), "30000 lies outside what step of gas.flow can be"),
        (entry(above(-1, {"unchanged": {"tolerance": 0}})), "(0 to inf s): write the limit in that unit"),
        (entry(above(3, {"edges": {"to": True, "window_s": 9}})), "gas.flow is a number and has no edges: measure its"),
        (entry(above(3, CHANGE), **SWITCH), "only `edges` and `doubtful` can be measured of it"),
        (
            entry(below(60, {"time_to": {"limit": 50, "rising": True, "window_s": 60}}), **LEVEL),
            "50 lies outside the range of water.tank.level (0 to 10 m)",
        ),
        (entry(above(5, {"change": {"window_s": 9}, "step": {}})), "name exactly one measure"),
        (entry(above(5, {"change": {"window_s": 0}})), "condition.measure.change.window_s: "),
        (entry(above({"tag": "x", "times": "many"})), "condition.above.yellow.limit.times: "),
        (entry(above({"times": 2})), "condition.above.yellow.limit.tag: Field required: add it"),
        (fused(leaf(property="gas.flew")), "unknown property 'gas.flew': did you mean gas.flow?"),
        (fused(leaf(above=30000)), "30000 lies outside the range of gas.flow (0 to 20000 m3/h)"),
        (fused(leaf(hysteresis=6)), "with a hysteresis of 6 it would end at -1"),
        (fused(leaf(property="gas.valve.state")), "property gas.valve.state is true or false: write `is: true`"),
        (fused({"property": "gas.flow", "is": True, **UNVERIFIED}), "property gas.flow is a number: write `above`"),
        (fused(leaf(where={"linked": ["feed"]})), "unknown relation 'feed': use one of feeds, drains_to"),
        (fused(leaf(where={"within_m": 50, "hops": 2})), "only `linked` has hops and a direction"),
        (fused(leaf(where={"within_m": 50, "place": "area"})), "name exactly one of place, linked, within_m, not 2"),
        (fused(leaf(where={"within_m": 50}), applies_to={"each": "area"}), "from which nothing is linked or distant"),
        (fused(leaf(count={"fewer_than": 0})), "fewer than 0 is never true: write 1 or more"),
        (fused(leaf(count={"at_least": 5, "members": 3, "known": 0.5})), "5 of them cannot meet it where only 3 are"),
        (fused(leaf(count={"at_least": 1, "share_above": 0.5})), "name exactly one of at_least, fewer_than"),
        (fused({"all": [leaf(), {"property": "gas.flow", **UNVERIFIED}]}), "when.all.1: name exactly one of above"),
        (fused({"not": {"not": leaf(evidence="guess")}}), "when.not.not.evidence: Input should be"),
        (fused({"any": [{"hours": "25:00-05:00"}]}), 'when.any.0.hours: not a stretch of the day: write it like "22'),
        (fused({"first": leaf(), "then": leaf(above=6)}), "`first` and `then` need a time: add within_s"),
        (fused(leaf(), **{"class": "alarm"}), "fused from several datastreams: write `class: warning`"),
    ],
)
def test_what_does_not_is_one_line_with_a_remedy(tmp_path: Path, rule: dict[str, Any], expected: str) -> None:
    found = problems(tmp_path, rule)
    assert len(found) == 1, found
    assert expected in found[0]
    assert found[0].startswith("r.yaml:")


def test_a_misfit_of_a_leaf_names_the_line_of_the_leaf(tmp_path: Path) -> None:
    rule = fused({"all": [leaf(), {"any": [leaf(), leaf(above=-1)]}]})
    found = problems(tmp_path, rule)
    lines = (tmp_path / "r.yaml").read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.strip() == "above: -1")
    assert found[0].startswith(f"r.yaml:{line}: rule r: -1 lies outside")


def test_platform_rules_stand_on_the_platform_and_nowhere_else(tmp_path: Path) -> None:
    vital = {"property": "platform.ingest.lag_s"}
    write(tmp_path, entry(above(60), network="platform", applies_to=vital))
    assert load_catalogue(tmp_path).rules[0].network == "platform"
    (found,) = problems(tmp_path, entry(above(60), network="any", applies_to=vital))
    assert "belongs to network platform, not any: write network: platform" in found


def test_causes_must_exist_be_reachable_and_make_no_circle(tmp_path: Path) -> None:
    def caused(identifier: str, cause: str, on: str, **fields: object) -> dict[str, Any]:
        return entry(above(5), identifier, inhibited_by=[{"rule": cause, "on": on}], **fields)

    areal = fused(leaf(where={"place": "area"}), "areal", applies_to={"each": "area"})
    found = problems(
        tmp_path,
        areal,
        fused(leaf(), "wide"),
        caused("a", "b", "asset"),
        caused("b", "c", "asset"),
        caused("c", "a", "asset"),
        caused("lost", "nobody", "asset"),
        caused("near", "areal", "asset"),
        caused("narrow", "wide", "device"),
        caused("right", "areal", "area"),
    )
    texts = [text.split(": ", 1)[1] for text in found]
    assert texts == [
        "rule a: inhibited_by goes in a circle (a -> b -> c -> a): remove one of them",
        "rule b: inhibited_by goes in a circle (b -> c -> a -> b): remove one of them",
        "rule c: inhibited_by goes in a circle (c -> a -> b -> c): remove one of them",
        "rule lost: inhibited_by names 'nobody', which is no rule: correct its id",
        "rule near: areal cannot be active on one asset, for areas are spoken of: write `on: area` or `anywhere`",
        "rule narrow: wide speaks of assets, not of a device: write `on: asset`",
    ]


TWO = {
    "above": {"yellow": {"limit": 20, **UNVERIFIED}, "red": {"limit": 50, **UNVERIFIED}},
    "hysteresis": 2,
}
BAND = {"outside": {"yellow": {"low": 10, "high": 90, **UNVERIFIED}}, "hysteresis": 1}


def test_every_mistake_of_overrides_comes_at_once(tmp_path: Path) -> None:
    somewhere = {"areas": ["5301"]}
    found = problems(
        tmp_path,
        entry(TWO, "two"),
        entry(BAND, "band"),
        fused(leaf(), "wide"),
        overrides=[
            {"rule": "tow", "where": somewhere, "reason": "r", "enabled": False},
            {"rule": "two", "where": {}, "reason": "r", "enabled": False},
            {"rule": "two", "where": somewhere, "reason": "r"},
            {"rule": "two", "where": somewhere, "enabled": False},
            {"rule": "two", "where": somewhere, "reason": "r", "limits": {"yellow": {"limit": 60, **UNVERIFIED}}},
            {"rule": "two", "where": somewhere, "reason": "r", "limits": {"yellow": {"limit": -5, **UNVERIFIED}}},
            {"rule": "two", "where": somewhere, "reason": "r", "limits": {"red": {"low": 1, "high": 2, **UNVERIFIED}}},
            {"rule": "band", "where": somewhere, "reason": "r", "limits": {"yellow": {"limit": 5, **UNVERIFIED}}},
            {"rule": "wide", "where": somewhere, "reason": "r", "hysteresis": 3},
            {"rule": "two", "where": somewhere, "reason": "r", "limits": {"yellow": {"limit": 40, **UNVERIFIED}}},
            {"rule": "two", "where": {"assets": ["a"]}, "reason": "r", "limits": {"red": {"limit": 30, **UNVERIFIED}}},
        ],
    )
    assert all(text.startswith("overrides.yaml:") for text in found)
    texts = [text.split(": ", 1)[1] for text in found]
    wanted = [
        "override of tow: no such rule: correct its id",
        "override 2 of two: where: names no assets",
        "override 3 of two: override: changes nothing",
        "override 4 of two: reason: Field required: add it",
        "override of two: red (50) must lie above yellow (60)",
        "override of two: -5 lies outside the range of gas.flow",
        "override of two: two judges `above`: give limit",
        "override of band: band judges `outside`: give low and high",
        "override of wide: wide has no limits to change",
        "override of two: with ",
    ]
    assert len(texts) == len(wanted)
    for text, beginning in zip(texts, wanted, strict=True):
        assert text.startswith(beginning), text
    assert "red (30) must lie above yellow (40)" in texts[-1]


def test_overrides_of_different_places_need_not_agree(tmp_path: Path) -> None:
    write(
        tmp_path,
        entry(TWO, "two"),
        overrides=[
            {
                "rule": "two",
                "where": {"areas": ["5301"]},
                "reason": "r",
                "limits": {"yellow": {"limit": 40, **UNVERIFIED}},
            },
            {
                "rule": "two",
                "where": {"areas": ["5302"]},
                "reason": "r",
                "limits": {"red": {"limit": 30, **UNVERIFIED}},
            },
        ],
    )
    assert len(load_catalogue(tmp_path).overrides) == 2


def test_the_later_override_wins_field_by_field(tmp_path: Path) -> None:
    write(
        tmp_path,
        entry(TWO, "two"),
        overrides=[
            {"rule": "two", "where": {"areas": ["5301"]}, "reason": "r", "hysteresis": 5, "on_delay_s": 60},
            {"rule": "two", "where": {"asset_kinds": ["well"]}, "reason": "r", "hysteresis": 7},
            {"rule": "two", "where": {"assets": ["w9"]}, "reason": "r", "enabled": False},
        ],
    )
    found = load_catalogue(tmp_path)
    (rule,) = found.rules

    def there(asset: str, kind: str, area: str) -> tuple[float, int] | None:
        own = applied(rule, found.overrides, asset, kind, area, {})
        return None if own is None else (own.condition.hysteresis, own.condition.on_delay_s)  # type: ignore[union-attr]

    assert there("w1", "well", "530102") == (7, 60)
    assert there("w1", "station", "530102") == (5, 60)
    assert there("w1", "well", "110101") == (7, 0)
    assert there("w1", "station", "110101") == (2, 0)
    assert there("w9", "well", "530102") is None


def test_the_digest_changes_with_any_byte_of_any_file(tmp_path: Path) -> None:
    write(tmp_path, entry(TWO, "two"))
    first = digest(tmp_path)
    assert load_catalogue(tmp_path).digest == first
    (tmp_path / "overrides.yaml").write_text("overrides: []\n", "utf-8")
    second = digest(tmp_path)
    with (tmp_path / "r.yaml").open("a", encoding="utf-8") as file:
        file.write("# decided in March\n")
    assert len({first, second, digest(tmp_path)}) == 3


def test_on_and_off_are_words(tmp_path: Path) -> None:
    """`on` is a key of causes; in YAML of old it is the truth."""
    write(tmp_path, entry(TWO, "two"), entry(TWO, "other", inhibited_by=[{"rule": "two", "on": "asset"}]))
    text = (tmp_path / "r.yaml").read_text("utf-8")
    (tmp_path / "r.yaml").write_text(text.replace("'on':", "on:"), "utf-8")
    assert load_catalogue(tmp_path).rules[0].inhibited_by[0].on == "asset"
