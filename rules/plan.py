"""Rules laid over the registry: for each datastream its tracks and its quiet band, for each silence rule its subjects.

Datastreams are numbered densely from 0, the devices one after the other, so that everything about them lies in arrays.
Datastreams that the same rules watch share one tuple of tracks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from domain.catalogue import properties
from domain.subject import Watched
from rules.condition import Absence, Position, Threshold
from rules.fused import Fused, Leaf
from rules.fusion import Fusion, lay
from rules.measure import Measure
from rules.override import Override, applied
from rules.rule import ANY_NETWORK, Rule
from rules.silence import SilencePlan, for_leaf, for_rule
from rules.surroundings import Surroundings
from rules.track import Track, leaf_track, track

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The datastreams on which one measure is judged, and between which scores nothing happens while all is normal."""

    measure: Measure
    numbers: NDArray[np.intp]
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that is known before any observation comes."""

    rules: dict[str, Rule]
    watched: tuple[Watched, ...]
    #: Dense number by datastream id; -1 where no datastream is.
    lookup: NDArray[np.int32]
    tracks: tuple[tuple[Track, ...], ...]
    #: While everything is normal, a value in [low, high] changes nothing of what judges values themselves.
    low: Floats
    high: Floats
    measured: tuple[Measured, ...]
    silences: tuple[SilencePlan, ...]
    fusions: tuple[Fusion, ...]
    surroundings: Surroundings

    def index(self, datastreams: NDArray[np.int32]) -> NDArray[np.intp]:
        """Dense numbers of datastream ids; -1 for an unknown one."""
        if len(datastreams) and (datastreams.max() >= len(self.lookup) or datastreams.min() < 0):
            inside = (datastreams >= 0) & (datastreams < len(self.lookup))
            return np.where(inside, self.lookup.take(datastreams, mode="clip"), -1).astype(np.intp)
        return self.lookup.take(datastreams).astype(np.intp)


def _applies(rule: Rule, watched: Watched, shared: frozenset[str]) -> bool:
    scope = rule.applies_to
    if scope.property is not None and scope.property != watched.property:
        return False
    # A property of one network says enough; a shared one (a battery) must stand on an asset of the rule's network.
    by_network = scope.property is None or scope.property in shared
    if by_network and rule.network not in {ANY_NETWORK, watched.network}:
        return False
    if scope.asset_kinds is not None and watched.asset_kind not in scope.asset_kinds:
        return False
    return all(watched.tags.get(key) == value for key, value in scope.tags.items())


def build(
    rules: Iterable[Rule],
    watched: Iterable[Watched],
    *,
    surroundings: Surroundings | None = None,
    shared: frozenset[str] | None = None,
    overrides: Sequence[Override] = (),
) -> Plan:
    """Lays rules over datastreams.

    Args:
        rules: The catalogue; rules that are not enabled are left out.
        watched: Every registered datastream.
        surroundings: Where the assets stand and how they are linked; fused rules look around in it.
        shared: Properties that belong to no single network; default: those of the shipped vocabulary.
        overrides: What the site changes.
    """
    by_id = {rule.id: rule for rule in rules if rule.enabled}
    if shared is None:
        shared = frozenset(p.id for p in properties() if p.network is None)
    surroundings = surroundings or Surroundings((), ())
    ordered = tuple(sorted(watched, key=lambda w: (w.device, w.datastream)))
    lookup = np.full(max((w.datastream for w in ordered), default=0) + 1, -1, dtype=np.int32)
    for number, item in enumerate(ordered):
        lookup[item.datastream] = number
    local = _Local(by_id.values(), shared, overrides)
    fusions = lay([rule for rule in by_id.values() if isinstance(rule.condition, Fused)], ordered, surroundings)
    members = _members(fusions)
    tracks = [
        own + tuple(_leaf_tracks(members.get(number, {}), item))
        for number, (item, own) in enumerate(zip(ordered, map(local.tracks, ordered), strict=True))
    ]
    silences = [
        for_rule(rule, ordered, partial(local.rule_on, rule))
        for rule in by_id.values()
        if isinstance(rule.condition, Absence)
    ]
    silences += for_leaf(fusions, ordered)
    return Plan(
        rules=by_id,
        watched=ordered,
        lookup=lookup,
        tracks=tuple(tracks),
        low=np.array([_band(own, None)[0] for own in tracks], dtype=np.float64),
        high=np.array([_band(own, None)[1] for own in tracks], dtype=np.float64),
        measured=_measured(tracks),
        silences=tuple(silences),
        fusions=fusions,
        surroundings=surroundings,
    )


class _Local:
    """Rules as they are on one datastream: scope, overrides and tags decide; equal datastreams share the outcome."""

    def __init__(self, rules: Iterable[Rule], shared: frozenset[str], overrides: Sequence[Override]) -> None:
        self._rules = [rule for rule in rules if isinstance(rule.condition, Threshold | Position)]
        self._shared = shared
        self._overrides: dict[str, list[Override]] = {}
        for override in overrides:
            self._overrides.setdefault(override.rule, []).append(override)
        self._assets = frozenset(asset for override in overrides for asset in override.where.assets or ())
        self._areas = bool(overrides)
        self._interned: dict[tuple[object, ...], tuple[Track, ...]] = {}

    def rule_on(self, rule: Rule, item: Watched) -> Rule | None:
        """The rule as it is there; None if it does not apply."""
        if not _applies(rule, item, self._shared):
            return None
        own = self._overrides.get(rule.id)
        return applied(rule, own, item.asset, item.asset_kind, item.area, item.tags) if own else rule

    def tracks(self, item: Watched) -> tuple[Track, ...]:
        """Every threshold and position rule there."""
        key = (
            item.property,
            item.network,
            item.asset_kind,
            item.interval_s,
            tuple(sorted(item.tags.items())),
            item.asset if item.asset in self._assets else None,
            item.area if self._areas else None,
        )
        if key not in self._interned:
            found = (self.rule_on(rule, item) for rule in self._rules)
            made = (track(rule, item.interval_s, item.tags) for rule in found if rule is not None)
            self._interned[key] = tuple(one for one in made if one is not None)
        return self._interned[key]


def _members(fusions: Iterable[Fusion]) -> dict[int, dict[str, Leaf]]:
    """The leaves that judge values, by the datastreams that they look at."""
    found: dict[int, dict[str, Leaf]] = {}
    for fusion in fusions:
        for own in fusion.leaves:
            if own.leaf.absent is None:
                for number in own.members:
                    found.setdefault(number, {})[own.name] = own.leaf
    return found


def _leaf_tracks(leaves: Mapping[str, Leaf], item: Watched) -> Iterable[Track]:
    for name, leaf in sorted(leaves.items()):
        made = leaf_track(name, leaf, item.interval_s, item.tags)
        if made is not None:
            yield made


def _band(tracks: Sequence[Track], measure: Measure | None) -> tuple[float, float]:
    own = [one for one in tracks if one.measure == measure]
    high = min((one.up[0] for one in own if one.up), default=np.inf)
    low = max((-one.down[0] for one in own if one.down), default=-np.inf)
    return low, high


def _measured(tracks: Sequence[tuple[Track, ...]]) -> tuple[Measured, ...]:
    kinds: dict[Measure, list[int]] = {}
    for number, own in enumerate(tracks):
        for measure in dict.fromkeys(one.measure for one in own if one.measure is not None):
            kinds.setdefault(measure, []).append(number)
    found = []
    for measure, numbers in kinds.items():
        bands = np.array([_band(tracks[number], measure) for number in numbers], dtype=np.float64)
        found.append(
            Measured(measure=measure, numbers=np.array(numbers, dtype=np.intp), low=bands[:, 0], high=bands[:, 1])
        )
    return tuple(found)
