"""The history of a rule on a subject: marks in event time, and how late observations are allowed to change it.

A mark is a transition: the rank from its time on (0: normal) and the value that caused it. What was decided is never
edited; a history that is found anew is compared with the one that stands, and only the difference is told.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.alert import AlertEvent


class Mark(NamedTuple):
    """The rank from an instant on, and the value that brought it about. Microseconds since 1970 (UTC)."""

    time: int
    rank: int
    value: float | None


class Told(NamedTuple):
    """A mark as an event: `rank` is the rank after it, but of a clearing the rank before it."""

    event: AlertEvent
    time: int
    rank: int
    value: float | None
    worse: bool


#: More marks than this of one rule and subject are not kept.
CAP = 512


def trimmed(marks: tuple[Mark, ...], before: int) -> tuple[Mark, ...]:
    """The marks without the episodes that ended before an instant, and without the oldest of too many."""
    drop = 0
    for at, mark in enumerate(marks):
        if mark.time >= before and len(marks) - at <= CAP:
            break
        if not mark.rank:
            drop = at + 1
    return marks[drop:]


def rank_at(marks: Sequence[Mark], time: int) -> int:
    """The rank at an instant."""
    at = bisect_right(marks, time, key=_time)
    return marks[at - 1].rank if at else 0


def settled(marks: Sequence[Mark], time: int, delay: int) -> int:
    """An instant before `time` at which the rule was normal and no delay was running that still mattered.

    From there on everything can be found anew from the observations alone. A delay that was running at `time` cannot
    have begun earlier than its length before: it would have ended in a mark.
    """
    # A mark of that very instant may be what is wrong.
    at = bisect_left(marks, time, key=_time)
    if at and marks[at - 1].rank:
        # In the middle of an episode: back to before its beginning.
        while at > 1 and marks[at - 2].rank:
            at -= 1
        at -= 1
        time = marks[at].time
    floor = time - delay - 1
    return max(floor, marks[at - 1].time) if at else floor


def following(marks: Sequence[Mark], since: int) -> int:
    """How many marks stand at or before an instant: those after it are found anew."""
    return bisect_right(marks, since, key=_time)


def difference(old: Sequence[Mark], new: Sequence[Mark]) -> tuple[int | None, int]:
    """How two histories of one stretch differ.

    Returns:
        The instant from which on the old one is wrong (None if the new one only goes on), and how many of the new marks
        stay as they were.
    """
    same = 0
    for before, after in zip(old, new, strict=False):
        if before.time != after.time or before.rank != after.rank:
            break
        same += 1
    if same == len(old):
        return None, same
    wrong = old[same].time if same >= len(new) else min(old[same].time, new[same].time)
    # "From then on it is exactly this": what happened at that very instant belongs to it.
    while same and new[same - 1].time >= wrong:
        same -= 1
    return wrong, same


def told(marks: Sequence[Mark], first: int) -> Iterator[Told]:
    """The marks from the first one on, as events."""
    before = marks[first - 1].rank if first else 0
    for time, rank, value in marks[first:]:
        if not rank:
            yield Told(AlertEvent.CLEARED, time, before, value, worse=False)
        elif not before:
            yield Told(AlertEvent.RAISED, time, rank, value, worse=False)
        else:
            yield Told(AlertEvent.LEVEL_CHANGED, time, rank, value, worse=rank > before)
        before = rank


def _time(mark: Mark) -> int:
    return mark.time
