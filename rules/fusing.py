"""Fused rules at work: which must be looked at again, and what their members say."""

from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import NamedTuple

from domain.alert import AlertEvent
from rules.fusion import Fusion, evaluate
from rules.marks import Mark, difference, following, rank_at, trimmed
from rules.plan import Ints, Plan
from rules.silence import COVERAGE
from rules.step import Step
from rules.truth import BEGINNING, END, Truth

#: The history of a leaf on a datastream, by the name of the leaf (or COVERAGE).
Leaves = Callable[[str, int], tuple[Mark, ...]]
#: Whether a datastream was ever heard.
Heard = Callable[[int], bool]


class FoundFused(NamedTuple):
    """The new history of one fused rule on one subject: where it differs from the one that stood."""

    place: int
    marks: tuple[Mark, ...]
    kept: int
    wrong: int | None
    due: int | None


class Fusings:
    """What the evaluator remembers of fused rules.

    Args:
        plan: Its fusions.
        zone: The time of the place, for stretches of the day.
        horizon: For how long late observations may change the past, microseconds.
    """

    def __init__(self, plan: Plan, zone: tzinfo, horizon: int) -> None:
        self._plan = plan
        self._zone = zone
        self._horizon = horizon
        self._marks: dict[int, tuple[Mark, ...]] = {}
        self._due: dict[int, int] = {}
        #: Up to when each has been evaluated, and the latest of them.
        self._reached: dict[int, int] = {}
        self._frontier = BEGINNING
        self._users: dict[tuple[str, int], list[int]] = {}
        for place, fusion in enumerate(plan.fusions):
            for leaf in fusion.leaves:
                names = (leaf.name,) if leaf.leaf.absent is not None else (leaf.name, COVERAGE)
                for number in leaf.members:
                    for name in names:
                        self._users.setdefault((name, number), []).append(place)
        #: Whatever stood before, everything is looked at once after a start.
        self._all = True

    def _birth(self, number: int) -> int:
        """When a datastream was registered."""
        return self._plan.watched[number].registered_at

    def marks(self, place: int) -> tuple[Mark, ...]:
        """The history of one fused rule on its subject."""
        return self._marks.get(place, ())

    def standing(self) -> Iterator[tuple[int, tuple[Mark, ...]]]:
        """Everything that has a history."""
        yield from self._marks.items()

    def restore(self, place: int, marks: tuple[Mark, ...]) -> None:
        """Takes over what was kept."""
        self._marks[place] = marks

    def adopt(self, step: Step) -> None:
        """Remembers a step."""
        for place, marks in step.fusions.items():
            if marks:
                self._marks[place] = marks
            else:
                self._marks.pop(place, None)
        self._reached |= step.reached
        self._frontier = max(self._frontier, *step.reached.values()) if step.reached else self._frontier
        for place, due in step.due.items():
            if due is None:
                self._due.pop(place, None)
            else:
                self._due[place] = due
        if step.clock is not None:
            self._all = False

    def judge(
        self, step: Step, leaves: Leaves, stood: Leaves, heard: Heard, clock: Ints | None
    ) -> Iterator[FoundFused]:
        """The fused rules whose members changed in this step, and (with a clock) those that time moves."""
        begin: dict[int, int] = {}
        until: dict[int, int] = {}
        for (name, number), time in step.dirty.items():
            known = leaves(name, number)
            newest = max(time, known[-1].time) if known else time
            for place in self._users.get((name, number), ()):
                begin[place] = min(time, begin.get(place, time))
                until[place] = max(newest, until.get(place, newest))
        if clock is not None:
            self._by_time(clock, begin, until)
        for place in sorted(begin):
            if place not in self._reached:
                # The first look after a start: what was due up to the newest change of a member was told before.
                newest = self._newest(place, stood)
                begin[place] = min(begin[place], newest)
                until[place] = max(until[place], newest if newest < END else until[place])
            # What was due meanwhile comes first.
            if self._due.get(place, until[place] + 1) <= until[place]:
                begin[place] = min(begin[place], self._due[place])
            fusion = self._plan.fusions[place]
            until[place] = max(until[place], self._reached.get(place, until[place]))
            try:
                found = self._look(place, fusion, (begin[place], until[place]), self.truths(fusion, leaves, heard))
            except Exception as exc:  # noqa: BLE001 - one rule's fault must not silence the others
                step.failures[fusion.rule.id] = f"{type(exc).__name__}: {exc}"
                continue
            step.reached[place] = until[place]
            if found is not None:
                yield found

    def _by_time(self, clock: Ints, begin: dict[int, int], until: dict[int, int]) -> None:
        places = range(len(self._plan.fusions)) if self._all else list(self._due)
        for place in places:
            now = self._clock_of(place, clock)
            if self._all:
                begin[place] = min(now, begin.get(place, now))
            elif self._due[place] <= now:
                begin[place] = min(begin.get(place, now), self._due[place])
            if place in begin:
                until[place] = max(now, until.get(place, now))

    def _newest(self, place: int, leaves: Leaves) -> int:
        """When a member of a fused rule changed last; the end of time if none ever did."""
        fusion = self._plan.fusions[place]
        names = [(leaf.name, COVERAGE) if leaf.leaf.absent is None else (leaf.name,) for leaf in fusion.leaves]
        marks = [
            leaves(name, number)[-1:]
            for leaf, own in zip(fusion.leaves, names, strict=True)
            for number in leaf.members
            for name in own
        ]
        return max([mark.time for last in marks for mark in last], default=END)

    def _clock_of(self, place: int, clock: Ints) -> int:
        members = [number for leaf in self._plan.fusions[place].leaves for number in leaf.members]
        return int(clock[members].min()) if members else int(clock.max(initial=0))

    def _look(
        self, place: int, fusion: Fusion, span: tuple[int, int], truth_of: Callable[[str, int], Truth]
    ) -> FoundFused | None:
        marks = self.marks(place)
        until = max(span[1], marks[-1].time if marks else span[1])
        # What lies so far back that its members' past may be forgotten stays as it is.
        since = max(span[0] - 1, self._frontier - self._horizon + fusion.reach)
        outcome = evaluate(fusion, truth_of, since, until, self._zone, rank_at(marks, since))
        new = [Mark(own.time, 0 if own.event is AlertEvent.CLEARED else own.rank, None) for own in outcome.transitions]
        at = following(marks, since)
        wrong, same = difference(marks[at:], new)
        due = outcome.next_due
        if wrong is None and same == len(new):
            return FoundFused(place, marks, len(marks), None, due) if due != self._due.get(place) else None
        stays = trimmed(marks[:at], until - self._horizon)
        return FoundFused(place, stays + tuple(new), len(stays) + same, wrong, due)

    def truths(self, fusion: Fusion, leaves: Leaves, heard: Heard) -> Callable[[str, int], Truth]:
        """What the members of a fused rule say, as their histories tell it."""
        birth = self._birth
        absent = {leaf.name for leaf in fusion.leaves if leaf.leaf.absent is not None}

        def truth_of(name: str, number: int) -> Truth:
            own = [(mark.time, 1 if mark.rank else 0) for mark in leaves(name, number)]
            if name in absent:
                return Truth.of(0, own)
            if not heard(number):
                return Truth.of(-1, ())
            # Unknown while silent; but what was wrong when it fell silent is wrong until it says otherwise.
            gaps = [(mark.time, -1 if mark.rank else 0) for mark in leaves(COVERAGE, number)]
            # Before it was registered nothing was known of it; unless it had been heard before that.
            before = -1 if gaps and gaps[0][0] <= birth(number) else 0
            wrong, silent = 0, 0
            steps = []
            for time, kind, value in sorted([(t, 0, v) for t, v in own] + [(t, 1, v) for t, v in gaps]):
                if kind:
                    silent = value
                else:
                    wrong = value
                steps.append((time, wrong or silent))
            return Truth.of(before, steps)

        return truth_of
