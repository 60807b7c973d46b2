"""Rules that point to other rules: whether those exist, can be active where they are looked for, and make no circle."""

from collections.abc import Iterator, Mapping

from rules.condition import Absence
from rules.fused import Fused
from rules.rule import Cause, Rule

Place = tuple[str | int, ...]


def tangles(rule: Rule, rules: Mapping[str, Rule]) -> Iterator[tuple[Place, str]]:
    """What is wrong with the causes of one rule: the place below it, and the problem with its remedy."""
    for field in ("inhibited_by", "suppressed_while"):
        for number, cause in enumerate(getattr(rule, field)):
            place: Place = (field, number)
            other = rules.get(cause.rule)
            if other is None:
                yield (*place, "rule"), f"{field} names {cause.rule!r}, which is no rule: correct its id"
                continue
            circle = _circle(rule.id, cause.rule, rules)
            if circle:
                yield (*place, "rule"), f"{field} goes in a circle ({' -> '.join(circle)}): remove one of them"
            elif (wrong := _reach(rule, cause, other)) is not None:
                yield (*place, "on"), wrong


def _circle(start: str, first: str, rules: Mapping[str, Rule]) -> list[str] | None:
    """The way from a rule's cause back to the rule, if there is one."""
    ways = [[start, first]]
    seen = {first}
    while ways:
        way = ways.pop()
        if way[-1] == start:
            return way
        if way[-1] not in rules:
            continue
        at = rules[way[-1]]
        for cause in (*at.inhibited_by, *at.suppressed_while):
            if cause.rule == start or cause.rule not in seen:
                seen.add(cause.rule)
                ways.append([*way, cause.rule])
    return None


def _reach(rule: Rule, cause: Cause, other: Rule) -> str | None:
    """Whether the other rule can be active at such a place at all."""
    wide = {"area", "anywhere"}
    if cause.on not in wide and (rule.applies_to.each == "area" or other.applies_to.each == "area"):
        return f"{other.id} cannot be active on one {cause.on}, for areas are spoken of: write `on: area` or `anywhere`"
    if cause.on in {"datastream", "device"} and isinstance(other.condition, Fused):
        return f"{other.id} speaks of assets, not of a {cause.on}: write `on: asset`"
    if cause.on in {"datastream", "device"} and isinstance(rule.condition, Fused):
        return f"this rule speaks of assets, which are no {cause.on}: write `on: asset`"
    if cause.on == "datastream" and isinstance(other.condition, Absence) and other.applies_to.property is None:
        return f"{other.id} speaks of whole devices: write `on: device`"
    return None
