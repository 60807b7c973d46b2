"""What is true when: step functions of event time with three values, and the logic over them (Kleene).

True, false, or unknown because nothing is known. A value holds from its step on, the instant of the step included,
until the next step. Times are microseconds since 1970 (UTC).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.times import EPOCH, MICROS_PER_SECOND, from_datetime
from rules.fused import Count

Times = NDArray[np.int64]
Values = NDArray[np.int8]
Counts = NDArray[np.int64]

#: Before all time and after it; delays can be added without overflow.
BEGINNING, END = -(2**62), 2**62
_DAY = 86_400 * MICROS_PER_SECOND
_UNKNOWN, _FALSE, _TRUE = -1, 0, 1


class Stretch(NamedTuple):
    """A time during which a value held, its end not included."""

    begin: int
    end: int


class Truth:
    """An immutable step function: its value before the first step, and the steps. No two neighbours are equal.

    Args:
        before: -1 unknown, 0 false, 1 true.
        times: When the steps are, rising strictly.
        values: What holds from each step on; equal neighbours are for `of` to drop.
    """

    __slots__ = ("before", "times", "values")

    def __init__(self, before: int, times: Times, values: Values) -> None:
        self.before = before
        self.times = times
        self.values = values

    @classmethod
    def of(cls, before: int, steps: Iterable[tuple[int, int]]) -> "Truth":
        """From steps in the order of their times; of several at one instant, the last counts."""
        times: list[int] = []
        values: list[int] = []
        for time, value in steps:
            if times and times[-1] == time:
                values[-1] = value
            else:
                times.append(time)
                values.append(value)
        return _tidy(before, np.array(times, dtype=np.int64), np.array(values, dtype=np.int8))

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return not self.times.size

    def at(self, time: int) -> int:
        """The value at an instant: -1 unknown, 0 false, 1 true."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return int(self.values[place - 1]) if place else self.before

    def since(self, time: int) -> "Truth":
        """What is left when everything before an instant is forgotten; the value there holds before, too."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return Truth(int(self.values[place - 1]), self.times[place:], self.values[place:]) if place else self

    def until(self, time: int) -> "Truth":
        """What was known at an instant: later steps are dropped."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return self if place == self.times.size else Truth(self.before, self.times[:place], self.values[:place])

    def stretches(self, value: int, since: int = BEGINNING) -> list[Stretch]:
        """When a value held, in order; the first may come from the beginning, the last may go on to the end.

        Args:
            value: -1 unknown, 0 false, 1 true.
            since: Stretches that end here or before are left out.
        """
        place = int(np.searchsorted(self.times, since, side="right"))
        edges = [int(self.times[place - 1]) if place else BEGINNING, *self.times[place:].tolist(), END]
        held = [int(self.values[place - 1]) if place else self.before, *self.values[place:].tolist()]
        return [Stretch(edges[i], edges[i + 1]) for i, own in enumerate(held) if own == value]

    def begin(self, time: int) -> int:
        """Since when the value of an instant holds; `BEGINNING` if since ever."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return int(self.times[place - 1]) if place else BEGINNING

    def latest(self, time: int) -> int | None:
        """The latest instant, not after the given one, at which it was true; None if it never was."""
        place = int(np.searchsorted(self.times, time, side="right"))
        for own in range(place - 1, -1, -1):
            if self.values[own] == _TRUE:
                return time if own == place - 1 else int(self.times[own + 1]) - 1
        if self.before != _TRUE:
            return None
        return int(self.times[0]) - 1 if place else time

    def extended(self, by: int) -> "Truth":
        """Each true stretch lasts longer by so many microseconds; after it stands what would have stood there."""
        if by <= 0 or (self.constant or not (self.before == _TRUE or bool((self.values == _TRUE).any()))):
            return self
        steps: list[tuple[int, int]] = []
        for begin, end in self.stretches(_TRUE):
            if steps and begin <= steps[-1][0]:
                steps.pop()
            else:
                steps.append((begin, _TRUE))
            if end < END:
                steps.append((end + by, _FALSE))
        before = _FALSE
        if steps[0][0] == BEGINNING:
            before = _TRUE
            del steps[0]
        return any_of((self, Truth.of(before, steps)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Truth)
            and self.before == other.before
            and bool(np.array_equal(self.times, other.times))
            and bool(np.array_equal(self.values, other.values))
        )

    def __hash__(self) -> int:
        return hash((self.before, self.times.tobytes(), self.values.tobytes()))

    def __repr__(self) -> str:
        steps = ", ".join(f"({t}, {v})" for t, v in zip(self.times.tolist(), self.values.tolist(), strict=True))
        return f"Truth.of({self.before}, [{steps}])"


def _constant(value: int) -> Truth:
    return Truth(value, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int8))


UNKNOWN, FALSE, TRUE = _constant(_UNKNOWN), _constant(_FALSE), _constant(_TRUE)


def _tidy(before: int, times: Times, values: Values) -> Truth:
    if not times.size:
        return Truth(before, times, values)
    changed = np.empty(times.size, dtype=bool)
    changed[0] = values[0] != before
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return Truth(before, times, values) if changed.all() else Truth(before, times[changed], values[changed])


def negated(truth: Truth) -> Truth:
    """True where it is false, and the other way round; unknown stays unknown."""
    flipped = np.where(truth.values == _UNKNOWN, truth.values, 1 - truth.values).astype(np.int8)
    return Truth(truth.before if truth.before == _UNKNOWN else 1 - truth.before, truth.times, flipped)


def all_of(parts: Sequence[Truth]) -> Truth:
    """True where every part is; false where one is false; otherwise unknown."""
    if len(parts) == 1:
        return parts[0]
    if any(part.constant and part.before == _FALSE for part in parts):
        return FALSE
    times, true, unknown = _tally(parts)
    return _stepped(times, np.where(true + unknown < len(parts), _FALSE, np.where(unknown > 0, _UNKNOWN, _TRUE)))


def any_of(parts: Sequence[Truth]) -> Truth:
    """True where one part is; false where every part is false; otherwise unknown."""
    if len(parts) == 1:
        return parts[0]
    if any(part.constant and part.before == _TRUE for part in parts):
        return TRUE
    times, true, unknown = _tally(parts)
    return _stepped(times, np.where(true > 0, _TRUE, np.where(unknown > 0, _UNKNOWN, _FALSE)))


def counted(members: Sequence[Truth], count: Count, number: float | None = None) -> Truth:
    """Whether so many of the members are true as the count says.

    Args:
        members: One truth for each member.
        count: How many of them.
        number: The number of `fewer_than`, as it is on the subject; None if the subject does not say.
    """
    total = len(members)
    if not total and count.at_least is not None:
        return FALSE
    if total < max(count.members, 1):
        return UNKNOWN
    if total == 1 and count.at_least == 1:
        return members[0]
    if count.fewer_than is not None and number is None:
        return UNKNOWN
    times, true, unknown = _tally(members)
    if count.at_least is not None or number is not None:
        enough = number if number is not None else float(count.at_least or 0)
        reached = np.where(true >= enough, _TRUE, np.where(true + unknown < enough, _FALSE, _UNKNOWN))
        counts = _stepped(times, reached)
        return counts if count.at_least is not None else negated(counts)
    known = total - unknown
    share = true / np.maximum(known, 1)
    meets = share > count.share_above if count.share_above is not None else share < (count.share_below or 0)
    told = (known > 0) & (known / total >= count.known)
    return _stepped(times, np.where(told, meets.astype(np.int64), _UNKNOWN))


def _tally(parts: Sequence[Truth]) -> tuple[Times, Counts, Counts]:
    """How many are true and how many unknown: before the first step, and from each instant of a step on."""
    befores = np.array([part.before for part in parts], dtype=np.int8)
    true, unknown = int(np.count_nonzero(befores == _TRUE)), int(np.count_nonzero(befores == _UNKNOWN))
    moving = [part for part in parts if part.times.size]
    if not moving:
        return np.empty(0, dtype=np.int64), np.array([true]), np.array([unknown])
    times = np.concatenate([part.times for part in moving])
    after = np.concatenate([part.values for part in moving])
    former = np.empty_like(after)
    former[1:] = after[:-1]
    sizes = np.array([part.times.size for part in moving])
    former[np.cumsum(sizes) - sizes] = [part.before for part in moving]
    order = np.argsort(times, kind="stable")
    times, after, former = times[order], after[order], former[order]
    trues = np.cumsum((after == _TRUE).astype(np.int64) - (former == _TRUE)) + true
    unknowns = np.cumsum((after == _UNKNOWN).astype(np.int64) - (former == _UNKNOWN)) + unknown
    last = np.append(times[1:] != times[:-1], True)
    return times[last], np.append(true, trues[last]), np.append(unknown, unknowns[last])


def _stepped(times: Times, values: NDArray[np.int64]) -> Truth:
    return _tidy(int(values[0]), times, values[1:].astype(np.int8))


def sequence(first: Truth, then: Truth, within: int) -> Truth:
    """True while `then` lasts, if it began while `first` was true or not more than `within` after; see `fused.InOrder`.

    It is true for at most `within`, so that nothing older than twice that need be remembered.
    """
    near = first.extended(within)
    edges = sorted({*near.times.tolist(), *then.times.tolist()})
    #: When `then` began, what `near` was at that instant, and when `then` was last known to be true.
    began, verdict, lost = BEGINNING, _FALSE, BEGINNING
    former = then.before
    before = _UNKNOWN if former == _UNKNOWN and near.before != _FALSE else _FALSE
    steps: list[tuple[int, int]] = []
    for begin, end in zip(edges, [*edges, END][1:], strict=True):
        now, close = then.at(begin), near.at(begin)
        if former == _TRUE and now != _TRUE:
            lost = begin
        if now == _TRUE and (former == _FALSE or (former == _UNKNOWN and begin - lost > within)):
            began, verdict = begin, close
        if now == _FALSE:
            began, verdict, lost = BEGINNING, _FALSE, BEGINNING
        former = now
        expiry = began + within
        for at in (begin, expiry) if begin < expiry < end else (begin,):
            counts = verdict if at < expiry else _FALSE
            maybe = now == _UNKNOWN and (close != _FALSE or counts != _FALSE)
            steps.append((at, counts if now == _TRUE else _UNKNOWN if maybe else _FALSE))
    return Truth.of(before, steps)


def hours(minutes: tuple[int, int], zone: tzinfo, since: int, until: int) -> Truth:
    """A stretch of the local day, each day: right between the two instants, and never true far outside.

    Args:
        minutes: Begin and end in minutes after midnight; the end may come first. If they are equal, the whole day.
        zone: The time zone of the place.
        since: From when it is needed.
        until: Up to when it is needed.
    """
    if minutes[0] == minutes[1]:
        return TRUE
    return _days(minutes, zone, since // _DAY - 2, until // _DAY + 2)


@lru_cache(maxsize=1024)
def _days(minutes: tuple[int, int], zone: tzinfo, first: int, last: int) -> Truth:
    steps: list[tuple[int, int]] = []
    for number in range(first, last + 1):
        day = (EPOCH + timedelta(days=number)).date()
        begin, end = minutes
        for minute, value in ((begin, _TRUE), (end, _FALSE)):
            own = day + timedelta(days=1) if value == _FALSE and end < begin else day
            local = datetime(own.year, own.month, own.day, minute // 60, minute % 60, tzinfo=zone)
            steps.append((from_datetime(local.astimezone(UTC)), value))
    return Truth.of(_FALSE, sorted(steps))
