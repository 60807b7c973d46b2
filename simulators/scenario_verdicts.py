"""The judge: what a scenario states, held against what people were told. Pure values in, verdicts out.

What counts is when people were told: not the time that a reading carries, but the moment at which the platform knew of
it and nothing held the alert back. An alert that a common cause explains is never announced: it neither fulfils an
expectation nor breaks a ban. An alert that was announced and taken back later, because late readings showed that it
never was, has been announced nevertheless.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.alert import Level
from domain.times import MICROS_PER_SECOND
from simulators.scenario import Scenario
from simulators.scenario_parts import Ban, Expectation


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One alert as people met it. Times in microseconds since 1970 (UTC)."""

    rule: str
    #: safety, resilience or equipment.
    kind: str
    network: str
    area: str
    asset: str | None
    device: str | None
    #: Its beginning, by the readings.
    raised_at: int
    #: When people were told; None: something held it back to its end, or nobody is ever told of such a rule.
    told_at: int | None
    #: From when on each level was known, beginning with the first.
    levels: tuple[tuple[int, Level], ...]
    cleared_at: int | None = None
    #: Rule of what held it back.
    held_by: str | None = None
    #: Late readings showed that it never was.
    withdrawn: bool = False
    title_en: str = ""
    title_zh: str = ""

    def told_of(self, level: Level | None) -> int | None:
        """When people knew that it had reached a level (None: any), or None."""
        if self.told_at is None:
            return None
        if level is None:
            return self.told_at
        return next((max(at, self.told_at) for at, own in self.levels if own <= level), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A statement, whether it held, and what that rests on."""

    statement: Expectation | Ban
    held: bool
    #: Expectations: when people were told, if they were, be it late.
    told_at: int | None = None
    #: Expectations: seconds from the latest event before it to that moment.
    delay_s: float | None = None
    #: Bans: what was announced against it. Expectations: what came too late, too low, or was held back.
    alarms: tuple[Alarm, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether the scenario says why it is missed."""
        return self.statement.miss is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Everything about one scenario."""

    scenario: str
    verdicts: tuple[Verdict, ...]
    #: Alerts that people were told of, in order of time.
    told: tuple[Alarm, ...]
    #: Alerts that a common cause explained to their end.
    held_back: tuple[Alarm, ...]

    @property
    def held(self) -> int:
        """Statements that held."""
        return sum(one.held for one in self.verdicts)

    @property
    def misses(self) -> tuple[Verdict, ...]:
        """Statements that did not."""
        return tuple(one for one in self.verdicts if not one.held)

    @property
    def false_alarms(self) -> tuple[Alarm, ...]:
        """What was announced against a ban, each once."""
        found = [alarm for one in self.misses if isinstance(one.statement, Ban) for alarm in one.alarms]
        return tuple(dict.fromkeys(found))

    @property
    def further(self) -> tuple[Alarm, ...]:
        """What was announced, and neither expected nor banned."""
        expected = {
            rule for one in self.verdicts if isinstance(one.statement, Expectation) for rule in one.statement.rule
        }
        false = set(self.false_alarms)
        return tuple(alarm for alarm in self.told if alarm.rule not in expected and alarm not in false)


def judge(
    scenario: Scenario, begin: int, alarms: Iterable[Alarm], kinds: Mapping[str, str], areas: Mapping[str, str]
) -> Judgement:
    """Holds what was announced against what a scenario states.

    Args:
        scenario: What it states.
        begin: When it began.
        alarms: Everything that was raised, but conditions that nobody is ever told of.
        kinds: Kind of each asset.
        areas: Area of each asset.
    """
    ordered = sorted(
        alarms, key=lambda a: (a.told_at or a.raised_at, a.rule, a.asset or "", a.device or "", a.raised_at)
    )
    told = [alarm for alarm in ordered if alarm.told_at is not None]
    court = _Court(scenario, begin, kinds, areas)
    verdicts = [court.expectation(one, ordered) for one in scenario.expect]
    verdicts += [court.ban(one, told) for one in scenario.must_not]
    return Judgement(
        scenario=scenario.id,
        verdicts=tuple(verdicts),
        told=tuple(told),
        held_back=tuple(alarm for alarm in ordered if alarm.told_at is None),
    )


class _Court:
    def __init__(self, scenario: Scenario, begin: int, kinds: Mapping[str, str], areas: Mapping[str, str]) -> None:
        self._scenario, self._begin, self._kinds, self._areas = scenario, begin, kinds, areas
        self._onsets = sorted(happening.since for happening in scenario.happenings(begin))

    def expectation(self, own: Expectation, alarms: Sequence[Alarm]) -> Verdict:
        level = None if own.level is None else Level.parse(own.level)
        since = self._scenario.at(self._begin, own.since) if own.since else min(self._onsets, default=self._begin)
        # What comes at 14:31:58 has come by 14:31, to the minute.
        end = self._scenario.at(self._begin, own.by) + own.by.lasts * MICROS_PER_SECOND
        fitting = [a for a in alarms if a.rule in own.rule and self._there(own.on, a)]
        times = [at for a in fitting if (at := a.told_of(level)) is not None and at >= since]
        at = min(times, default=None)
        held = at is not None and at < end
        return Verdict(
            statement=own,
            held=held,
            told_at=at,
            delay_s=None if at is None else self._delay(own, since, at),
            alarms=() if held else tuple(fitting),
        )

    def ban(self, own: Ban, told: Sequence[Alarm]) -> Verdict:
        since = self._scenario.at(self._begin, own.since) if own.since else self._begin
        until = self._scenario.at(self._begin, own.until) if own.until else None
        against = [
            a
            for a in told
            if self._meant(own, a)
            and self._there(own.on, a)
            and a.told_at is not None
            and a.told_at >= since
            and (until is None or a.told_at < until)
        ]
        return Verdict(statement=own, held=not against, alarms=tuple(against))

    def _delay(self, own: Expectation, since: int, at: int) -> float:
        """From the event that brought it about: the latest that had begun, or what the statement says."""
        onset = since if own.since else max((o for o in self._onsets if o <= at), default=since)
        return (at - onset) / MICROS_PER_SECOND

    def _there(self, places: Sequence[str], alarm: Alarm) -> bool:
        return not places or any(self._at(place, alarm) for place in places)

    def _at(self, place: str, alarm: Alarm) -> bool:
        head, _, name = place.rpartition(":")
        if head == "area":
            return alarm.area == self._areas.get(name)
        if head == "kind":
            return self._kinds.get(alarm.asset or "") == name
        return name in (alarm.asset, alarm.device)

    @staticmethod
    def _meant(own: Ban, alarm: Alarm) -> bool:
        if alarm.rule in own.except_:
            return False
        if own.any:
            return True
        return (
            (not own.rules or alarm.rule in own.rules)
            and (own.kind is None or alarm.kind == own.kind)
            and (own.network is None or alarm.network == own.network)
        )
