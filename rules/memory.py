"""What the evaluator remembers of datastreams: newest samples, quiet bands, and the stories that are not quiet."""

from datetime import tzinfo

import numpy as np
from numpy.typing import NDArray

from domain.transition import RuleState
from rules.baseline import Baseline, usual
from rules.gates import Gate
from rules.judging import Series, Work
from rules.marks import Mark
from rules.past import Past
from rules.plan import Floats, Ints, Plan
from rules.scores import look_back
from rules.silence import NEVER
from rules.step import Dense, Step, Story
from rules.threshold import Sample, State
from rules.track import Track

_HOUR = 3_600_000_000
#: Datastreams whose past is read at once.
_AT_ONCE = 2_000


class Memory:
    """Everything about datastreams lies in arrays by dense number; stories are kept only where something happened.

    Args:
        plan: Datastreams and their tracks.
        zone: The time of the place, for usual values by the hour.
    """

    def __init__(self, plan: Plan, zone: tzinfo) -> None:
        self._plan = plan
        self._zone = zone
        size = len(plan.watched)
        self._evaluated: Ints = np.full(size, NEVER, dtype=np.int64)
        self._doubtful: Ints = np.full(size, NEVER, dtype=np.int64)
        #: Up to when something has been decided, perhaps by the clock, after the newest sample.
        self._decided: Ints = np.full(size, NEVER, dtype=np.int64)
        self._held: Floats = np.full(size, np.nan)
        self._low, self._high = plan.low.copy(), plan.high.copy()
        self._width = max((len(own) for own in plan.tracks), default=0) or 1
        #: By key: a track of a datastream.
        self.stories: dict[int, Story] = {}
        #: Stories with a running delay.
        self.pending: dict[int, None] = {}
        #: Stories of measures whose last score is not known after a restart: they are found anew.
        self.unsure: set[int] = set()
        self.clock: Ints = np.full(size, NEVER, dtype=np.int64)
        self.listening: Ints = np.full(size, NEVER, dtype=np.int64)
        #: Late samples matter where something happened, or where a measure looks back.
        self._attentive = np.zeros(size, dtype=bool)
        self._measured = np.zeros(size, dtype=bool)
        self._gates = [Gate(own.measure, own.numbers, size, own.low, own.high) for own in plan.measured]
        for own in plan.measured:
            self._measured[own.numbers] = True
        self._attentive |= self._measured
        #: How far measures look back; and until when their gates cannot be relied on: everything is looked at.
        self._reach: Ints = np.array(
            [max((look_back(one) for one in own if one.measure is not None), default=0) for own in plan.tracks],
            dtype=np.int64,
        )
        self._hot: Ints = np.full(size, NEVER, dtype=np.int64)
        self._baselines: dict[tuple[int, int, int, int], Baseline] = {}

    # Names.

    def key(self, number: int, place: int) -> int:
        """The key of a track of a datastream."""
        return number * self._width + place

    def track_of(self, key: int) -> tuple[int, Track]:
        """The datastream and the track of a key."""
        number, place = divmod(key, self._width)
        return number, self._plan.tracks[number][place]

    def named(self, name: str, number: int) -> int | None:
        """The key of a track by its name; None if the datastream has no such track."""
        for place, own in enumerate(self._plan.tracks[number]):
            if own.name == name:
                return self.key(number, place)
        return None

    # What was seen.

    @property
    def seen(self) -> Ints:
        """The newest datum of each datastream, of any quality; NEVER if there is none."""
        return np.maximum(self._evaluated, self._doubtful)

    def last(self, number: int) -> Sample | None:
        """The newest good sample of a datastream on which a rule is not normal."""
        time = int(self._evaluated[number])
        return None if time == NEVER else Sample(time, float(self._held[number]))

    def heard(self, number: int, step: Step) -> bool:
        """Whether anything ever came from a datastream, this step included."""
        if max(self._evaluated[number], self._doubtful[number]) != NEVER:
            return True
        return step.batch is not None and bool((step.batch.numbers == number).any())

    def late(self, dense: Dense) -> int:
        """How many good observations of a batch are older than the newest evaluated one."""
        return int(np.count_nonzero((dense.times < self._evaluated.take(dense.numbers)) & (dense.qualities == 0)))

    # What matters.

    def interesting(self, dense: Dense, past: Past) -> NDArray[np.bool_]:
        """The observations whose datastreams must be judged one by one."""
        index, times, values, qualities = dense
        outside = ~((values >= self._low.take(index)) & (values <= self._high.take(index)))
        late = (times < self._evaluated.take(index)) & self._attentive.take(index)
        late |= times <= self._decided.take(index)
        chosen = outside | late
        if qualities.any():
            chosen &= qualities == 0
        if self._gates:
            chosen |= times <= self._hot.take(index)
            in_order = times > self._evaluated.take(index)
            rows = slice(None) if in_order.all() else np.flatnonzero(in_order)
            part = (index[rows], times[rows], values[rows], qualities[rows])
            for gate in self._gates:
                self._load_usual(gate, part[0], part[1], past)
                chosen[rows] |= gate.look(*part)
        return chosen

    def _load_usual(self, gate: Gate, index: NDArray[np.intp], times: Ints, past: Past) -> None:
        """Tells a gate what is usual in the hours of a batch, unless they are many: then it looks at everything."""
        deviation = gate.measure.deviation
        if deviation is None:
            return
        numbers, hours = gate.stale(index, times)
        if not len(numbers) or len(np.unique(hours)) > 2:
            return
        ids = np.array([self._plan.watched[number].datastream for number in numbers.tolist()], dtype=np.int32)
        since = int(hours.min()) - (deviation.days + 2) * 24 * _HOUR
        known = past.hourly(np.unique(ids), since, int(hours.max()))
        found = usual(known, (ids, hours), days=deviation.days, least_days=deviation.least_days, zone=self._zone)
        gate.load(numbers, hours, found)

    def works(self, dense: Dense, chosen: NDArray[np.bool_]) -> dict[int, Work]:
        """What each chosen datastream brings, in order of time; of several values of one instant, the first."""
        marked = np.zeros(len(self._evaluated), dtype=bool)
        marked[dense.numbers[chosen]] = True
        rows = np.flatnonzero(marked.take(dense.numbers))
        rows = rows[np.lexsort((dense.times[rows], dense.numbers[rows]))]
        index, times = dense.numbers[rows], dense.times[rows]
        single = np.append(True, (index[1:] != index[:-1]) | (times[1:] != times[:-1]))
        rows, index, times = rows[single], index[single], times[single]
        values, qualities = dense.values[rows], dense.qualities[rows]
        newest = self._evaluated.take(index)
        good = qualities == 0
        fresh, late = good & (times > newest), good & (times < newest)
        starts = np.flatnonzero(np.append(True, index[1:] != index[:-1]))
        # Where anything is late, or older than what the clock has decided.
        behind = np.logical_or.reduceat(late | (times <= self._decided.take(index)), starts)
        special = set(starts[behind].tolist())
        whole = np.logical_and.reduceat(fresh, starts).tolist()
        ends = np.append(starts[1:], len(index))
        found = {}
        numbers = zip(index[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
        for place, (number, begin, end) in enumerate(numbers):
            span = slice(begin, end)
            found[number] = Work(
                fresh=(times[span], values[span])
                if whole[place]
                else (times[span][fresh[span]], values[span][fresh[span]]),
                last=self.last(number),
                late=[] if whole[place] else _samples(times[span], values[span], late[span]),
                known=None,
                first=int(times[begin]),
                rows=Series(times[span], values[span], qualities[span]),
                newest=max(int(newest[begin]), int(times[end - 1])),
                plain=begin not in special and not self._measured[number],
            )
        return found

    def idle(self, number: int) -> Work:
        """A datastream to which nothing has come."""
        newest = int(self._evaluated[number])
        nothing = Series(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int16))
        return Work(
            fresh=(nothing.times, nothing.values),
            last=self.last(number),
            late=[],
            known=None,
            first=newest + 1,
            rows=nothing,
            newest=newest,
            plain=False,
        )

    def baseline(self, number: int, own: Track, work: Work, past: Past) -> Baseline | None:
        """The usual values of a datastream by the hour, for a track that judges the deviation from them."""
        deviation = own.measure.deviation if own.measure is not None else None
        if deviation is None or work.known is None or not len(work.known.times):
            return None
        begin, end = int(work.known.times[0]) // _HOUR, int(work.known.times[-1]) // _HOUR
        key = (number, deviation.days, begin, end)
        if key not in self._baselines or work.late:
            if len(self._baselines) > 10_000:
                self._baselines.clear()
            ids = np.array([self._plan.watched[number].datastream], dtype=np.int32)
            since = (begin - (deviation.days + 2) * 24) * _HOUR
            _, hours, means = past.hourly(ids, since, (end + 1) * _HOUR)
            self._baselines[key] = Baseline.of(
                hours, means, days=deviation.days, least_days=deviation.least_days, zone=self._zone
            )
        return self._baselines[key]

    # What is remembered.

    def adopt(self, step: Step) -> None:
        """Remembers a step."""
        if step.batch is not None:
            if self._gates:
                self._take(step.batch)
            index, times, _, qualities = step.batch
            good = qualities == 0
            np.maximum.at(self._evaluated, index[good], times[good])
            if not good.all():
                np.maximum.at(self._doubtful, index[~good], times[~good])
        for number, sample in step.samples.items():
            self._held[number] = sample.value
        for key, story in step.stories.items():
            self._store(key, story)
            self.unsure.discard(key)
        for number in {key // self._width for key in step.stories}:
            self._attend(number)
        if step.clock is not None:
            self.clock = step.clock
        if step.listening is not None:
            self.listening = step.listening

    def _take(self, batch: Dense) -> None:
        """Lets the gates remember what came in order; after what came late, they are not relied on for a while."""
        index, times, values, qualities = batch
        in_order = times > self._evaluated.take(index)
        for gate in self._gates:
            gate.take(index[in_order], times[in_order], values[in_order], qualities[in_order])
        if not in_order.all():
            late = index[~in_order]
            np.maximum.at(self._hot, late, times[~in_order] + self._reach[late])

    def warm(self, past: Past) -> None:
        """Lets the gates look back after a start, so that they can be relied on at once."""
        numbers = np.flatnonzero(self._measured & (self._evaluated != NEVER))
        for begin in range(0, len(numbers), _AT_ONCE):
            part = numbers[begin : begin + _AT_ONCE]
            ids = np.array([self._plan.watched[number].datastream for number in part.tolist()], dtype=np.int32)
            found = past.samples(ids, self._evaluated[part] - self._reach[part])
            index = self._plan.index(found.datastreams)
            known = found.times <= self._evaluated.take(index)
            for gate in self._gates:
                gate.take(index[known], found.times[known], found.values[known], found.qualities[known])
            self._hot[part] = NEVER

    def remember(self, index: NDArray[np.intp], times: Ints, values: Floats, *, good: bool) -> None:
        """Takes over the newest observation of each datastream; `good`: evaluated, too."""
        known = index >= 0
        index, times, values = index[known], times[known], values[known]
        np.maximum.at(self._evaluated if good else self._doubtful, index, times)
        if good:
            self._held[index] = values
            self._hot[index] = times + self._reach[index]

    def inherit(self, former: "Memory", index: NDArray[np.intp]) -> None:
        """Takes over from a memory with an older plan; `index`: our dense number of each of its datastreams."""
        known = index >= 0
        for mine, theirs in zip(self.columns(), former.columns(), strict=True):
            mine[index[known]] = theirs[known]
        self._hot = np.where(self._evaluated == NEVER, NEVER, self._evaluated + self._reach)

    def columns(self) -> tuple[NDArray[np.int64] | NDArray[np.float64], ...]:
        """What is remembered of each datastream, by dense number."""
        return self._evaluated, self._doubtful, self._held, self.clock, self.listening

    def restore(self, kept: RuleState) -> bool:
        """Takes over a story; False if it belongs to no track."""
        kind, _, identifier = kept.subject.partition(":")
        if kind != "datastream" or not identifier.isdigit() or int(identifier) >= len(self._plan.lookup):
            return False
        number = int(self._plan.lookup[int(identifier)])
        key = self.named(kept.rule, number) if number >= 0 else None
        if key is None:
            return False
        own = self.track_of(key)[1]
        rank = own.rank_of(kept.level)
        state = State(rank, kept.since[: len(own.levels) - rank], kept.at, kept.back[:rank])
        marks = tuple(Mark(mark.time, own.rank_of(mark.level), mark.value) for mark in kept.marks)
        if rank and not marks:
            marks = (Mark(kept.at, rank, None),)
        self._store(key, Story(state, marks))
        self._attend(number)
        if own.measure is not None and state.pending:
            self.unsure.add(key)
        return True

    def _store(self, key: int, story: Story) -> None:
        if story.state.normal and not story.marks and story.last is None:
            self.stories.pop(key, None)
        else:
            self.stories[key] = story
        if story.state.pending:
            self.pending[key] = None
        else:
            self.pending.pop(key, None)

    def _attend(self, number: int) -> None:
        """How closely a datastream is watched; its quiet band is empty while any of its tracks is not normal."""
        busy, decided, first = False, NEVER, number * self._width
        for key in range(first, first + len(self._plan.tracks[number])):
            story = self.stories.get(key)
            if story is not None:
                busy = busy or not story.state.normal
                if story.marks and story.marks[-1].time > decided:
                    decided = story.marks[-1].time
        self._low[number] = np.inf if busy else self._plan.low[number]
        self._high[number] = -np.inf if busy else self._plan.high[number]
        self._decided[number] = decided
        self._attentive[number] = busy or decided != NEVER or self._measured[number]


def joined(work: Work, stored: Series) -> Series:
    """What was stored and what comes now, in order; of two values of one instant, the stored one.

    What is stored but stands ahead of the samples that are judged now is left for its own turn.
    """
    inside = stored.times <= work.newest
    times = np.concatenate([stored.times[inside], work.rows.times])
    _, chosen = np.unique(times, return_index=True)
    return Series(
        times[chosen],
        np.concatenate([stored.values[inside], work.rows.values])[chosen],
        np.concatenate([stored.qualities[inside], work.rows.qualities])[chosen],
    )


def _samples(times: Ints, values: Floats, chosen: NDArray[np.bool_]) -> list[Sample]:
    return list(map(Sample, times[chosen].tolist(), values[chosen].tolist()))
