"""The shipped rules as a whole: enough of them, on every network, each tested and with its grounds, in good words."""

import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.catalogue import NETWORKS, properties
from rules import rulebook
from rules.condition import Absence, Position, Threshold
from rules.fused import Fused, leaves
from rules.grounds import Grounds, Words
from rules.load import SHIPPED, load, load_catalogue
from rules.override import applied
from rules.rule import Rule
from rules.trial import try_out

RULES = {rule.id: rule for rule in load()}
TESTS = {tests.rule: tests for tests in rulebook.load(SHIPPED, RULES.values())}
_HAN = re.compile(r"[\u4e00-\u9fff]")
#: What separates words and sentences in English; Chinese has signs of its own.
_ENGLISH_SIGNS = re.compile(r"[,;:?!()]|\.(?!\d)")


def grounds(rule: Rule) -> Iterator[Grounds]:
    """What every limit of a rule rests on."""
    yield from (own for _, own in rule.grounds)
    if isinstance(rule.condition, Fused):
        for level in rule.condition.fused.values():
            yield from leaves(level.when)


def words(rule: Rule) -> Iterator[Words]:
    why = rule.rationalization
    yield from (rule.title, rule.text, why.cause, why.consequence, why.operator_action, why.owner)


def names(rule: Rule) -> set[str]:
    """Every property that a rule names."""
    found = {rule.applies_to.property}
    if isinstance(rule.condition, Fused):
        found |= {leaf.property for level in rule.condition.fused.values() for leaf in leaves(level.when)}
    return {name for name in found if name}


def test_there_are_enough_rules_on_every_network() -> None:
    assert len(RULES) >= 60
    by_network = Counter(rule.network for rule in RULES.values())
    assert all(by_network[network.id] >= 10 for network in NETWORKS)
    assert by_network["platform"] >= 5
    assert {rule.kind.value for rule in RULES.values()} == {"safety", "resilience", "equipment"}


def test_all_twelve_chains_between_networks_are_there() -> None:
    chains = {int(found[1]) for name in RULES if (found := re.match(r"chain-h(\d+)-", name))}
    assert chains == set(range(1, 13))
    for name, rule in RULES.items():
        if name.startswith("chain-"):
            assert rule.class_ == "warning"


def test_every_rule_is_tested_in_all_three_ways() -> None:
    assert set(TESTS) == set(RULES)
    for name, tests in TESTS.items():
        assert all(getattr(tests, way) for way in rulebook.WAYS), name


def test_the_tests_of_a_rule_reach_every_level_that_it_has() -> None:
    for name, tests in TESTS.items():
        reached = {expected.named for _, case in tests.cases for expected in case.expect}
        assert reached == set(RULES[name].levels), name


@pytest.mark.parametrize("network", sorted({rule.network for rule in RULES.values()}))
def test_every_test_passes(network: str) -> None:
    failed = [
        f"{verdict.rule}, {verdict.way}: {verdict.case} {verdict.fault or ''}"
        for name, rule in RULES.items()
        if rule.network == network
        for verdict in try_out(RULES, TESTS[name])
        if not verdict.passed
    ]
    assert failed == []


def test_every_limit_says_what_it_rests_on() -> None:
    for rule in RULES.values():
        assert list(grounds(rule)), rule.id
        for own in grounds(rule):
            assert own.evidence in {"verified", "secondary", "unverified"}
            assert own.standard or own.note or isinstance(rule.condition, Fused), rule.id
        # What nobody has read is explained, never dressed up as a standard.
        for _, own in rule.grounds:
            assert own.evidence == "verified" or own.note, (rule.id, own)


def test_every_measure_of_the_language_is_used() -> None:
    used = set()
    for rule in RULES.values():
        condition = rule.condition
        if isinstance(condition, Threshold):
            used |= {condition.direction, condition.measure.name if condition.measure else "value"}
        elif isinstance(condition, Fused):
            used |= {
                leaf.measure.name for level in condition.fused.values() for leaf in leaves(level.when) if leaf.measure
            }
            used.add("fused")
        else:
            used.add(type(condition).__name__.lower())
    assert used >= {
        "above", "below", "outside", "value", "position", "absence", "fused",
        "change", "deviation", "unchanged", "step", "increase", "edges", "time_to", "doubtful",
    }  # fmt: skip


def test_every_property_that_is_named_is_in_the_catalogue_of_sensors() -> None:
    known = {item.id for item in properties()}
    assert {name for rule in RULES.values() for name in names(rule)} <= known


def test_every_sensor_has_a_usual_interval() -> None:
    assert all(item.interval_s and item.interval_s > 0 for item in properties())


def test_alarms_rest_on_one_datastream_and_warnings_on_several() -> None:
    for rule in RULES.values():
        single = isinstance(rule.condition, Threshold | Position | Absence)
        assert (rule.class_ == "alarm") is single, rule.id


def test_no_two_rules_have_one_title() -> None:
    for language in ("en", "zh"):
        titles = Counter(getattr(rule.title, language) for rule in RULES.values())
        assert [title for title, count in titles.items() if count > 1] == []


def test_chinese_is_written_with_chinese_signs_and_names_the_same_facts() -> None:
    for rule in RULES.values():
        for sentence in words(rule):
            assert _HAN.search(sentence.zh), rule.id
            bare = re.sub(r"\{\w+\}", "", sentence.zh)
            assert not _ENGLISH_SIGNS.search(bare), (rule.id, sentence.zh)
            assert not re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", sentence.zh), (rule.id, sentence.zh)
        for both in (rule.title, rule.text):
            assert placeholders(both.en) >= placeholders(both.zh) - {"asset_zh", "members_zh"}, rule.id


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_english_is_written_in_whole_sentences() -> None:
    for rule in RULES.values():
        why = rule.rationalization
        for sentence in (rule.text, why.cause, why.consequence, why.operator_action):
            assert sentence.en[0].isupper() or sentence.en[0] in "{`p", (rule.id, sentence.en)
            assert sentence.en.endswith((".", ".)")), (rule.id, sentence.en)
            assert sentence.zh.endswith("。"), (rule.id, sentence.zh)


OVERRIDES = """\
overrides:
  - rule: gas-methane-in-chamber
    where: {areas: ["5301"], tags: {ground: peat}}
    reason: "Peat gives off methane of its own; decided by the gas company on 2026-03-02."
    limits:
      blue: {limit: 15, evidence: unverified, note: three times what was seen in a year}
    hysteresis: 3
  - rule: manhole-cover-open
    where: {assets: [manhole-007]}
    reason: The manhole of the test site.
    enabled: false
"""


def test_a_site_changes_limits_without_copying_rules(tmp_path: Path) -> None:
    for path in SHIPPED.glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = load_catalogue(tmp_path)
    (tmp_path / "overrides.yaml").write_text(OVERRIDES, encoding="utf-8")
    after = load_catalogue(tmp_path)
    assert after.rules == before.rules
    assert after.digest != before.digest
    methane = RULES["gas-methane-in-chamber"]
    there = applied(methane, after.overrides, "w1", "valve_well", "530102", {"ground": "peat"})
    assert there is not None
    assert isinstance(there.condition, Threshold)
    assert [own.limit for _, own in there.condition.ranked if not hasattr(own, "low")] == [15, 20, 25, 50]
    assert there.condition.hysteresis == 3
    assert applied(methane, after.overrides, "w1", "valve_well", "530102", {}) == methane
    cover = RULES["manhole-cover-open"]
    assert applied(cover, after.overrides, "manhole-007", "manhole", "530102", {}) is None
    assert applied(cover, after.overrides, "manhole-008", "manhole", "530102", {}) == cover
