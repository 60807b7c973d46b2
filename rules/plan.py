"""Rules laid over the registry: for each datastream its tracks and its quiet band, for each silence rule its subjects.

Datastreams are numbered densely from 0, the devices one after the other, so that everything about them lies in arrays.
Datastreams that the same rules watch share one tuple of tracks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.alert import Level
from domain.catalogue import properties
from domain.subject import Watched, datastream_subject, device_subject
from domain.times import MICROS_PER_SECOND
from rules.condition import Absence, Position, Threshold
from rules.rule import ANY_NETWORK, Rule
from rules.track import Track, track

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class SilencePlan:
    """One absence rule and the subjects it watches. Times in microseconds."""

    rule: Rule
    level: Level
    subjects: tuple[str, ...]
    #: For each subject, where its datastreams begin and end in the dense numbering.
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    #: How long each may be silent.
    allowed: Ints
    #: From when silence counts if nothing was ever heard.
    birth: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that is known before any observation comes."""

    rules: dict[str, Rule]
    watched: tuple[Watched, ...]
    #: Dense number by datastream id; -1 where no datastream is.
    lookup: NDArray[np.int32]
    tracks: tuple[tuple[Track, ...], ...]
    #: While everything is normal, a value in [low, high] changes nothing.
    low: Floats
    high: Floats
    silences: tuple[SilencePlan, ...]

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


def build(rules: Iterable[Rule], watched: Iterable[Watched], shared: frozenset[str] | None = None) -> Plan:
    """Lays rules over datastreams.

    Args:
        rules: The catalogue.
        watched: Every registered datastream.
        shared: Properties that belong to no single network; default: those of the shipped vocabulary.
    """
    by_id = {rule.id: rule for rule in rules}
    if shared is None:
        shared = frozenset(p.id for p in properties() if p.network is None)
    ordered = tuple(sorted(watched, key=lambda w: (w.device, w.datastream)))
    lookup = np.full(max((w.datastream for w in ordered), default=0) + 1, -1, dtype=np.int32)
    low, high = np.full(len(ordered), -np.inf), np.full(len(ordered), np.inf)
    thresholds = [rule for rule in by_id.values() if isinstance(rule.condition, Threshold | Position)]
    interned: dict[tuple[object, ...], tuple[tuple[Track, ...], float, float]] = {}
    tracks = []
    for number, item in enumerate(ordered):
        lookup[item.datastream] = number
        key = (item.property, item.network, item.asset_kind, item.interval_s, tuple(sorted(item.tags.items())))
        if key not in interned:
            made = (track(rule, item.interval_s, item.tags) for rule in thresholds if _applies(rule, item, shared))
            own = tuple(one for one in made if one is not None)
            interned[key] = (own, *_band(own))
        own, low[number], high[number] = interned[key]
        tracks.append(own)
    silences = [_silence(rule, ordered, shared) for rule in by_id.values() if isinstance(rule.condition, Absence)]
    return Plan(
        rules=by_id,
        watched=ordered,
        lookup=lookup,
        tracks=tuple(tracks),
        low=low,
        high=high,
        silences=tuple(silences),
    )


def _band(tracks: Sequence[Track]) -> tuple[float, float]:
    high = min((own.up[0] for own in tracks if own.up), default=np.inf)
    low = max((-own.down[0] for own in tracks if own.down), default=-np.inf)
    return low, high


def _silence(rule: Rule, ordered: Sequence[Watched], shared: frozenset[str]) -> SilencePlan:
    if not isinstance(rule.condition, Absence):
        raise TypeError(f"rule {rule.id} is not about absence")
    silence = rule.condition.absence
    whole_device = rule.applies_to.property is None
    first: list[int] = []
    last: list[int] = []
    for number, item in enumerate(ordered):
        if whole_device and number and ordered[number - 1].device == item.device:
            if last and last[-1] == number:
                last[-1] = number + 1
        elif _applies(rule, item, shared):
            first.append(number)
            last.append(number + 1)
    chosen = [ordered[number] for number in first]
    return SilencePlan(
        rule=rule,
        level=Level.parse(silence.level),
        subjects=tuple(
            device_subject(item.device) if whole_device else datastream_subject(item.datastream) for item in chosen
        ),
        first=np.array(first, dtype=np.intp),
        last=np.array(last, dtype=np.intp),
        allowed=np.array(
            [int((silence.factor * item.interval_s + silence.grace_s) * MICROS_PER_SECOND) for item in chosen],
            dtype=np.int64,
        ),
        birth=np.array(
            [min(w.registered_at for w in ordered[begin:end]) for begin, end in zip(first, last, strict=True)],
            dtype=np.int64,
        ),
    )
