"""How rules are written in a terminal, in a few words."""

from rules.condition import Absence, Position
from rules.fused import Fused, leaves
from rules.grounds import FromTag, Limit, Span
from rules.rule import Rule

#: The colours of the levels.
COLOURS = {"red": "red", "orange": "dark_orange", "yellow": "yellow", "blue": "blue"}


def evidence_of(rule: Rule) -> list[str]:
    """How far each limit of the rule can be trusted, leaves included."""
    found = [grounds.evidence for _, grounds in rule.grounds]
    if isinstance(rule.condition, Fused):
        found += [leaf.evidence for level in rule.condition.fused.values() for leaf in leaves(level.when)]
    return [str(word) for word in found]


def watched_by(rule: Rule) -> str:
    """What the rule watches, in a few words."""
    scope = rule.applies_to
    nothing = f"each {scope.each}" if isinstance(rule.condition, Fused) else "every device"
    parts = [scope.property or nothing]
    if scope.asset_kinds:
        parts.append("on " + ", ".join(scope.asset_kinds))
    parts += [f"{key}={value}" for key, value in scope.tags.items()]
    return " ".join(parts)


def condition_of(rule: Rule) -> str:
    """When the rule raises, in a few words."""
    condition = rule.condition
    if isinstance(condition, Absence):
        return f"silent for {condition.absence.factor:g} intervals + {condition.absence.grace_s} s"
    delay = f" for {condition.on_delay_s} s" if condition.on_delay_s else ""
    if isinstance(condition, Position):
        return f"is {str(condition.position).lower()}{delay}"
    if isinstance(condition, Fused):
        parts = [leaf.property or "silence" for level in condition.fused.values() for leaf in leaves(level.when)]
        return " with ".join(dict.fromkeys(parts)) + delay
    limits = " ".join(limit_in_words(limit) for _, limit in condition.ranked)
    measure = f"{condition.measure.name} " if condition.measure else ""
    return f"{measure}{condition.direction} {limits}{delay}"


def limit_in_words(limit: Limit | Span) -> str:
    """The number of a limit, or its two."""
    if isinstance(limit, Span):
        return f"{number_in_words(limit.low)}..{number_in_words(limit.high)}"
    return number_in_words(limit.limit)


def number_in_words(number: float | FromTag) -> str:
    """A number, or where on the asset it stands."""
    if not isinstance(number, FromTag):
        return f"{number:g}"
    times = "" if number.times == 1 else f"{number.times:g} x "
    plus = "" if not number.plus else f" {number.plus:+g}"
    return f"{times}{number.tag}{plus}"
