"""Whether a rule that is sound by itself fits the vocabulary: networks, properties with their units and ranges, links.

Every check yields the place below the rule and one line that says what is wrong and what to write instead.
"""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from domain.registry import RELATIONS, Property
from rules.condition import Position, Threshold
from rules.fused import All, Any_, Expression, Fused, InOrder, Leaf, Not, parts
from rules.grounds import Limit, Number
from rules.measure import Measure
from rules.rule import ANY_NETWORK, Rule

#: The network of rules about the platform itself; its properties begin with this and a dot.
PLATFORM = "platform"
Place = tuple[str | int, ...]
Misfit = tuple[Place, str]
#: A limit, the hysteresis, whether it is crossed upwards.
_Crossing = tuple[Number, float, bool]


def misfits(rule: Rule, known: Mapping[str, Property], networks: frozenset[str]) -> Iterator[Misfit]:
    """Everything of one rule that does not fit.

    Args:
        rule: The rule.
        known: The properties that may be named, by id.
        networks: The networks that may be named, beside `any` and `platform`.
    """
    networks |= {ANY_NETWORK, PLATFORM}
    if rule.network not in networks:
        yield ("network",), f"unknown network {rule.network!r}: use one of {', '.join(sorted(networks))}"
    condition = rule.condition
    if isinstance(condition, Fused):
        yield from _fused(rule, condition, known)
        return
    name = rule.applies_to.property
    if name is None:
        return
    item = known.get(name)
    if item is None:
        yield ("applies_to", "property"), _unknown(name, known)
        return
    network = PLATFORM if name.startswith(f"{PLATFORM}.") else item.network
    if network is not None and rule.network != network and rule.network in networks:
        yield (
            ("network",),
            f"property {item.id} belongs to network {network}, not {rule.network}: write network: {network}",
        )
    yield from _single(condition, item)


def _unknown(name: str, known: Mapping[str, Property]) -> str:
    close = get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]}?" if close else "add it to properties.csv of the registry, or correct it"
    return f"unknown property {name!r}: {remedy}"


def _single(condition: object, item: Property) -> Iterator[Misfit]:
    if isinstance(condition, Position) and item.type != "boolean":
        yield ("condition",), f"property {item.id} is a number: write `above` or `below` with limits"
    if not isinstance(condition, Threshold):
        return
    if (wrong := _measure(condition.measure, item)) is not None:
        place: Place = ("condition",) if condition.measure is None else ("condition", "measure")
        yield place, wrong
        return
    for name, own in condition.grounds.items():
        sides = (
            [("limit", own.limit, condition.above is not None)]
            if isinstance(own, Limit)
            else [("low", own.low, False), ("high", own.high, True)]
        )
        for side, limit, rising in sides:
            if (wrong := _reach((limit, condition.hysteresis, rising), condition.measure, item)) is not None:
                yield ("condition", condition.direction, name, side), wrong
    if condition.measure is not None and condition.measure.time_to is not None:
        yield from (
            (("condition", "measure", "time_to", *place), text) for place, text in _target(condition.measure, item)
        )


def _measure(measure: Measure | None, item: Property) -> str | None:
    """Whether what is measured makes sense of the property."""
    boolean = item.type == "boolean"
    if measure is None:
        return f"property {item.id} is true or false: write `is: true` or `is: false` with a level" if boolean else None
    if measure.edges and not boolean:
        return f"property {item.id} is a number and has no edges: measure its change or step"
    if boolean and not (measure.edges or measure.doubtful):
        return f"property {item.id} is true or false: only `edges` and `doubtful` can be measured of it"
    return None


def _span(measure: Measure | None, item: Property, *, rising: bool) -> tuple[float, float]:
    """Between which numbers what is measured can lie at all."""
    width = item.maximum - item.minimum
    if measure is None:
        return item.minimum, item.maximum
    if measure.change:
        return (0, width) if rising else (-width, 0)
    if measure.deviation:
        return (-math.inf, math.inf) if measure.deviation.relative else (-width, width)
    return (0, width) if measure.step else (0, math.inf)


