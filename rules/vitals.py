"""The platform's own health, judged by rules like everything else.

What is known of the platform becomes samples each tick, by the wall clock: `platform.*` properties of parts of it (a
partition of ingest, `notify`, `rules`, `catalogue`). Rules on these properties run through the same state machine as
those on sensors, with subjects `platform:{part}`. Pure: the caller commits a step and then adopts it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.alert import AlertEvent
from domain.catalogue import properties
from domain.transition import Account, AlertChange, Fact, RuleState
from domain.units import shown
from rules.condition import Position, Threshold
from rules.fit import PLATFORM
from rules.rule import Rule
from rules.step import Key
from rules.threshold import NORMAL, Change, Sample, State, observe
from rules.track import Track, track
from storage.alerts import Commit
from storage.vitals import PlatformVitals

PREFIX = f"{PLATFORM}:"
#: A vital sign holds for so long: longer than a restart of the rules takes.
_HOLD_S = 60
#: With fewer entries than this a share says nothing.
_FEW = 20

NOTIFY, RULES, CATALOGUE = "notify", "rules", "catalogue"
_NAMES_EN = {NOTIFY: "notify", RULES: "the rules engine", CATALOGUE: "the rule catalogue"}
_NAMES_ZH = {NOTIFY: "通知", RULES: "规则引擎", CATALOGUE: "规则库"}


#: A part and a property of it.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sign:
    """One vital sign of one part of the platform."""

    part: str
    property: str
    value: float


@dataclass(kw_only=True, slots=True)
class VitalStep:
    """What the signs of one instant bring about, to be committed and then adopted."""

    changes: list[AlertChange] = field(default_factory=list)
    states: dict[Key, State] = field(default_factory=dict)
    samples: dict[Place, Sample] = field(default_factory=dict)


def signs(found: PlatformVitals, *, failing: int, refused: bool) -> list[Sign]:
    """Everything that can be told now.

    Args:
        found: As the database knows it. How far a partition lags is as of its worker's last sign of life: when the
            worker is dead, that is what is wrong, and one alert says so.
        failing: How many rules ended in an error lately.
        refused: Whether the newest catalogue is refused.
    """
    told = []
    for one in found.partitions:
        share = one.rejected / one.received if one.received >= _FEW else 0.0
        told += [
            Sign(one.partition, "platform.ingest.silent_s", one.silent_s),
            Sign(one.partition, "platform.ingest.lag_s", one.lag_s),
            Sign(one.partition, "platform.ingest.rejected_share", share),
            Sign(one.partition, "platform.broker.lost", one.lost),
        ]
    return [
        *told,
        Sign(NOTIFY, "platform.notify.waiting_s", found.waiting_s),
        Sign(NOTIFY, "platform.notify.failed", found.failed),
        Sign(RULES, "platform.rules.failing", failing),
        Sign(CATALOGUE, "platform.catalogue.refused", float(refused)),
    ]


class Vitals:
    """The rules on the platform, and where they stand.

    Args:
        rules: The catalogue.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: dict[str, Rule] = {}
        self._tracks: dict[str, list[Track]] = {}
        for rule in rules:
            name = rule.applies_to.property
            if name is None or not name.startswith(f"{PLATFORM}.") or not rule.enabled:
                continue
            own = track(rule, _HOLD_S, {}) if isinstance(rule.condition, Threshold | Position) else None
            if own is not None and own.measure is None:
                self.rules[rule.id] = rule
                self._tracks.setdefault(name, []).append(own)
        self._states: dict[Key, State] = {}
        self._last: dict[Place, Sample] = {}

    @property
    def _by_name(self) -> dict[str, Track]:
        return {own.name: own for tracks in self._tracks.values() for own in tracks}

    @property
    def newest(self) -> Mapping[Place, Sample]:
        """The newest sample of each sign."""
        return self._last

    def restore(self, standings: Iterable[RuleState]) -> list[RuleState]:
        """Takes over what was kept; returns what fits no rule any more."""
        known = self._by_name
        orphans = []
        for kept in standings:
            own = known.get(kept.rule)
            if own is None:
                orphans.append(kept)
                continue
            rank = own.rank_of(kept.level)
            since, back = kept.since[: len(own.levels) - rank], kept.back[:rank]
            self._states[kept.rule, kept.subject] = State(rank, since, kept.at, back)
        return orphans

    def inherit(self, former: "Vitals") -> list[RuleState]:
        """Takes over everything from one with other rules; returns what fits no rule any more."""
        self._last = dict(former.newest)
        return self.restore(former.standings())

    def standings(self) -> list[RuleState]:
        """Everything that is not normal."""
        known = self._by_name
        return [kept(known[key[0]], key, state) for key, state in self._states.items()]

    def evaluate(self, now: int, told: Sequence[Sign]) -> VitalStep:
        """What the vital signs of an instant bring about. An alert on a part that is no more ends.

        Args:
            now: Microseconds since 1970 (UTC).
            told: All signs.
        """
        step = VitalStep()
        for sign in told:
            place = (sign.part, sign.property)
            last, new = self._last.get(place), Sample(now, sign.value)
            if last is not None and last.time >= now:
                # The clock was set back.
                continue
            step.samples[place] = new
            for own in self._tracks.get(sign.property, ()):
                key = (own.name, PREFIX + sign.part)
                changes: list[Change] = []
                before = self._states.get(key, NORMAL)
                after = observe(own, before, last, new, changes)
                if changes or after != before:
                    step.states[key] = after
                    step.changes += self._written(own, key, before, changes)
        there = {sign.part for sign in told}
        known = self._by_name
        for key, state in self._states.items():
            if key[1].removeprefix(PREFIX) not in there:
                step.states[key] = NORMAL
                gone = [Change(AlertEvent.CLEARED, max(now, state.at), state.rank, 0.0)] if state.rank else []
                step.changes += self._written(known[key[0]], key, state, gone)
        return step

    def adopt(self, step: VitalStep) -> None:
        """Remembers a step; called after its commit."""
        self._last |= step.samples
        self._states |= step.states
        for key in [key for key, state in step.states.items() if state.normal]:
            del self._states[key]

    def commit_of(self, step: VitalStep) -> Commit:
        """A step as it is written."""
        known = self._by_name
        return Commit(
            changes=step.changes,
            kept=[kept(known[key[0]], key, state) for key, state in step.states.items() if not state.normal],
            dropped=[key for key, state in step.states.items() if state.normal],
            positions={},
        )

    def _written(self, own: Track, key: Key, before: State, changes: list[Change]) -> Iterator[AlertChange]:
        rule = self.rules[own.name]
        rank = before.rank
        for change in changes:
            cleared = change.event is AlertEvent.CLEARED
            threshold = own.threshold(change.rank, change.value)
            yield AlertChange(
                rule=rule.id,
                subject=key[1],
                event=change.event,
                time=change.time,
                level=own.level(change.rank),
                value=change.value,
                threshold=threshold,
                worse=change.event is AlertEvent.LEVEL_CHANGED and change.rank > rank,
                account=None if cleared else account(rule, key[1].removeprefix(PREFIX), change, threshold),
            )
            rank = 0 if cleared else change.rank


