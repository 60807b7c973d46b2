"""The state machine of one threshold on one datastream: pure, in event time, one sample after the other.

Levels are ranks here: 0 is normal, 1 the mildest level of the rule, and so on. A rule that alarms below its limits is
turned round by a sign, so that larger is always worse.

A sample holds until the next one comes, but no longer than the reporting interval of its device: a gap in the data
never counts as violation. Two samples belong together while no more than one and a half intervals lie between them, so
that the ordinary jitter of a device does not restart a delay. What happens at an instant depends on the samples alone,
never on when they were delivered or when somebody looked.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from domain.alert import AlertEvent, Level
from domain.times import MICROS_PER_SECOND
from rules.rule import Position, Rule, Threshold


class Sample(NamedTuple):
    """A good value and its time, microseconds since 1970 (UTC)."""

    time: int
    value: float


@dataclass(frozen=True, slots=True)
class State:
    """Where a threshold stands. `since[i]` is when the violation of rank + 1 + i began, of which the delay is running.

    Times are microseconds since 1970 (UTC); `at` is the time of the last transition.
    """

    rank: int
    since: tuple[int, ...] = ()
    at: int = 0

    @property
    def normal(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.rank and not self.since


NORMAL = State(0)


class Change(NamedTuple):
    """A transition: the event, its time, the rank after it (before it, when cleared) and the value that caused it."""

    event: AlertEvent
    time: int
    rank: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """A rule as it runs on datastreams of one reporting interval. Times in microseconds."""

    rule: str
    #: 1 if larger values are worse, -1 if smaller ones are.
    sign: int
    #: Limits times the sign, the mildest first; `releases` are the limits moved inwards by the hysteresis.
    limits: tuple[float, ...]
    releases: tuple[float, ...]
    levels: tuple[Level, ...]
    delay: int
    #: How long a sample holds by itself.
    hold: int
    #: The longest distance of two samples between which a violation goes on.
    gap: int

    def level(self, rank: int) -> Level:
        """The level of a rank of at least 1."""
        return self.levels[rank - 1]

    def threshold(self, rank: int) -> float:
        """The limit of a rank of at least 1, in the unit of the property."""
        return self.sign * self.limits[rank - 1]

    def rank_of(self, level: Level | None) -> int:
        """The rank of a level that was kept; of the next milder one if the rule has it no longer."""
        return 0 if level is None else max(1, sum(1 for own in self.levels if own >= level))


def track(rule: Rule, interval_s: int) -> Track:
    """A threshold or position rule, made ready for devices of one reporting interval."""
    condition = rule.condition
    if isinstance(condition, Threshold):
        sign = 1 if condition.rising else -1
        ranked = sorted(((Level.parse(k), v.limit) for k, v in condition.limits.items()), reverse=True)
        levels = tuple(level for level, _ in ranked)
        limits = tuple(sign * limit for _, limit in ranked)
        hysteresis = condition.hysteresis
    elif isinstance(condition, Position):
        sign = 1 if condition.position else -1
        levels, limits, hysteresis = (Level.parse(condition.level),), (sign * 0.5,), 0.0
    else:
        raise TypeError(f"rule {rule.id} has no threshold")
    interval = interval_s * MICROS_PER_SECOND
    return Track(
        rule=rule.id,
        sign=sign,
        limits=limits,
        releases=tuple(_inwards(limit, hysteresis) for limit in limits),
        levels=levels,
        delay=condition.on_delay_s * MICROS_PER_SECOND,
        hold=interval,
        gap=interval * 3 // 2,
    )


def _inwards(limit: float, hysteresis: float) -> float:
    """The difference as a person reckons it: 0.21 less 0.01 is 0.2, and a value of 0.2 is there."""
    return float(Decimal(repr(limit)) - Decimal(repr(hysteresis)))


def _fire(own: Track, state: State, due_by: int, value: float, changes: list[Change]) -> State:
    """Begins every level whose delay has run out by `due_by`, in event time; of several at one instant, the worst."""
    while state.since and state.since[0] + own.delay <= due_by:
        due = state.since[0] + own.delay
        count = sum(1 for since in state.since if since + own.delay == due)
        rank = state.rank + count
        event = AlertEvent.LEVEL_CHANGED if state.rank else AlertEvent.RAISED
        # Never before the last transition, even if the clock revealed that one before this sample came.
        at = max(due, state.at)
        changes.append(Change(event, at, rank, value))
        state = State(rank, state.since[count:], at)
    return state


def reveal(own: Track, state: State, last: Sample, before: int, changes: list[Change]) -> State:
    """What the last sample brings about by holding, at instants earlier than `before`."""
    return _fire(own, state, min(before - 1, last.time + own.hold), last.value, changes)


def observe(own: Track, state: State, last: Sample | None, new: Sample, changes: list[Change]) -> State:
    """The state after a sample that is newer than the last; appends the transitions on the way."""
    if state.since and last is not None:
        state = reveal(own, state, last, new.time, changes)
        if new.time - last.time > own.gap:
            state = State(state.rank, (), state.at)
    score = new.value * own.sign
    reached = bisect_left(own.limits, score)
    if reached > state.rank:
        waiting = reached - state.rank
        since = state.since[:waiting]
        since += (new.time,) * (waiting - len(since))
        return _fire(own, State(state.rank, since, state.at), new.time, new.value, changes)
    kept = min(state.rank, bisect_left(own.releases, score))
    if kept == state.rank:
        return State(state.rank, (), state.at) if state.since else state
    at = max(new.time, state.at)
    if kept:
        changes.append(Change(AlertEvent.LEVEL_CHANGED, at, kept, new.value))
        return State(kept, (), at)
    changes.append(Change(AlertEvent.CLEARED, at, state.rank, new.value))
    return State(0, (), at)


def run(own: Track, state: State, last: Sample | None, samples: Iterable[Sample], changes: list[Change]) -> State:
    """The state after several samples in the order of their times."""
    for new in samples:
        state = observe(own, state, last, new, changes)
        last = new
    return state


def excursion(own: Track, samples: Sequence[Sample], until: int) -> list[Change]:
    """What late samples would have raised, by themselves, on a subject that is normal now; always cleared in the end.

    It ends when its last sample no longer holds, and at the latest at `until`, the time of the newest sample known.
    """
    changes: list[Change] = []
    state = run(own, NORMAL, None, samples, changes)
    last = samples[-1]
    state = reveal(own, state, last, until, changes)
    if state.rank:
        end = max(state.at, min(until, last.time + own.hold))
        changes.append(Change(AlertEvent.CLEARED, end, state.rank, last.value))
    return changes
