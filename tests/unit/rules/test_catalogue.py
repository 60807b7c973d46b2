"""The shipped catalogue: loads, covers the five networks, and says where every limit comes from."""

from domain.catalogue import NETWORKS, properties
from rules.condition import Absence, Threshold
from rules.fused import Fused
from rules.grounds import Limit
from rules.load import load
from rules.plan import build
from rules.wording import account
from tests.support.rulebook import evaluator, feed, stream, tick

RULES = load()


def test_every_network_has_at_least_two_rules() -> None:
    for network in NETWORKS:
        assert sum(1 for rule in RULES if rule.network == network.id) >= 2, network.id


def test_a_silent_device_is_noticed_on_every_network() -> None:
    silent = next(rule for rule in RULES if rule.id == "device-silent")
    assert isinstance(silent.condition, Absence)
    streams = [stream(n, network=network.id, device=network.id) for n, network in enumerate(NETWORKS, 1)]
    engine = evaluator([silent], streams)
    assert {t.watched.network for t in tick(engine, 10_000).transitions} == {network.id for network in NETWORKS}


def single(condition: Threshold) -> bool:
    """Whether it has one limit a level, and knows it without the asset."""
    return all(isinstance(own, Limit) and isinstance(own.limit, float) for own in condition.grounds.values())


def test_every_rule_fires_at_each_of_its_levels_and_clears() -> None:
    """Each rule on single values, by itself, on a datastream of its property, driven through its limits and back.

    The others are driven by their tests in YAML, as these are too.
    """
    known = {item.id: item for item in properties()}
    for rule in RULES:
        if isinstance(rule.condition, Absence | Fused) or getattr(rule.condition, "measure", None):
            continue
        if isinstance(rule.condition, Threshold) and not single(rule.condition):
            continue
        item = known[str(rule.applies_to.property)]
        kinds = rule.applies_to.asset_kinds or ("any",)
        one = stream(
            1,
            property=item.id,
            unit=item.unit,
            network=rule.network if rule.network != "any" else "gas",
            asset_kind=kinds[0],
            tags=rule.applies_to.tags,
            interval_s=7200,
        )
        own = build([rule], [one]).tracks[0][0]
        worst = item.maximum if own.up else item.minimum
        best = item.minimum if own.up else item.maximum
        engine = evaluator([rule], [one])
        seen = []
        at = 0.0
        for rank in range(1, len(own.levels) + 1):
            following = own.threshold(rank + 1, worst) if rank < len(own.levels) else worst
            value = (own.threshold(rank, worst) + following) / 2 if isinstance(rule.condition, Threshold) else worst
            for _ in range(2):
                seen += feed(engine, (1, at, value, 0)).transitions
                at += 4000
        for _ in range(2):
            seen += feed(engine, (1, at, best, 0)).transitions
            at += 4000
        assert [t.event.value for t in seen] == ["raised", *["level_changed"] * (len(own.levels) - 1), "cleared"], (
            rule.id
        )
        assert [t.level for t in seen[:-1]] == list(own.levels), rule.id
        text = account(seen[0])
        for sentence in (text.title_en, text.title_zh, text.text_en, text.text_zh):
            assert "{" not in sentence
            assert "None" not in sentence


def test_texts_name_value_unit_limit_asset_and_device() -> None:
    rule = next(rule for rule in RULES if rule.id == "gas-methane-in-chamber")
    step = feed(evaluator([rule], [stream(1, device="G-7")]), (1, 0, 27.25, 0))
    text = account(step.transitions[0])
    assert text.title_en == "Methane in Well 1"
    assert text.text_en.startswith("27.25 %LEL of methane at Well 1 (limit 25 %LEL, device G-7).")
    assert text.text_zh.startswith("1号井甲烷浓度27.25%LEL\uff0c超过限值25%LEL\uff08设备G-7\uff09。")


def test_chinese_texts_use_chinese_punctuation() -> None:
    for rule in RULES:
        why = rule.rationalization
        for words in (rule.title, rule.text, why.cause, why.consequence, why.operator_action, why.owner):
            assert not set(words.zh) & set(",;()"), (rule.id, words.zh)