def kept(own: Track, key: Key, state: State) -> RuleState:
    """A state as it is kept."""
    return RuleState(
        rule=key[0],
        subject=key[1],
        level=own.level(state.rank) if state.rank else None,
        since=state.since,
        at=state.at,
        back=state.back,
    )


def account(rule: Rule, part: str, change: Change, threshold: float) -> Account:
    """What an alert on a part of the platform tells people."""
    name = rule.applies_to.property or ""
    unit = next((item.unit for item in properties() if item.id == name), "1")
    relation = rule.condition.direction if isinstance(rule.condition, Threshold) else "is"
    words = {
        "value": f"{change.value:.4g}",
        "unit": shown(unit),
        "threshold": f"{threshold:.4g}",
        "asset_en": _NAMES_EN.get(part, f"ingest of partition {part}"),
        "asset_zh": _NAMES_ZH.get(part, f"分区{part}的接入服务"),
        "device": part,
        "area": "",
        "count": "1",
        "members_en": part,
        "members_zh": part,
    }
    return Account(
        kind=rule.kind,
        class_=rule.class_,
        network=PLATFORM,
        area="",
        asset=None,
        device=None,
        property=name,
        title_en=rule.title.en.format_map(words),
        title_zh=rule.title.zh.format_map(words),
        text_en=rule.text.en.format_map(words),
        text_zh=rule.text.zh.format_map(words),
        latching=rule.latching,
        facts=(
            Fact(
                datastream=None,
                device="",
                asset="",
                property=name,
                unit=unit,
                value=change.value,
                threshold=threshold,
                relation=relation,
                since=change.time,
            ),
        ),
    )
