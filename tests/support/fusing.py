"""Fused rules over a few assets, and truths in seconds after a fixed instant, for tests."""

from collections.abc import Callable, Sequence
from datetime import timedelta, timezone
from typing import Any

from domain.subject import Watched, WatchedAsset
from rules.fusion import Facts, Fusion, evaluate, facts
from rules.rule import Rule
from rules.truth import Truth
from tests.support.rulebook import SECOND, T0, rule, stream

ZONE = timezone(timedelta(hours=8))


def leaf(name: str | None, **fields: object) -> dict[str, Any]:
    own: dict[str, Any] = {"evidence": "unverified"} | fields
    return own if name is None else {"property": name} | own


def fused(levels: dict[str, dict[str, Any]], *, scope: dict[str, Any], network: str = "gas", **delays: int) -> Rule:
    condition = {"fused": {k: {"when": v, "evidence": "unverified"} for k, v in levels.items()}} | delays
    return rule("f", condition=condition, **{"class": "warning"}, network=network, applies_to=scope)


def watch(*pairs: tuple[WatchedAsset, str]) -> tuple[Watched, ...]:
    """One device of one datastream for each pair of an asset and a property."""
    return tuple(
        stream(
            number,
            device=f"d{number:04}",
            property=name,
            asset=own.id,
            asset_kind=own.kind,
            network=own.network,
            area=own.area,
            tags=own.tags,
        )
        for number, (own, name) in enumerate(pairs)
    )


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def steps(*given: tuple[float, int], before: int = 0) -> Truth:
    return Truth.of(before, [(at(seconds), value) for seconds, value in given])


def by(truths: dict[str, Truth | Sequence[Truth]], fusion: Fusion) -> Callable[[str, int], Truth]:
    """The truths of leaves by their number: one for every member, or one for each."""
    members = {own.name: own.members for own in fusion.leaves}

    def truth_of(name: str, member: int) -> Truth:
        own = truths[name.partition("#")[2]]
        return own if isinstance(own, Truth) else own[members[name].index(member)]

    return truth_of


def story(
    fusion: Fusion, truths: dict[str, Truth | Sequence[Truth]], until: float = 86_400
) -> list[tuple[str, float, str]]:
    outcome = evaluate(fusion, by(truths, fusion), at(-1), at(until), ZONE)
    return [(t.event.value, (t.time - T0) / SECOND, fusion.level(t.rank).label) for t in outcome.transitions]


def why(fusion: Fusion, truths: dict[str, Truth | Sequence[Truth]], seconds: float) -> Facts:
    return facts(fusion, by(truths, fusion), at(seconds), ZONE)
