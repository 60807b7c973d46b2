"""A town's traffic through the rules, as it would have come in live: what people are told of, and when.

Messages are stored in the order in which they leave their devices and gateways, a minute at a time, each reading once;
then the clock moves on by that minute, so that silence and running delays are judged as they are live. Late messages
rewrite the past here as they do there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from commands.county_feed import site_of
from domain.alert import AlertEvent, Level
from domain.catalogue import properties
from domain.observation import Quality
from domain.registry import Registry
from domain.times import MICROS_PER_SECOND
from rules.holding import tellings
from rules.load import Catalogue
from rules.past import ArrayPast
from rules.rerun import Rerun
from rules.step import Key, Observations, Step, Transition
from rules.wording import account
from runtime.settings import Settings
from simulators.devices.traffic import Traffic
from simulators.scenario_verdicts import Alarm

#: A rule of this class is never announced.
_CONDITION = "condition"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """Readings as ingest stores them: in the order of arrival, each instant of a datastream once."""

    #: When each was stored. [rows]
    arrived: NDArray[np.int64]
    observations: Observations
    #: Readings that were refused: their times lie too far ahead, or too far back.
    refused: int
    #: Readings that were there already.
    duplicates: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of some traffic."""

    alarms: tuple[Alarm, ...]
    #: Readings that were stored; sent again; refused for their times.
    stored: int
    duplicates: int
    refused: int
    #: Rules that raised an exception.
    failures: tuple[str, ...]


def heard(traffic: Traffic, registry: Registry, settings: Settings) -> Heard:
    """What a run of the platform would have stored of some traffic; datastreams are numbered as in `site_of`."""
    numbers = {(s.device, s.property): number for number, s in enumerate(registry.datastreams, start=1)}
    order = np.argsort(traffic.sent, kind="stable")
    counts = traffic.count[order].astype(np.int64)
    starts = np.cumsum(counts) - counts
    rows = np.repeat(traffic.first[order] - starts, counts) + np.arange(int(counts.sum()))
    arrived = np.repeat(traffic.sent[order], counts)
    streams = np.array([numbers[stream] for stream in traffic.streams], dtype=np.int32)[traffic.stream[rows]]
    times, values = traffic.sampled[rows], traffic.value[rows]
    admitted = (times <= arrived + settings.skew_s * MICROS_PER_SECOND) & (
        times >= arrived - settings.lateness_s * MICROS_PER_SECOND
    )
    # The first value of an instant stays, whatever comes again.
    _, firsts = np.unique(np.stack((streams[admitted], times[admitted])), axis=1, return_index=True)
    chosen = np.flatnonzero(admitted)[np.sort(firsts)]
    ranges = {p.id: (p.minimum, p.maximum) for p in properties()}
    low, high = (
        np.array([-np.inf if side == 0 else np.inf, *(ranges[s.property][side] for s in registry.datastreams)])
        for side in (0, 1)
    )
    own = streams[chosen]
    outside = (values[chosen] < low[own]) | (values[chosen] > high[own])
    return Heard(
        arrived=arrived[chosen],
        observations=Observations(
            datastreams=own,
            times=times[chosen],
            values=values[chosen],
            qualities=np.where(outside, Quality.OUT_OF_RANGE, Quality.GOOD).astype(np.int16),
        ),
        refused=int((~admitted).sum()),
        duplicates=int(admitted.sum()) - len(chosen),
    )


def alarms_of(
    traffic: Traffic,
    registry: Registry,
    catalogue: Catalogue,
    settings: Settings,
    *,
    since: int,
    until: int,
    step_s: int = 60,
    before: Observations | None = None,
) -> Outcome:
    """Everything that rules raise on some traffic, as people would have met it.

    Args:
        traffic: What the devices published.
        registry: The registry of their town.
        catalogue: The rules.
        settings: What ingest admits.
        since: When the platform begins to listen; microseconds since 1970 (UTC).
        until: When it ends.
        step_s: Seconds of traffic that are evaluated at once, before the clock moves on by as much.
        before: What was stored in the days before, by which rules know what is usual.
    """
    told = heard(traffic, registry, settings)
    past = ArrayPast()
    if before is not None:
        past.add(before.datastreams, before.times, before.values, before.qualities)
    site = site_of(registry, registered_at=since)
    rerun = Rerun(catalogue.rules, site, overrides=catalogue.overrides, past=past)
    rerun.tick(since)
    diary = _Diary()
    failures: dict[str, str] = {}
    step = step_s * MICROS_PER_SECOND
    edges = np.arange(since, until, step, dtype=np.int64)
    places = np.searchsorted(told.arrived, [*edges.tolist(), until])
    places[0] = 0
    for number, begin in enumerate(edges.tolist()):
        end = min(begin + step, until)
        part = slice(int(places[number]), int(places[number + 1]))
        if part.stop > part.start:
            whole = told.observations
            batch = Observations(
                datastreams=whole.datastreams[part],
                times=whole.times[part],
                values=whole.values[part],
                qualities=whole.qualities[part],
            )
            past.add(batch.datastreams, batch.times, batch.values, batch.qualities)
            observed = rerun.observe(batch)
            failures |= observed.failures
            diary.note(observed, begin, end)
        ticked = rerun.tick(end)
        failures |= ticked.failures
        diary.note(ticked, begin, end)
    return Outcome(
        alarms=diary.alarms(rerun),
        stored=len(told.arrived),
        duplicates=told.duplicates,
        refused=told.refused,
        failures=tuple(f"{rule}: {text}" for rule, text in sorted(failures.items())),
    )


