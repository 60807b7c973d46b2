"""The pure engine: observations and a clock in, transitions out; nothing is remembered until it is adopted.

The history of a rule on a subject is a function of the rule, the registry, the observations and the clock alone. The
engine keeps it up to date: observations in order carry it on; late ones find it anew from their own time on, and what
changes is told as a rewriting. In whatever order and batches observations come, once they all have come the history is
the same.

A batch is reduced with numpy to the few datastreams that matter: those with a value outside their quiet band, those
whose measure may be beyond a limit, those on which a rule is not normal (their band is empty), and those with late
observations where something happened. Only these go through the state machine of `threshold`, one sample after the
other in event time.

`evaluate` and `tick` change nothing: they return a Step, which the caller commits and then adopts. A crash or a failed
commit in between leaves the memory as it was.
"""

from collections.abc import Iterable
from datetime import UTC, tzinfo

import numpy as np
from numpy.typing import NDArray

from domain.transition import RuleState
from rules.absences import Absences, World
from rules.fusing import Fusings
from rules.judging import Series, Verdict, Work, anew, concerns, go_on, mark_of, need_since
from rules.marks import Mark
from rules.memory import Memory, joined
from rules.past import ArrayPast, Past
from rules.plan import Ints, Plan
from rules.restraint import Restraints
from rules.step import QUIET, Dense, Observations, Step
from rules.teller import Teller
from rules.threshold import Change, Sample, reveal

#: For how long late observations may change the past, in seconds, if nobody says otherwise: a day beyond the week that
#: ingest takes late data by default.
HORIZON_S = 8 * 86_400
#: How often what is too old to change is forgotten, by the clock.
_SWEEP = 600_000_000


