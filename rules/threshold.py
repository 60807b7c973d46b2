"""The state machine of one threshold on one datastream: pure, in event time, one sample after the other.

Levels are ranks here: 0 is normal, 1 the mildest level of the rule, and so on.

A sample holds until the next one comes, but no longer than the reporting interval of its device: a gap in the data
never counts as violation, and never as return. Two samples belong together while no more than one and a half intervals
lie between them, so that the ordinary jitter of a device does not restart a delay. What happens at an instant depends
on the samples alone, never on when they were delivered or when somebody looked.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent
from rules.track import Track

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Up to so many samples are quicker one by one.
_FEW = 8
#: How far a leap looks at once.
_STRIDE = 512


class Sample(NamedTuple):
    """A good value and its time, microseconds since 1970 (UTC)."""

    time: int
    value: float


@dataclass(frozen=True, slots=True)
class State:
    """Where a threshold stands. Times are microseconds since 1970 (UTC); `at` is the time of the last transition.

    `since[i]`: when the violation of rank + 1 + i began, of which the on-delay is running. `back[i]`: when the measure
    came back inside the limit of rank - i, of which the off-delay is running.
    """

    rank: int
    since: tuple[int, ...] = ()
    at: int = 0
    back: tuple[int, ...] = ()

    @property
    def normal(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.rank and not self.since

    @property
    def pending(self) -> bool:
        """Whether a delay is running."""
        return bool(self.since or self.back)


NORMAL = State(0)


class Change(NamedTuple):
    """A transition: the event, its time, the rank after it (before it, when cleared) and the value that caused it."""

    event: AlertEvent
    time: int
    rank: int
    value: float


def _raise(own: Track, state: State, due_by: int, value: float, changes: list[Change]) -> State:
    """Begins every level whose on-delay has run out by `due_by`; of several at one instant, the worst."""
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


def _release(own: Track, state: State, due_by: int, value: float, changes: list[Change]) -> State:
    """Ends every level whose off-delay has run out by `due_by`; of several at one instant, to the mildest."""
    while state.back and state.back[0] + own.off_delay <= due_by:
        due = state.back[0] + own.off_delay
        count = sum(1 for back in state.back if back + own.off_delay == due)
        rank = state.rank - count
        at = max(due, state.at)
        if rank:
            changes.append(Change(AlertEvent.LEVEL_CHANGED, at, rank, value))
        else:
            changes.append(Change(AlertEvent.CLEARED, at, state.rank, value))
        state = State(rank, (), at, state.back[count:])
    return state


def reveal(own: Track, state: State, last: Sample, before: int, changes: list[Change]) -> State:
    """What the last sample brings about by holding, at instants earlier than `before`."""
    due_by = min(before - 1, last.time + own.hold)
    if state.since:
        state = _raise(own, state, due_by, last.value, changes)
    if state.back:
        state = _release(own, state, due_by, last.value, changes)
    return state


def observe(own: Track, state: State, last: Sample | None, new: Sample, changes: list[Change]) -> State:
    """The state after a sample that is newer than the last; appends the transitions on the way."""
    if last is not None and (state.since or state.back):
        state = reveal(own, state, last, new.time, changes)
        if new.time - last.time > own.gap:
            state = State(state.rank, (), state.at)
    value = new.value
    reached = bisect_left(own.up, value)
    if own.down:
        reached = max(reached, bisect_left(own.down, -value))
    if reached > state.rank:
        waiting = reached - state.rank
        since = state.since[:waiting]
        since += (new.time,) * (waiting - len(since))
        return _raise(own, State(state.rank, since, state.at), new.time, value, changes)
    if not state.rank:
        return State(0, (), state.at) if state.since else state
    kept = bisect_left(own.up_release, value)
    if own.down:
        kept = max(kept, bisect_left(own.down_release, -value))
    if kept >= state.rank:
        return State(state.rank, (), state.at) if state.pending else state
    leaving = state.rank - kept
    back = state.back[:leaving]
    back += (new.time,) * (leaving - len(back))
    return _release(own, State(state.rank, (), state.at, back), new.time, value, changes)


def run(own: Track, state: State, last: Sample | None, times: Ints, values: Floats, changes: list[Change]) -> State:
    """The state after several samples in the order of their times.

    Where no delay is running, it leaps to the next sample that changes something.
    """
    instants, readings = times.tolist(), values.tolist()
    if len(instants) <= _FEW:
        for new in map(Sample, instants, readings):
            state = observe(own, state, last, new, changes)
            last = new
        return state
    reached, kept = _ranks(own.up, own.down, values), _ranks(own.up_release, own.down_release, values)
    at = 0
    while at < len(instants):
        if not state.pending:
            at = _leap(reached, kept, state.rank, at)
            if at == len(instants):
                break
        before = Sample(instants[at - 1], readings[at - 1]) if at else last
        state = observe(own, state, before, Sample(instants[at], readings[at]), changes)
        at += 1
    return state


def _ranks(up: tuple[float, ...], down: tuple[float, ...], values: Floats) -> NDArray[np.intp]:
    """How many limits each value lies beyond."""
    found = np.searchsorted(up, values)
    return np.maximum(found, np.searchsorted(down, -values)) if down else found


def _leap(reached: NDArray[np.intp], kept: NDArray[np.intp], rank: int, at: int) -> int:
    """The next sample that begins or ends something at this rank."""
    while at < len(reached):
        matters = (reached[at : at + _STRIDE] > rank) | (kept[at : at + _STRIDE] < rank)
        if matters.any():
            return at + int(matters.argmax())
        at += _STRIDE
    return len(reached)