@dataclass(kw_only=True, slots=True)
class _Entry:
    """An alert, as it is being learned of."""

    raised: Transition
    #: When each level was known.
    levels: list[tuple[int, Level]]
    cleared_at: int | None = None
    withdrawn: bool = False
    #: Rule of what held it back when it was raised, and when that let go.
    held_by: str | None = None
    released_at: int | None = None


@dataclass(slots=True)
class _Diary:
    """When what became known. The engine's history tells only how it was."""

    entries: dict[Key, list[_Entry]] = field(default_factory=dict)

    def note(self, step: Step, begin: int, end: int) -> None:
        """Takes in a step that came about between two instants of the clock."""
        for rewriting in step.rewritings:
            self._rewrite((rewriting.rule.id, rewriting.subject), rewriting.since, rewriting.transitions, begin, end)
        for transition in step.transitions:
            self._add((transition.rule.id, transition.subject), transition, _known(transition.time, begin, end))
        for restraint in step.restraints:
            for entry in self.entries.get((restraint.rule, restraint.subject), ())[-1:]:
                if restraint.cause is not None:
                    if entry.levels[0][0] >= begin:
                        entry.held_by = restraint.cause[0]
                elif entry.cleared_at is None and not entry.withdrawn:
                    # What ends while it is held back is let go as well, and nobody is told of it.
                    entry.released_at = _known(restraint.time, begin, end)

    def alarms(self, rerun: Rerun) -> tuple[Alarm, ...]:
        """All of them. Which ones were held back, and until when, is told instant by instant from the whole history."""
        holds = tellings(rerun.evaluator.plan, rerun.history.transitions())
        found = []
        for key, entries in self.entries.items():
            for entry in entries:
                account_ = account(entry.raised)
                if account_.class_ == _CONDITION:
                    continue
                known = entry.levels[0][0]
                telling = holds.get((key, entry.raised.time))
                if telling is not None:
                    told_at = None if telling.told_at is None else max(telling.told_at, known)
                    held_by = telling.cause[0] if telling.cause else None
                else:
                    told_at = known if entry.held_by is None else entry.released_at
                    held_by = entry.held_by
                found.append(
                    Alarm(
                        rule=key[0],
                        kind=account_.kind.value,
                        network=account_.network,
                        area=account_.area,
                        asset=account_.asset,
                        device=account_.device,
                        raised_at=entry.raised.time,
                        told_at=told_at,
                        levels=tuple(entry.levels),
                        cleared_at=entry.cleared_at,
                        held_by=held_by,
                        withdrawn=entry.withdrawn,
                        title_en=account_.title_en,
                        title_zh=account_.title_zh,
                    )
                )
        return tuple(sorted(found, key=lambda a: (a.raised_at, a.rule, a.asset or "", a.device or "", a.area)))

    def _add(self, key: Key, transition: Transition, known: int) -> None:
        own = self.entries.setdefault(key, [])
        if transition.event is AlertEvent.RAISED:
            own.append(_Entry(raised=transition, levels=[(known, transition.level)]))
        elif own and transition.event is AlertEvent.LEVEL_CHANGED:
            own[-1].levels.append((known, transition.level))
        elif own:
            own[-1].cleared_at = transition.time

    def _rewrite(self, key: Key, since: int, transitions: Iterable[Transition], begin: int, end: int) -> None:
        """What was noted from an instant on is replaced; what people were told of before stays as withdrawn."""
        own = self.entries.setdefault(key, [])
        former = {entry.raised.time: entry for entry in own if entry.raised.time >= since and not entry.withdrawn}
        kept = [entry for entry in own if entry.raised.time not in former]
        for entry in kept:
            if not entry.withdrawn and entry.cleared_at is not None and entry.cleared_at >= since:
                entry.cleared_at = None
        self.entries[key] = kept
        for transition in transitions:
            known = _known(transition.time, begin, end)
            before = former.pop(transition.time, None) if transition.event is AlertEvent.RAISED else None
            if before is not None:
                # It stays as people know it; what follows is told anew.
                kept.append(replace(before, cleared_at=None))
            else:
                self._add(key, transition, known)
        kept[:0] = [replace(entry, withdrawn=True) for entry in former.values()]


def _known(time: int, begin: int, end: int) -> int:
    """When something is known that is dated so: at once, or if it is older than this minute, at its end."""
    return time if begin <= time <= end else end
