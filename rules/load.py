"""The catalogue: every YAML file of a folder, checked as a whole; all problems at once, with line and remedy."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.catalogue import NETWORKS, properties
from domain.errors import ConfigurationError
from domain.registry import Property
from rules.causes import tangles
from rules.faults import mistakes, place_of, sentence
from rules.fit import misfits
from rules.override import Override, merged, misfit
from rules.rule import Rule
from runtime.documents import Document, DocumentError

_SHIPPED_NETWORKS = tuple(network.id for network in NETWORKS)
SHIPPED = Path(__file__).parent / "catalogue"
#: The file of a catalogue's folder that changes rules for some assets.
OVERRIDES = "overrides.yaml"
Place = tuple[str | int, ...]
_T = TypeVar("_T", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """A whole folder, checked."""

    #: Ordered by id.
    rules: tuple[Rule, ...]
    #: In the order of the file: of several that fit an asset the later one wins.
    overrides: tuple[Override, ...]
    #: Of the bytes of all files: another one means that something was edited.
    digest: str


@dataclass(frozen=True, slots=True)
class _Written:
    """Where something stands."""

    document: Document
    place: Place

    def at(self, below: Place = ()) -> str:
        return self.document.at((*self.place, *below))


def load(
    folder: Path | None = None,
    *,
    known: Iterable[Property] | None = None,
    networks: Iterable[str] = _SHIPPED_NETWORKS,
) -> tuple[Rule, ...]:
    """The rules of a folder, ordered by id, without what overrides change; raises ConfigurationError as below."""
    return load_catalogue(folder, known=known, networks=networks).rules


def load_catalogue(
    folder: Path | None = None,
    *,
    known: Iterable[Property] | None = None,
    networks: Iterable[str] = _SHIPPED_NETWORKS,
) -> Catalogue:
    """The rules and overrides of a folder; raises ConfigurationError with every problem of every file.

    Args:
        folder: Where the `*.yaml` files lie; the shipped catalogue if None.
        known: The properties that rules may name; the shipped vocabulary if None.
        networks: The networks that rules may name, beside `any` and `platform`.
    """
    folder = SHIPPED if folder is None else folder
    by_id = {p.id: p for p in (properties() if known is None else known)}
    paths = sorted(folder.glob("*.yaml"))
    problems: list[str] = []
    if not any(path.name != OVERRIDES for path in paths):
        problems.append(f"{folder}: no rule files: put *.yaml files there, or set LIFELINE_RULES_DIR to their folder")
    written: list[tuple[_Written, Rule]] = []
    changes: list[tuple[_Written, Override]] = []
    for path in paths:
        try:
            document = Document(path)
        except DocumentError as exc:
            problems += exc.problems
            continue
        if path.name == OVERRIDES:
            changes += _entries(document, "overrides", Override, problems)
        else:
            _add(written, _entries(document, "rules", Rule, problems), problems)
    rules = {rule.id: rule for _, rule in written}
    allowed = frozenset(networks)
    for where, rule in written:
        found = [*misfits(rule, by_id, allowed), *tangles(rule, rules)]
        problems += [f"{where.at(place)}: rule {rule.id}: {text}" for place, text in found]
    problems += _change_problems(changes, rules, by_id, allowed)
    if problems:
        raise ConfigurationError("the rule catalogue cannot be used", sorted(problems, key=_position))
    return Catalogue(
        rules=tuple(rules[name] for name in sorted(rules)),
        overrides=tuple(own for _, own in changes),
        digest=digest(folder),
    )


def digest(folder: Path | None = None) -> str:
    """A number of the names and bytes of a folder's files, to see whether something was edited without reading it."""
    found = hashlib.sha256()
    for path in sorted((SHIPPED if folder is None else folder).glob("*.yaml")):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        found.update(f"{path.name} {len(data)}\n".encode() + data)
    return found.hexdigest()


def _position(problem: str) -> tuple[str, int]:
    """File and line, so that problems come in the order in which a person meets them."""
    file, _, rest = problem.partition(".yaml:")
    line = rest.partition(":")[0]
    return file, int(line) if line.isdigit() else 0


def _entries(document: Document, key: str, model: type[_T], problems: list[str]) -> Iterator[tuple[_Written, _T]]:
    """The entries of one file that are sound by themselves, with their place in it."""
    value = document.value
    if not isinstance(value, dict) or set(value) != {key} or not isinstance(value[key], list):
        what = "rule file" if key == "rules" else "file of overrides"
        problems.append(f"{document.at(())}: not a {what}: write `{key}:` and a list of {key} below it")
        return
    for number, entry in enumerate(value[key]):
        where = _Written(document, (key, number))
        try:
            yield where, model.model_validate(entry)
        except ValidationError as exc:
            name = _name(entry, key, number)
            for error in mistakes(exc):
                place = place_of(error, entry)
                problems.append(f"{where.at(place)}: {name}: {sentence(error, place, key.removesuffix('s'))}")


def _name(entry: object, key: str, number: int) -> str:
    given = entry if isinstance(entry, dict) else {}
    if key == "rules":
        return f"rule {given.get('id', f'number {number + 1}')}"
    return f"override {number + 1} of {given.get('rule', 'no rule')}"


def _add(written: list[tuple[_Written, Rule]], found: Iterable[tuple[_Written, Rule]], problems: list[str]) -> None:
    places = {rule.id: where.at() for where, rule in written}
    for where, rule in found:
        if rule.id in places:
            problems.append(f"{where.at()}: rule {rule.id} stands at {places[rule.id]} already: give it another id")
            continue
        places[rule.id] = where.at()
        written.append((where, rule))


def _change_problems(
    changes: list[tuple[_Written, Override]],
    rules: dict[str, Rule],
    known: dict[str, Property],
    networks: frozenset[str],
) -> list[str]:
    """What does not fit between overrides and their rules, alone and together."""
    problems = []
    sound: list[tuple[_Written, Override]] = []
    for where, own in changes:
        rule = rules.get(own.rule)
        if rule is None:
            problems.append(f"{where.at(('rule',))}: override of {own.rule}: no such rule: correct its id")
        elif (wrong := misfit(rule, own)) is not None:
            place = tuple(wrong[0].split("."))
            problems.append(f"{where.at(place)}: override of {own.rule}: {wrong[1]}")
        elif (text := _merge_problem(rule, (own,), known, networks)) is not None:
            problems.append(f"{where.at(('limits',))}: override of {own.rule}: {text}")
        else:
            sound.append((where, own))
    for (first, one), (second, other) in combinations(sound, 2):
        if one.rule == other.rule and one.where.meets(other.where):
            text = _merge_problem(rules[one.rule], (one, other), known, networks)
            if text is not None:
                problems.append(f"{second.at(('limits',))}: override of {other.rule}: with {first.at()}: {text}")
    return problems


def _merge_problem(
    rule: Rule, own: tuple[Override, ...], known: dict[str, Property], networks: frozenset[str]
) -> str | None:
    try:
        result = merged(rule, own)
    except ValidationError as exc:
        return str(exc.errors()[0]["msg"]).removeprefix("Value error, ")
    # What is wrong with the rule itself is said at the rule.
    before = {text for _, text in misfits(rule, known, networks)}
    return next((text for _, text in misfits(result, known, networks) if text not in before), None)
