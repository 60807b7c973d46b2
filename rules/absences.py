"""What the evaluator remembers of absence, for every plan of silence at once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.marks import Mark, difference, following, settled, trimmed
from rules.past import Past
from rules.plan import Ints, Plan
from rules.silence import COVERAGE, NEVER, episodes, overdue

_FAR = np.iinfo(np.int64).max


class Found(NamedTuple):
    """The new history of one subject: where it differs from the one that stood (see `marks.difference`)."""

    plan: int
    position: int
    marks: tuple[Mark, ...]
    kept: int
    wrong: int | None


class World(NamedTuple):
    """What is known of all datastreams, by dense number, and what is stored of them."""

    #: The newest datum of each before those that come now.
    seen: Ints
    clock: Ints
    listening: Ints
    past: Past


class Absences:
    """Which subjects are absent, and since when they were in the past.

    Args:
        plan: Its silences.
        horizon: For how long late observations may change the past, microseconds.
    """

    def __init__(self, plan: Plan, horizon: int) -> None:
        self._plan = plan
        self._horizon = horizon
        self._marks: list[dict[int, tuple[Mark, ...]]] = [{} for _ in plan.silences]
        self._absent = [np.zeros(len(silence.subjects), dtype=bool) for silence in plan.silences]
        size = len(plan.watched)
        #: The shortest silence that any plan notices, by datastream.
        self._tight: Ints = np.full(size, _FAR, dtype=np.int64)
        for silence in plan.silences:
            own = silence.place >= 0
            self._tight[own] = np.minimum(self._tight[own], silence.allowed[silence.place[own]])
        self._covered = np.zeros(size, dtype=bool)
        #: From when silence counts on what was never heard.
        self._born: Ints = np.array([item.registered_at for item in plan.watched], dtype=np.int64)
        for silence in plan.silences:
            own = silence.place >= 0
            self._born[own] = np.minimum(self._born[own], silence.birth[silence.place[own]])
            if silence.name == COVERAGE:
                self._covered = own
        #: Datastreams of subjects that are absent now; and up to when late data may change the history of theirs.
        self._open = np.zeros(size, dtype=bool)
        self._decided: Ints = np.full(size, NEVER, dtype=np.int64)

    def marks(self, plan: int, position: int) -> tuple[Mark, ...]:
        """The history of one subject."""
        return self._marks[plan].get(position, ())

    def standing(self) -> Iterator[tuple[int, int, tuple[Mark, ...]]]:
        """Plan, position and history of everything that has one."""
        for number, own in enumerate(self._marks):
            for position, marks in own.items():
                yield number, position, marks

    def adopt(self, plan: int, position: int, marks: tuple[Mark, ...]) -> None:
        """Remembers a history."""
        silence = self._plan.silences[plan]
        if marks:
            self._marks[plan][position] = marks
        else:
            self._marks[plan].pop(position, None)
        self._absent[plan][position] = bool(marks and marks[-1].rank)
        for number in range(int(silence.first[position]), int(silence.last[position])):
            # A datastream may belong to subjects of several plans.
            own = [
                self._marks[other].get(int(one.place[number]), ())
                for other, one in enumerate(self._plan.silences)
                if one.place[number] >= 0
            ]
            newest = [known[-1] for known in own if known]
            self._open[number] = any(mark.rank for mark in newest)
            self._decided[number] = max((mark.time for mark in newest), default=NEVER)

    def pass_time(self, seen: Ints, clock: Ints, listening: Ints) -> list[Found]:
        """Silences that began by the clock."""
        found = []
        for number, silence in enumerate(self._plan.silences):
            for position, time in overdue(silence, seen, self._absent[number], clock, listening):
                before = trimmed(self.marks(number, position), time - self._horizon)
                marks = (*before, Mark(max(time, before[-1].time if before else time), 1, None))
                found.append(Found(number, position, marks, len(before), None))
        return found

    def observe(self, numbers: NDArray[np.intp], times: Ints, world: World) -> list[Found]:
        """What data bring about, of any quality.

        Only data that come after a long gap, end an absence, or come late where there is a history are looked at one
        by one.
        """
        if not self._plan.silences or not len(numbers):
            return []
        before = np.maximum(world.seen, world.listening)
        np.maximum(before, self._born, out=before)
        # The first datum of what fused rules look at ends what is unknown, however soon it comes.
        before[self._covered & (world.seen == NEVER)] = NEVER // 2
        concerned = self._open.take(numbers) | (times <= self._decided.take(numbers))
        if not ((times - before.take(numbers) > self._tight.take(numbers)) | concerned).any():
            return []
        rows_of_note = self._gapped(numbers, times, before, concerned)
        found = []
        for number, silence in enumerate(self._plan.silences):
            wanted = np.unique(silence.place[numbers[rows_of_note]])
            wanted = wanted[wanted >= 0]
            if not len(wanted):
                continue
            chosen = np.zeros(len(silence.subjects) + 1, dtype=bool)
            chosen[wanted] = True
            places = silence.place.take(numbers)
            rows = np.flatnonzero(chosen[places] & (places >= 0))
            rows = rows[np.lexsort((times[rows], places[rows]))]
            edges = (
                np.searchsorted(places[rows], wanted, side="left"),
                np.searchsorted(places[rows], wanted, side="right"),
            )
            for position, begin, end in zip(wanted.tolist(), *(edge.tolist() for edge in edges), strict=True):
                own = times[rows[begin:end]]
                if end - begin > 1:
                    own = own[np.append(True, own[1:] != own[:-1])]
                outcome = self._subject(number, position, own, world)
                if outcome is not None:
                    found.append(outcome)
        return found

    def _gapped(
        self, numbers: NDArray[np.intp], times: Ints, before: Ints, concerned: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """Rows after a long gap, between two data or before the first; and those that are concerned anyway."""
        order = np.lexsort((times, numbers))
        sorted_numbers, sorted_times = numbers[order], times[order]
        first = np.append(True, sorted_numbers[1:] != sorted_numbers[:-1])
        previous = np.where(first, before.take(sorted_numbers), np.append(sorted_times[:1], sorted_times[:-1]))
        gapped = (sorted_times - previous > self._tight.take(sorted_numbers)) | concerned[order]
        return order[gapped]

    def _subject(self, number: int, position: int, times: Ints, world: World) -> Found | None:
        silence = self._plan.silences[number]
        first, last = int(silence.first[position]), int(silence.last[position])
        newest = int(world.seen[first:last].max())
        marks = self.marks(number, position)
        fresh, late = times[times > newest], times[times < newest]
        allowed = int(silence.allowed[position])
        since, previous = newest, newest
        touching = next((time for time in late.tolist() if self._touched(marks, time, allowed)), None)
        if touching is not None:
            since = settled(marks, touching, allowed)
            ids = np.array([w.datastream for w in self._plan.watched[first:last]], dtype=np.int32)
            known = world.past.samples(ids, np.full(len(ids), since - allowed, dtype=np.int64)).times
            all_times = np.unique(np.concatenate([known, times]))
            all_times = all_times[all_times <= max(newest, int(times[-1]))]
            earlier = all_times[all_times <= since]
            previous = int(earlier[-1]) if len(earlier) else NEVER
            fresh = all_times[all_times > since]
        elif not len(fresh):
            return None
        at = following(marks, since)
        old = marks[at:]
        birth, heard = int(silence.birth[position]), int(world.listening[first])
        unheard = int(silence.unheard[position])
        new: list[Mark] = []
        if old and old[-1].rank and len(old) == 1 and int(fresh[0]) > old[0].time and since == newest:
            # The silence that stands was real: it ends with the first datum after its beginning.
            new = [old[0], Mark(int(fresh[0]), 0, None)]
            previous, fresh = int(fresh[0]), fresh[1:]
        new += episodes(fresh, previous, birth=birth, allowed=allowed, unheard=unheard, listening=heard)
        deadline = max(int(times[-1]), newest, birth, heard) + allowed
        if old and old[-1].rank and deadline < int(world.clock[first]):
            # It is still absent by the clock, only since later.
            new.append(Mark(deadline, 1, None))
        wrong, same = difference(old, new)
        if wrong is None and same == len(new):
            return None
        stays = trimmed(marks[:at], int(times[-1]) - self._horizon)
        return Found(number, position, stays + tuple(new), len(stays) + same, wrong)

    @staticmethod
    def _touched(marks: tuple[Mark, ...], time: int, allowed: int) -> bool:
        """Whether a late datum lies where a silence was, or where it would have put off one."""
        at = following(marks, time)
        inside = bool(at and marks[at - 1].rank)
        return inside or (at < len(marks) and marks[at].time - allowed <= time)