class Evaluator:
    """What the engine remembers, and the functions over it.

    Args:
        plan: Rules laid over the registry.
        past: Where stored observations can be read again; default: what this evaluator has seen itself.
        zone: The time of the place.
        horizon_s: For how long late observations may change the past.
    """

    def __init__(self, plan: Plan, past: Past | None = None, *, zone: tzinfo = UTC, horizon_s: int = HORIZON_S) -> None:
        self.plan = plan
        own = ArrayPast()
        self._own = own if past is None else None
        self._past: Past = own if past is None else past
        self._horizon = horizon_s * 1_000_000
        self._memory = Memory(plan, zone)
        self._absences = Absences(plan, self._horizon)
        self._fusings = Fusings(plan, zone, self._horizon)
        self._restraints = Restraints(plan)
        self._teller = Teller(plan, self._fusings, zone)
        self._swept = 0

    # Restoring what was committed.

    def restore(self, standings: Iterable[RuleState]) -> list[RuleState]:
        """Takes over what was kept; returns what fits no rule or subject any more."""
        orphans = []
        kept = list(standings)
        for own in kept:
            fits = self._memory.restore(own) or self._restore_absence(own) or self._restore_fused(own)
            if not fits:
                orphans.append(own)
        left = {(own.rule, own.subject) for own in orphans}
        self._restraints.restore(own for own in kept if (own.rule, own.subject) not in left)
        return orphans

    def remember(self, datastreams: NDArray[np.int32], times: Ints, values: NDArray[np.float64], *, good: bool) -> None:
        """Takes over the newest observation that was seen on each datastream; `good`: evaluated, too."""
        self._memory.remember(self.plan.index(datastreams), times, values, good=good)

    def warm(self) -> None:
        """Reads what measures look back at, once, after all was restored and remembered; else it is read often."""
        self._memory.warm(self._past)

    def listen(self, listening: Ints | int) -> None:
        """Since when each datastream (by dense number) has been listened to without interruption."""
        self._memory.listening[:] = listening

    def inherit(self, former: "Evaluator") -> list[RuleState]:
        """Takes over everything from an evaluator with an older plan; returns what fits no rule or subject any more."""
        own, old = self.plan, former.plan
        ids = np.array([item.datastream for item in old.watched], dtype=np.int32)
        self._memory.inherit(former._memory, own.index(ids))  # noqa: SLF001 - another one of us
        if self._own is not None and former._own is not None:  # noqa: SLF001
            self._own.join(former._own)  # noqa: SLF001
        return self.restore(former.standings())

    @property
    def clock(self) -> int:
        """The latest instant that was judged, microseconds since 1970 (UTC)."""
        return int(self._memory.clock.max(initial=np.iinfo(np.int64).min))

    def standings(self) -> list[RuleState]:
        """Everything that is to be kept: what is not normal, and what late observations may still change."""
        kept = [self._teller.of_track(key, story) for key, story in self._memory.stories.items()]
        kept += [self._teller.of_absence(plan, place, marks) for plan, place, marks in self._absences.standing()]
        kept += [self._teller.of_fusion(place, marks) for place, marks in self._fusings.standing()]
        return [own for own in kept if own is not None]

    # Evaluation.

    def evaluate(self, batch: Observations) -> Step:
        """What a batch brings about."""
        step = Step(observations=len(batch.times))
        dense = self._dense(step, batch)
        step.batch = dense
        if self._own is not None:
            self._own.add(batch.datastreams, batch.times, batch.values, batch.qualities)
        chosen = self._memory.interesting(dense, self._past)
        late = self._memory.late(dense)
        if chosen.any():
            late -= self._judge_chosen(step, dense, chosen)
        if late:
            step.late["quiet"] += late
        memory = self._memory
        world = World(memory.seen, memory.clock, memory.listening, self._past)
        for found in self._absences.observe(dense.numbers, dense.times, world):
            step.absences[found.plan, found.position] = found.marks
            self._teller.absence(step, found)
        self._finish(step, None, int(dense.times.max(initial=0)))
        return step

    def tick(self, now: int | Ints, listening: int | Ints | None = None) -> Step:
        """What the passing of time brings about, up to the caught-up clock; it never runs backwards.

        Args:
            now: Up to when everything that was published is known; of all datastreams, or of each by dense number.
            listening: Since when they have been listened to without interruption; None: as before.
        """
        memory = self._memory
        clock = np.maximum(memory.clock, now)
        step = Step(clock=clock)
        step.listening = (
            memory.listening if listening is None else np.broadcast_to(listening, clock.shape).astype(np.int64)
        )
        self._make_sure(step, clock)
        for key in list(memory.pending):
            if key in step.stories:
                continue
            number, own = memory.track_of(key)
            story = memory.stories[key]
            last = story.last if own.measure is not None else memory.last(number)
            if last is None:
                continue
            changes: list[Change] = []
            state = reveal(own, story.state, last, int(clock[number]), changes)
            if state != story.state:
                marks = (*story.marks, *map(mark_of, changes))
                verdict = Verdict(story._replace(state=state, marks=marks), len(story.marks), None)
                self._settle(step, key, verdict)
        for found in self._absences.pass_time(memory.seen, clock, step.listening):
            step.absences[found.plan, found.position] = found.marks
            self._teller.absence(step, found)
        self._finish(step, clock, int(clock.max(initial=0)))
        self._forget(step, clock)
        return step

    def adopt(self, step: Step) -> None:
        """Remembers a step; called after its commit."""
        if step.swept is not None:
            self._swept = step.swept
        self._memory.adopt(step)
        for (plan, position), marks in step.absences.items():
            self._absences.adopt(plan, position, marks)
        self._fusings.adopt(step)
        self._restraints.adopt(step)

    # The few that matter.

    def _dense(self, step: Step, batch: Observations) -> Dense:
        index = self.plan.index(batch.datastreams)
        if index.size and index.min() < 0:
            known = index >= 0
            step.unknown = int(index.size - known.sum())
            return Dense(index[known], batch.times[known], batch.values[known], batch.qualities[known])
        return Dense(index, batch.times, batch.values, batch.qualities)

    def _judge_chosen(self, step: Step, dense: Dense, chosen: NDArray[np.bool_]) -> int:
        """Runs the rules of the chosen datastreams; returns how many late samples they account for."""
        works = self._memory.works(dense, chosen)
        self._look_back(works)
        late = 0
        for number, work in works.items():
            late += len(work.late)
            times, values = work.fresh
            if len(times):
                step.samples[number] = Sample(int(times[-1]), float(values[-1]))
            for place, own in enumerate(self.plan.tracks[number]):
                key = self._memory.key(number, place)
                story = self._memory.stories.get(key, QUIET)
                again = not work.plain and (concerns(own, story, work) or key in self._memory.unsure)
                baseline = None if work.plain else self._memory.baseline(number, own, work, self._past)
                try:
                    if again:
                        keep = work.first - self._horizon
                        clock = int(self._memory.clock[number])
                        verdict = anew(own, story, work, baseline, clock=clock, keep_from=keep)
                    else:
                        verdict = go_on(own, story, work, baseline, work.first - self._horizon)
                except Exception as exc:  # noqa: BLE001 - one rule's fault must not silence the others
                    step.failures[own.name.partition("#")[0]] = f"{type(exc).__name__}: {exc}"
                    continue
                if work.late and not own.name.count("#"):
                    step.late[_result(again=again, verdict=verdict)] += len(work.late)
                self._settle(step, key, verdict)
        return late

    def _make_sure(self, step: Step, clock: Ints) -> None:
        """Finds anew what a restart has left unsure, though nothing has come since."""
        works = {
            number: self._memory.idle(number) for number in {self._memory.track_of(k)[0] for k in self._memory.unsure}
        }
        self._look_back(works)
        for key in sorted(self._memory.unsure):
            number, own = self._memory.track_of(key)
            story, work = self._memory.stories[key], works[number]
            baseline = self._memory.baseline(number, own, work, self._past)
            now = int(clock[number])
            try:
                verdict = anew(own, story, work, baseline, clock=now, keep_from=now - self._horizon)
            except Exception as exc:  # noqa: BLE001 - one rule's fault must not silence the others
                step.failures[own.name.partition("#")[0]] = f"{type(exc).__name__}: {exc}"
                continue
            self._settle(step, key, verdict)
            step.stories.setdefault(key, verdict.story)

    def _look_back(self, works: dict[int, Work]) -> None:
        """Reads what is needed of the past, for all at once."""
        memory = self._memory
        wanted: dict[int, int] = {}
        for number, work in works.items():
            if work.plain:
                continue
            for place, own in enumerate(self.plan.tracks[number]):
                key = memory.key(number, place)
                since = need_since(own, memory.stories.get(key, QUIET), work, anew=key in memory.unsure)
                if since is not None:
                    wanted[number] = min(since, wanted.get(number, since))
        if not wanted:
            return
        ids = np.array([self.plan.watched[number].datastream for number in wanted], dtype=np.int32)
        found = self._past.samples(ids, np.array(list(wanted.values()), dtype=np.int64))
        firsts = np.searchsorted(found.datastreams, ids, side="left").tolist()
        lasts = np.searchsorted(found.datastreams, ids, side="right").tolist()
        for number, first, last in zip(wanted, firsts, lasts, strict=True):
            part = slice(first, last)
            stored = Series(found.times[part], found.values[part], found.qualities[part])
            works[number] = works[number]._replace(known=joined(works[number], stored))

    def _settle(self, step: Step, key: int, verdict: Verdict) -> None:
        """Notes a verdict, tells what it changed, and who must look at it."""
        before = self._memory.stories.get(key, QUIET)
        story = verdict.story
        if story == before and verdict.wrong is None:
            return
        step.stories[key] = story
        self._teller.track(step, key, before, verdict)

    def _forget(self, step: Step, clock: Ints) -> None:
        newest = int(clock.max(initial=0))
        if newest - self._swept < _SWEEP:
            return
        step.swept = newest
        for key, story in self._memory.stories.items():
            if key not in step.stories and story.state.normal and _old(story.marks, newest - self._horizon):
                step.stories[key] = story._replace(marks=())
                self._teller.forget_track(step, key)
        for plan, position, marks in list(self._absences.standing()):
            if (plan, position) not in step.absences and _old(marks, newest - self._horizon):
                step.absences[plan, position] = ()
                self._teller.forget_absence(step, plan, position)
        for place, marks in self._fusings.standing():
            if place not in step.fusions and _old(marks, newest - self._horizon):
                step.fusions[place] = ()
                self._teller.forget_fusion(step, place)

    def _finish(self, step: Step, clock: Ints | None, now: int) -> None:
        def stood(name: str, number: int) -> tuple[Mark, ...]:
            place = self._teller.silence_of(name, number)
            if place is not None:
                return self._absences.marks(*place)
            key = self._memory.named(name, number)
            return self._memory.stories.get(key, QUIET).marks if key is not None else ()

        def leaves(name: str, number: int) -> tuple[Mark, ...]:
            place = self._teller.silence_of(name, number)
            if place is not None:
                return step.absences[place] if place in step.absences else stood(name, number)
            key = self._memory.named(name, number)
            return step.stories[key].marks if key in step.stories else stood(name, number)

        def heard(number: int) -> bool:
            return self._memory.heard(number, step)

        for found in self._fusings.judge(step, leaves, stood, heard, clock):
            step.due[found.place] = found.due
            if found.wrong is not None or found.kept < len(found.marks):
                step.fusions[found.place] = found.marks
                self._teller.fusion(step, found, leaves, heard)
        step.transitions.sort(key=lambda own: (own.time, own.rule.id, own.subject))
        self._restraints.judge(step, now)

    def _restore_absence(self, kept: RuleState) -> bool:
        place = self._teller.silence_named(kept.rule, kept.subject)
        if place is not None:
            marks = tuple(Mark(own.time, 0 if own.level is None else 1, own.value) for own in kept.marks)
            if not marks and kept.level is not None:
                marks = (Mark(kept.at, 1, None),)
            self._absences.adopt(*place, marks)
        return place is not None

    def _restore_fused(self, kept: RuleState) -> bool:
        place = self._teller.fusion_named(kept.rule, kept.subject)
        if place is not None:
            rank_of = self.plan.fusions[place].rank_of
            self._fusings.restore(place, tuple(Mark(own.time, rank_of(own.level), own.value) for own in kept.marks))
        return place is not None


def _old(marks: tuple[Mark, ...], before: int) -> bool:
    return bool(marks) and not marks[-1].rank and marks[-1].time < before


def _result(*, again: bool, verdict: Verdict) -> str:
    if not again:
        return "quiet"
    return "rewritten" if verdict.wrong is not None or verdict.kept < len(verdict.story.marks) else "confirmed"