def _reach(crossing: _Crossing, measure: Measure | None, item: Property) -> str | None:
    """Whether a limit, and the way back from it, can be reached."""
    limit, hysteresis, rising = crossing
    if not isinstance(limit, float):
        return None
    low, high = _span(measure, item, rising=rising)
    release = limit - hysteresis if rising else limit + hysteresis
    if measure is None:
        span = f"the range of {item.id} ({low:g} to {high:g} {item.unit})"
    else:
        span = f"what {measure.name} of {item.id} can be ({low:g} to {high:g} {measure.unit or item.unit})"
    if not low <= limit <= high:
        return f"{limit:g} lies outside {span}: write the limit in that unit"
    if not low <= release <= high:
        return (
            f"with a hysteresis of {hysteresis:g} it would end at {release:g}, outside {span}, so never: make the "
            "hysteresis smaller"
        )
    return None


def _target(measure: Measure, item: Property) -> Iterator[Misfit]:
    """Whether a value can get to where it is said to be on its way."""
    if measure.time_to and not item.minimum <= measure.time_to.limit <= item.maximum:
        span = f"the range of {item.id} ({item.minimum:g} to {item.maximum:g} {item.unit})"
        yield ("limit",), f"{measure.time_to.limit:g} lies outside {span}: write the limit in that unit"


def _fused(rule: Rule, condition: Fused, known: Mapping[str, Property]) -> Iterator[Misfit]:
    for name, level in condition.fused.items():
        for place, leaf in _placed(level.when, ("condition", "fused", name, "when")):
            for below, text in _leaf(leaf, rule, known):
                yield (*place, *below), text


def _placed(expression: Expression, place: Place) -> Iterator[tuple[Place, Leaf]]:
    """Every leaf, with where it stands."""
    if isinstance(expression, Leaf):
        yield place, expression
    elif isinstance(expression, Not):
        yield from _placed(expression.not_, (*place, "not"))
    elif isinstance(expression, InOrder):
        yield from _placed(expression.first, (*place, "first"))
        yield from _placed(expression.then, (*place, "then"))
    elif isinstance(expression, All | Any_):
        name = "all" if isinstance(expression, All) else "any"
        for number, part in enumerate(parts(expression)):
            yield from _placed(part, (*place, name, number))


def _leaf(leaf: Leaf, rule: Rule, known: Mapping[str, Property]) -> Iterator[Misfit]:
    yield from _where(leaf, rule)
    yield from _count(leaf)
    if leaf.property is None:
        return
    item = known.get(leaf.property)
    if item is None:
        yield ("property",), _unknown(leaf.property, known)
        return
    if leaf.absent is not None:
        return
    if leaf.position is not None:
        if item.type != "boolean":
            yield ("is",), f"property {item.id} is a number: write `above` or `below` with a limit"
        return
    if (wrong := _measure(leaf.measure, item)) is not None:
        yield (("measure",) if leaf.measure else ()), wrong.replace(" with a level", "")
        return
    for side, limit, rising in (("above", leaf.above, True), ("below", leaf.below, False)):
        if limit is not None and (wrong := _reach((limit, leaf.hysteresis, rising), leaf.measure, item)) is not None:
            yield (side,), wrong
    if leaf.measure is not None:
        yield from ((("measure", "time_to", *place), text) for place, text in _target(leaf.measure, item))


def _where(leaf: Leaf, rule: Rule) -> Iterator[Misfit]:
    where = leaf.where
    for relation in where.linked or ():
        if relation not in RELATIONS:
            yield ("where", "linked"), f"unknown relation {relation!r}: use one of {', '.join(RELATIONS)}"
    if where.linked is None and (where.hops != 1 or "direction" in where.model_fields_set):
        yield ("where",), "only `linked` has hops and a direction: remove them, or name the relations"
    if rule.applies_to.each == "area" and where.place is None:
        yield ("where",), "the rule speaks of areas, from which nothing is linked or distant: write `place: area`"


def _count(leaf: Leaf) -> Iterator[Misfit]:
    count = leaf.count
    if isinstance(count.fewer_than, float) and count.fewer_than <= 0:
        yield ("count", "fewer_than"), f"fewer than {count.fewer_than:g} is never true: write 1 or more"
    if count.at_least is not None and 1 < count.members < count.at_least:
        yield (
            ("count", "members"),
            f"{count.at_least} of them cannot meet it where only {count.members} are: leave members out",
        )
