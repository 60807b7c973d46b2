"""Transitions as people and the database read them: texts in both languages, filled in when an alert is raised."""

from domain.alert import AlertEvent
from domain.exercise_mark import BANNER_EN, BANNER_ZH, exercise_of
from domain.transition import Account, AlertChange, Revision, RuleState
from domain.units import shown
from rules.condition import Absence, Position
from rules.fused import Fused
from rules.rule import ANY_NETWORK
from rules.step import Step, Transition
from storage.alerts import Commit


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def account(transition: Transition) -> Account:
    """What an alert says about this transition."""
    rule, watched = transition.rule, transition.watched
    silent = isinstance(rule.condition, Absence)
    fused = isinstance(rule.condition, Fused)
    first = transition.facts[0] if transition.facts else None
    unit = "s" if silent else first.unit if first is not None else watched.unit
    words = {
        "value": "" if isinstance(rule.condition, Position) else _number(transition.value),
        "unit": shown(unit),
        "threshold": f"{transition.threshold:.0f}" if silent else _number(transition.threshold),
        "asset_en": watched.asset_en.removeprefix(BANNER_EN),
        "asset_zh": watched.asset_zh.removeprefix(BANNER_ZH),
        "device": watched.device,
        "area": watched.area,
        "count": _number(transition.value) if fused else "1",
        "members_en": ", ".join(en.removeprefix(BANNER_EN) for en, _ in transition.members),
        "members_zh": "、".join(zh.removeprefix(BANNER_ZH) for _, zh in transition.members),
    }
    # Every text says once, and first of all, that it is an exercise.
    real = exercise_of(watched.area) is None
    banner_en, banner_zh = ("", "") if real else (BANNER_EN, BANNER_ZH)
    return Account(
        kind=rule.kind,
        class_=rule.class_,
        network=watched.network if rule.network == ANY_NETWORK else rule.network,
        area=watched.area,
        asset=watched.asset or None,
        device=watched.device or None,
        property=rule.applies_to.property,
        title_en=banner_en + rule.title.en.format_map(words),
        title_zh=banner_zh + rule.title.zh.format_map(words),
        text_en=banner_en + rule.text.en.format_map(words),
        text_zh=banner_zh + rule.text.zh.format_map(words),
        latching=rule.latching,
        facts=transition.facts,
    )


def change(transition: Transition) -> AlertChange:
    """A transition as it is written."""
    return AlertChange(
        rule=transition.rule.id,
        subject=transition.subject,
        event=transition.event,
        time=transition.time,
        level=transition.level,
        value=transition.value,
        threshold=transition.threshold,
        worse=transition.worse,
        account=None if transition.event is AlertEvent.CLEARED else account(transition),
    )


def commit_of(step: Step, positions: dict[str, int]) -> Commit:
    """A step as it is written."""
    standings = step.standings
    return Commit(
        revisions=tuple(
            Revision(
                rule=rewriting.rule.id,
                subject=rewriting.subject,
                since=rewriting.since,
                changes=tuple(map(change, rewriting.transitions)),
            )
            for rewriting in step.rewritings
        ),
        changes=tuple(change(transition) for transition in step.transitions),
        restraints=tuple(step.restraints),
        kept=tuple(standing for standing in standings.values() if standing is not None),
        dropped=tuple(key for key, standing in standings.items() if standing is None),
        positions=positions,
    )


def withdrawal(orphans: list[RuleState], now: int) -> Commit:
    """Ends what no rule watches any more: the rule or its subject was taken out while it was not normal."""
    return Commit(
        changes=tuple(
            AlertChange(
                rule=orphan.rule,
                subject=orphan.subject,
                event=AlertEvent.CLEARED,
                time=max(now, orphan.at),
                level=orphan.level,
                value=None,
                threshold=None,
                comment="withdrawn: the rule or its subject is no longer registered / 规则或对象已撤销",
            )
            for orphan in orphans
            if orphan.level is not None
        ),
        dropped=tuple((orphan.rule, orphan.subject) for orphan in orphans),
        positions={},
    )
