"""The catalogue: every YAML file of a folder, checked as a whole; all problems at once, with line and remedy."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.catalogue import NETWORKS, properties
from domain.errors import ConfigurationError
from domain.registry import Property
from rules.condition import Position, Threshold
from rules.grounds import FromTag, Limit
from rules.rule import ANY_NETWORK, Rule
from runtime.documents import Document, DocumentError

_SHIPPED_NETWORKS = tuple(network.id for network in NETWORKS)
SHIPPED = Path(__file__).parent / "catalogue"

#: What to do about each kind of problem that pydantic finds.
_REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "no such field: remove it, or correct its spelling",
    "string_type": "write a text",
    "float_type": "write a number",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "dict_type": "write a mapping",
    "tuple_type": "write a list",
    "string_too_short": "write a sentence",
    "too_short": "name at least one",
}


def load(
    folder: Path | None = None,
    *,
    known: Iterable[Property] | None = None,
    networks: Iterable[str] = _SHIPPED_NETWORKS,
) -> tuple[Rule, ...]:
    """The rules of a folder, ordered by id; raises ConfigurationError with every problem.

    Args:
        folder: Where the `*.yaml` files lie; the shipped catalogue if None.
        known: The properties that rules may name; the shipped vocabulary if None.
        networks: The networks that rules may name, beside `any`.
    """
    folder = SHIPPED if folder is None else folder
    by_id = {p.id: p for p in (properties() if known is None else known)}
    networks = frozenset(networks) | {ANY_NETWORK}
    paths = sorted(folder.glob("*.yaml"))
    problems: list[str] = []
    if not paths:
        problems.append(f"{folder}: no rule files: put *.yaml files there, or set LIFELINE_RULES_DIR to their folder")
    rules: dict[str, Rule] = {}
    places: dict[str, str] = {}
    for path in paths:
        try:
            document = Document(path)
        except DocumentError as exc:
            problems += exc.problems
            continue
        for place, rule in _rules(document, problems):
            here = document.at(place)
            if rule.id in places:
                problems.append(f"{here}: rule {rule.id} stands at {places[rule.id]} already: give it another id")
                continue
            places[rule.id] = here
            rules[rule.id] = rule
            problems += [
                f"{document.at((*place, *below))}: rule {rule.id}: {text}"
                for below, text in _misfits(rule, by_id, networks)
            ]
    if problems:
        raise ConfigurationError("the rule catalogue cannot be used", problems)
    return tuple(rules[name] for name in sorted(rules))


def _rules(document: Document, problems: list[str]) -> Iterator[tuple[tuple[str | int, ...], Rule]]:
    """The rules of one file that are sound by themselves, with their place in it."""
    value = document.value
    if not isinstance(value, dict) or set(value) != {"rules"} or not isinstance(value["rules"], list):
        problems.append(f"{document.at(())}: not a rule file: write `rules:` and a list of rules below it")
        return
    for number, entry in enumerate(value["rules"]):
        place: tuple[str | int, ...] = ("rules", number)
        try:
            yield place, Rule.model_validate(entry)
        except ValidationError as exc:
            name = entry.get("id", f"number {number + 1}") if isinstance(entry, dict) else f"number {number + 1}"
            problems += [_problem(document, place, str(name), error) for error in exc.errors(include_url=False)]


def _problem(document: Document, place: tuple[str | int, ...], name: str, error: Any) -> str:  # noqa: ANN401
    # The branch of the condition that was tried (threshold, position, absence) is no part of the document.
    steps = [step for step in error["loc"] if step not in {"threshold", "position"}]
    if steps[:2] == ["condition", "absence"] and steps[2:3] == ["absence"]:
        del steps[1]
    where = ".".join(str(step) for step in steps) or "rule"
    kind, text = error["type"], error["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(kind)
    if kind == "value_error":
        return f"{document.at((*place, *steps))}: rule {name}: {where}: {text}"
    return f"{document.at((*place, *steps))}: rule {name}: {where}: {text}: {remedy or 'correct it'}"


def _misfits(rule: Rule, known: dict[str, Property], networks: frozenset[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What does not fit the vocabulary: a place below the rule, and the problem with its remedy."""
    if rule.network not in networks:
        yield ("network",), f"unknown network {rule.network!r}: use one of {', '.join(sorted(networks))}"
    if rule.applies_to.property is None:
        return
    item = known.get(rule.applies_to.property)
    if item is None:
        yield (
            ("applies_to", "property"),
            f"unknown property {rule.applies_to.property!r}: {_suggestion(rule.applies_to.property, known)}",
        )
        return
    if item.network is not None and rule.network != item.network and rule.network in networks:
        yield (
            ("network",),
            f"property {item.id} belongs to network {item.network}, not {rule.network}: write network: {item.network}",
        )
    yield from _out_of_range(rule, item)


def _suggestion(name: str, known: dict[str, Property]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else "`lifeline rules check` knows those of properties.csv"


def _out_of_range(rule: Rule, item: Property) -> Iterator[tuple[tuple[str, ...], str]]:
    condition = rule.condition
    boolean = item.type == "boolean"
    if isinstance(condition, Position) and not boolean:
        yield ("condition",), f"property {item.id} is a number: write `above` or `below` with limits"
    if not isinstance(condition, Threshold):
        return
    if boolean:
        yield ("condition",), f"property {item.id} is true or false: write `is: true` or `is: false` with a level"
        return
    if condition.measure is not None:
        return
    span = f"{item.minimum:g} to {item.maximum:g} {item.unit}"
    for name, own in condition.grounds.items():
        sides = (
            [("limit", own.limit, condition.above is not None)]
            if isinstance(own, Limit)
            else [("low", own.low, False), ("high", own.high, True)]
        )
        for side, limit, rising in sides:
            place = ("condition", condition.direction, name, side)
            if isinstance(limit, FromTag):
                continue
            release = limit - condition.hysteresis if rising else limit + condition.hysteresis
            if not item.minimum <= limit <= item.maximum:
                yield place, f"{limit:g} lies outside the range of {item.id} ({span}): write the limit in that unit"
            elif not item.minimum <= release <= item.maximum:
                yield (
                    place,
                    (
                        f"with a hysteresis of {condition.hysteresis:g} it would end at {release:g}, outside the range "
                        f"of {item.id} ({span}), so never: make the hysteresis smaller"
                    ),
                )
