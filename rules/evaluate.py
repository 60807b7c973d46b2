"""The pure engine: observations and a clock in, transitions out; nothing is remembered until it is adopted.

A batch is reduced with numpy to the few datastreams that matter: those with a value outside their quiet band, and those
on which a rule is not normal (their band is empty, so that every value lies outside). Only these go through the state
machine of `threshold`, one sample after the other in event time.

`evaluate` and `tick` change nothing: they return a Step, which the caller commits and then adopts. A crash or a failed
commit in between leaves the memory as it was.

Late observations (older than the newest good one of their datastream) cannot change what has been decided since: the
states keep no past. While a rule is normal on the datastream, late samples are judged by themselves (`excursion`): what
they would have raised is raised and cleared, in event time. While a rule is not normal, or its delay does not run out
within the late samples alone, they are counted as `undecided`, and nothing else. `_late` is the one place where a full
evaluation anew from their time on can take over.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent, Level
from domain.subject import datastream_subject
from domain.transition import RuleState
from rules.plan import Floats, Ints, Plan
from rules.silence import NEVER, judge
from rules.step import Index, Key, Observations, Step, Transition
from rules.threshold import NORMAL, Change, Sample, State, reveal, run
from rules.track import Track


class Evaluator:
    """What the engine remembers, and the functions over it.

    Args:
        plan: Rules laid over the registry.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        size = len(plan.watched)
        self._evaluated: Ints = np.full(size, NEVER, dtype=np.int64)
        self._doubtful: Ints = np.full(size, NEVER, dtype=np.int64)
        self._held: Floats = np.full(size, np.nan)
        self._low, self._high = plan.low.copy(), plan.high.copy()
        self._states: dict[Key, State] = {}
        self._absent = [np.full(len(silence.subjects), NEVER, dtype=np.int64) for silence in plan.silences]
        self._pending: dict[int, None] = {}
        self._clock = NEVER

    # Restoring what was committed.

    def restore(self, standings: Iterable[RuleState]) -> list[RuleState]:
        """Takes over what was kept; returns what fits no rule or subject any more."""
        orphans = []
        silent = {
            (silence.rule.id, subject): (number, position)
            for number, silence in enumerate(self.plan.silences)
            for position, subject in enumerate(silence.subjects)
        }
        for kept in standings:
            key = (kept.rule, kept.subject)
            number = self._number(kept.subject)
            own = next((t for t in self.plan.tracks[number] if t.name == kept.rule), None) if number >= 0 else None
            if key in silent:
                place = silent[key]
                self._absent[place[0]][place[1]] = kept.at
            elif own is not None:
                rank = own.rank_of(kept.level)
                since = kept.since[: len(own.levels) - rank]
                self._set_state(number, key, State(rank, since, kept.at))
            else:
                orphans.append(kept)
        return orphans

    def remember(self, datastreams: NDArray[np.int32], times: Ints, values: Floats, *, good: bool) -> None:
        """Takes over the newest observation that was seen on each datastream; `good`: evaluated, too."""
        index = self.plan.index(datastreams)
        known = index >= 0
        index, times, values = index[known], times[known], values[known]
        np.maximum.at(self._evaluated if good else self._doubtful, index, times)
        if good:
            self._held[index] = values

    def inherit(self, former: "Evaluator") -> list[RuleState]:
        """Takes over everything from an evaluator with an older plan; returns what fits no rule or subject any more."""
        datastreams, evaluated, doubtful, held = former.newest()
        self.remember(datastreams, evaluated, held, good=True)
        self.remember(datastreams, doubtful, held, good=False)
        self._clock = former.clock
        return self.restore(former.standings())

    @property
    def clock(self) -> int:
        """The latest instant that was judged, microseconds since 1970 (UTC)."""
        return self._clock

    def newest(self) -> tuple[NDArray[np.int32], Ints, Ints, Floats]:
        """For each datastream: its id, the times of its newest good and doubtful values, and the value that holds."""
        datastreams = np.array([w.datastream for w in self.plan.watched], dtype=np.int32)
        return datastreams, self._evaluated, self._doubtful, self._held

    def standings(self) -> list[RuleState]:
        """Everything that is not normal."""
        kept = [
            RuleState(rule=key[0], subject=key[1], level=self._level(key, state), since=state.since, at=state.at)
            for key, state in self._states.items()
        ]
        for silence, absent in zip(self.plan.silences, self._absent, strict=True):
            kept += [
                RuleState(
                    rule=silence.rule.id,
                    subject=silence.subjects[position],
                    level=silence.level,
                    since=(),
                    at=int(absent[position]),
                )
                for position in np.flatnonzero(absent != NEVER)
            ]
        return kept

    # Evaluation.

    def evaluate(self, batch: Observations) -> Step:
        """What a batch brings about."""
        step = Step(observations=len(batch.times))
        index, times, values, qualities = self.plan.index(batch.datastreams), batch.times, batch.values, batch.qualities
        if index.size and index.min() < 0:
            known = index >= 0
            step.unknown = int(index.size - known.sum())
            index, times, values, qualities = index[known], times[known], values[known], qualities[known]
        if qualities.any():
            good = qualities == 0
            step.doubtful = (index[~good], times[~good])
            index, times, values = index[good], times[good], values[good]
        step.good = (index, times)
        late = int(np.count_nonzero(times < self._evaluated.take(index)))
        outside = ~((values >= self._low.take(index)) & (values <= self._high.take(index)))
        if outside.any():
            marked = np.zeros(len(self.plan.watched), dtype=bool)
            marked[index[outside]] = True
            chosen = np.flatnonzero(marked.take(index))
            chosen = chosen[np.lexsort((times[chosen], index[chosen]))]
            for number, samples in _runs(index[chosen], times[chosen], values[chosen]):
                late -= self._judge(step, number, samples)
        if late:
            step.late["quiet"] += late
        step.transitions.sort(key=lambda t: t.time)
        return step

    def tick(self, now: int) -> Step:
        """What the passing of time brings about, up to the caught-up clock; it never runs backwards."""
        now = max(now, self._clock)
        step = Step(clock=now)
        for number in self._pending:
            last = Sample(int(self._evaluated[number]), float(self._held[number]))
            for own in self.plan.tracks[number]:
                changes: list[Change] = []
                before = self._states.get((own.name, self._subject(number)), NORMAL)
                if before.since:
                    after = reveal(own, before, last, now, changes)
                    self._note(step, number, own, (before, after), changes)
        seen = np.maximum(self._evaluated, self._doubtful)
        for place, (silence, absent) in enumerate(zip(self.plan.silences, self._absent, strict=True)):
            for change in judge(silence, seen, absent, now):
                subject = silence.subjects[change.position]
                step.absences.append((place, change.position, change.time if change.began else NEVER))
                step.standings[silence.rule.id, subject] = (
                    RuleState(rule=silence.rule.id, subject=subject, level=silence.level, since=(), at=change.time)
                    if change.began
                    else None
                )
                step.transitions.append(
                    Transition(
                        rule=silence.rule,
                        subject=subject,
                        watched=self.plan.watched[int(silence.first[change.position])],
                        event=AlertEvent.RAISED if change.began else AlertEvent.CLEARED,
                        time=change.time,
                        level=silence.level,
                        value=None,
                        threshold=float(silence.allowed[change.position]) / 1e6,
                    )
                )
        step.transitions.sort(key=lambda t: t.time)
        return step

    def adopt(self, step: Step) -> None:
        """Remembers a step; called after its commit."""
        if step.good is not None:
            np.maximum.at(self._evaluated, *step.good)
        if step.doubtful is not None:
            np.maximum.at(self._doubtful, *step.doubtful)
        for number, sample in step.samples.items():
            self._held[number] = sample.value
        for key, state in step.states.items():
            self._set_state(self._number(key[1]), key, state)
        for place, position, at in step.absences:
            self._absent[place][position] = at
        if step.clock is not None:
            self._clock = step.clock

    # The few that matter.

    def _judge(self, step: Step, number: int, samples: list[Sample]) -> int:
        """Runs all rules of one datastream over its samples, in order of time; returns how many samples were late."""
        time = int(self._evaluated[number])
        last = None if time == NEVER else Sample(time, float(self._held[number]))
        late = [s for s in samples if s.time < time]
        # A sample of the instant of the last one is the same sample again.
        fresh = [s for s in samples if s.time > time]
        subject = self._subject(number)
        for own in self.plan.tracks[number]:
            before = self._states.get((own.name, subject), NORMAL)
            changes: list[Change] = []
            try:
                if late:
                    step.late[self._late(own, before, late, time, changes)] += len(late)
                after = run(own, before, last, fresh, changes)
            except Exception as exc:  # noqa: BLE001 - one rule's fault must not silence the others
                step.failures[own.name] = f"{type(exc).__name__}: {exc}"
                continue
            self._note(step, number, own, (before, after), changes)
        if fresh:
            step.samples[number] = fresh[-1]
        return len(late)

    @staticmethod
    def _late(_own: Track, _state: State, _late: list[Sample], _newest: int, _changes: list[Change]) -> str:
        """Judges late samples of one rule; the result is a label of the metric."""
        return "undecided"

    def _note(self, step: Step, number: int, own: Track, states: tuple[State, State], changes: list[Change]) -> None:
        before, after = states
        if not changes and after == before:
            return
        key = (own.name, self._subject(number))
        if after != before and not (after.normal and before.normal):
            step.states[key] = after
            step.standings[key] = (
                None
                if after.normal
                else RuleState(
                    rule=key[0],
                    subject=key[1],
                    level=own.level(after.rank) if after.rank else None,
                    since=after.since,
                    at=after.at,
                )
            )
        rank = before.rank
        for change in changes:
            step.transitions.append(
                Transition(
                    rule=self.plan.rules[own.name],
                    subject=key[1],
                    watched=self.plan.watched[number],
                    event=change.event,
                    time=change.time,
                    level=own.level(change.rank),
                    value=change.value,
                    threshold=own.threshold(change.rank, change.value),
                    worse=change.event is AlertEvent.LEVEL_CHANGED and change.rank > rank,
                )
            )
            rank = change.rank

    def _subject(self, number: int) -> str:
        return datastream_subject(self.plan.watched[number].datastream)

    def _number(self, subject: str) -> int:
        """The dense number of a datastream's subject; -1 if it is none that the plan knows."""
        kind, _, identifier = subject.partition(":")
        if kind != "datastream" or not identifier.isdigit() or int(identifier) >= len(self.plan.lookup):
            return -1
        return int(self.plan.lookup[int(identifier)])

    def _level(self, key: Key, state: State) -> Level | None:
        own = next(t for t in self.plan.tracks[self._number(key[1])] if t.name == key[0])
        return own.level(state.rank) if state.rank else None

    def _set_state(self, number: int, key: Key, state: State) -> None:
        """Keeps a state; the quiet band of its datastream is empty while any of its rules is not normal."""
        if state.normal:
            self._states.pop(key, None)
        else:
            self._states[key] = state
        states = [self._states.get((own.name, key[1]), NORMAL) for own in self.plan.tracks[number]]
        busy = any(not s.normal for s in states)
        self._low[number] = np.inf if busy else self.plan.low[number]
        self._high[number] = -np.inf if busy else self.plan.high[number]
        if any(s.since for s in states):
            self._pending[number] = None
        else:
            self._pending.pop(number, None)


def _runs(index: Index, times: Ints, values: Floats) -> Iterator[tuple[int, list[Sample]]]:
    """The samples of each datastream; of several at one instant, the first."""
    starts = np.flatnonzero(np.append(True, index[1:] != index[:-1])).tolist()
    numbers = index[starts].tolist()
    instants, readings = times.tolist(), values.tolist()
    for number, begin, end in zip(numbers, starts, [*starts[1:], len(instants)], strict=True):
        yield (
            number,
            [
                Sample(instants[at], readings[at])
                for at in range(begin, end)
                if at == begin or instants[at] != instants[at - 1]
            ],
        )
