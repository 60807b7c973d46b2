"""What a fused rule says of a stretch of time on one subject: pure, in event time.

Each level is an expression whose leaves are truths of single datastreams (`truth`), counted over the members that the
place of the leaf gives it. The worst level that is true counts. Delays are those of `threshold`: a level begins when
it, or a worse one, was true throughout the on-delay, that instant included; it ends when it and all worse ones were
known to be false throughout the off-delay. What is unknown begins nothing and ends nothing.

A rule remembers no more than its `within_s` and its delays, so that an evaluation may begin anywhere: with truths that
reach back by `Fusion.reach` before `since`, and the level that was held there, it gives what an evaluation of the
whole past gives.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby, zip_longest
from typing import NamedTuple

from domain.alert import AlertEvent
from domain.times import MICROS_PER_SECOND
from rules.laying import FusedLeaf, Fusion, Part, lay, numbered
from rules.truth import END, FALSE, TRUE, Truth, all_of, any_of, counted, hours, negated, sequence

__all__ = [
    "Facts",
    "FusedLeaf",
    "Fusion",
    "Outcome",
    "Support",
    "Tally",
    "Turn",
    "evaluate",
    "facts",
    "lay",
    "numbered",
]

#: The truth of a leaf on one member.
TruthOf = Callable[[str, int], Truth]

#: An alert names no more readings than people read.
_MOST_FACTS = 12
_DAY = 86_400 * MICROS_PER_SECOND


class Turn(NamedTuple):
    """A transition: the event, its time, the rank after it (before it, when cleared), and whether it is a worse one."""

    event: AlertEvent
    time: int
    rank: int
    worse: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an evaluation gave."""

    #: In the order of their times, later than `since`, not later than `until`.
    transitions: tuple[Turn, ...]
    #: The rank at `until`.
    rank: int
    #: When the next transition is due after `until` if nothing new comes; None if there is none.
    next_due: int | None


class Support(NamedTuple):
    """A member on which a level rests: whether it meets its leaf, and since when."""

    leaf: FusedLeaf
    member: int
    meets: bool
    since: int


class Tally(NamedTuple):
    """How many members of a leaf support a level, how many are known, and how many there are."""

    leaf: FusedLeaf
    supporting: int
    known: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the levels that were true at an instant rest on."""

    #: One of each leaf first, then a second one of each, and so on; at most twelve.
    supports: tuple[Support, ...] = ()
    #: For each leaf that supports, the worst level's first.
    tallies: tuple[Tally, ...] = ()

    @property
    def broadest(self) -> Tally | None:
        """The leaf that looks at the most members: its numbers are what a text speaks of."""
        return max(self.tallies, key=lambda tally: tally.total, default=None)


class _Reckoning:
    """The truths of one fusion as they are known at `until`; each leaf is counted once."""

    def __init__(self, fusion: Fusion, truth_of: TruthOf, since: int, until: int, zone: tzinfo) -> None:
        self._fusion = fusion
        self._truth_of = truth_of
        self._until = until
        self._zone = zone
        #: Hours are right between these two.
        self._begin = since - fusion.reach
        self.horizon = until + fusion.reach + 2 * _DAY
        self._counted: dict[int, Truth] = {}

    def leaf(self, number: int) -> Truth:
        """Whether enough members of a leaf meet it."""
        if number not in self._counted:
            own = self._fusion.leaves[number]
            members = [self._truth_of(own.name, member) for member in own.members]
            self._counted[number] = counted(members, own.leaf.count, own.number).until(self._until)
        return self._counted[number]

    def truth(self, part: Part) -> Truth:
        """Whether an expression holds; after `until`, as if nothing new came."""
        if part.kind == "leaf":
            own = self.leaf(part.leaf)
            return own.extended(self._fusion.within) if part.extended else own
        if part.kind == "hours":
            return hours(part.minutes, self._zone, self._begin, self.horizon)
        if part.kind == "not":
            return negated(self.truth(part.parts[0]))
        if part.kind == "order":
            first, then = part.parts
            return sequence(self.truth(first), self.truth(then), self._fusion.within)
        if not part.parts:
            return FALSE
        # One part often settles it, and the others need not be reckoned.
        settles = FALSE if part.kind == "all" else TRUE
        found = []
        for one in part.parts:
            own = self.truth(one)
            if own.constant and own.before == settles.before:
                return settles
            found.append(own)
        return all_of(found) if part.kind == "all" else any_of(found)


def evaluate(fusion: Fusion, truth_of: TruthOf, since: int, until: int, zone: tzinfo, held: int = 0) -> Outcome:
    """What a fused rule does on its subject in (since, until].

    Args:
        fusion: The rule on the subject.
        truth_of: The truth of a leaf (by name) on a member; it must reach back by `fusion.reach` before `since`.
        since: Where the evaluation begins.
        until: The newest instant of which anything is known.
        zone: The time zone of the place.
        held: The rank at `since`; 0 is normal.
    """
    reckoning = _Reckoning(fusion, truth_of, since, until, zone)
    switches: list[tuple[int, int, bool]] = []
    worse = FALSE
    for rank in range(len(fusion.levels), 0, -1):
        worse = any_of((worse, reckoning.truth(fusion.levels[rank - 1][1])))
        for value, delay in ((1, fusion.on_delay), (0, fusion.off_delay)):
            for begin, end in worse.stretches(value, since):
                # What was due before the begin, and is not so yet, is caught up.
                due = max(begin + delay, since + 1)
                if due < end:
                    switches.append((due, rank, value == 1))
    # Beyond it the hours of the day are not reckoned. It spans a whole day: what has not happened by then never will.
    horizon = reckoning.horizon if fusion.by_hours else END
    rank = min(held, len(fusion.levels))
    turns: list[Turn] = []
    active = [own < rank for own in range(len(fusion.levels))]
    for time, group in groupby(sorted(switches), key=lambda switch: switch[0]):
        for _, own, on in group:
            active[own - 1] = on
        after = sum(active)
        if after == rank:
            continue
        if time > until:
            return Outcome(transitions=tuple(turns), rank=rank, next_due=time if time <= horizon else None)
        event = AlertEvent.CLEARED if not after else AlertEvent.LEVEL_CHANGED if rank else AlertEvent.RAISED
        turns.append(Turn(event, time, after or rank, bool(rank) and after > rank))
        rank = after
    return Outcome(transitions=tuple(turns), rank=rank, next_due=None)


def facts(fusion: Fusion, truth_of: TruthOf, time: int, zone: tzinfo) -> Facts:
    """What the levels that are true at an instant rest on, those of the worst level first.

    A leaf that counts although it is no longer true is shown as it was when it was last true. Where fewer members than
    needed meet a leaf, those who do not are shown.
    """
    reckoning = _Reckoning(fusion, truth_of, time, time, zone)
    instants: dict[int, int] = {}
    for _, part in reversed(fusion.levels):
        if reckoning.truth(part).at(time) == 1:
            for number, instant in _supporting(reckoning, part, time, fusion.within, 0):
                instants.setdefault(number, instant)
    supports: list[list[Support]] = []
    tallies: list[Tally] = []
    for number, instant in instants.items():
        own = fusion.leaves[number]
        truths = [(member, truth_of(own.name, member)) for member in own.members]
        values = [truth.at(instant) for _, truth in truths]
        # Of those who do not meet it, the known ones first.
        wanted = (0, -1) if own.inverted else (1,)
        found = [
            Support(own, member, value == 1, truth.begin(instant))
            for want in wanted
            for (member, truth), value in zip(truths, values, strict=True)
            if value == want
        ]
        supports.append(found)
        tallies.append(Tally(own, len(found), sum(value != -1 for value in values), len(values)))
    rows = zip_longest(*supports)
    chosen = [support for row in rows for support in row if support is not None]
    return Facts(supports=tuple(chosen[:_MOST_FACTS]), tallies=tuple(tallies))


def _supporting(reckoning: _Reckoning, part: Part, time: int, within: int, span: int) -> Iterator[tuple[int, int]]:
    """The leaves on which an expression rests, each with the latest instant at which it was true.

    Args:
        reckoning: The truths.
        part: What is true at `time`, or was within `span` before.
        time: The instant.
        within: For how long leaves count.
        span: How long before the leaves may have been true.
    """
    if part.kind == "leaf":
        instant = reckoning.leaf(part.leaf).latest(time)
        if instant is not None and instant >= time - span - (within if part.extended else 0):
            yield part.leaf, instant
    elif part.kind == "order":
        first, then = part.parts
        yield from _supporting(reckoning, first, time, within, span + 2 * within)
        yield from _supporting(reckoning, then, time, within, span)
    elif part.kind in {"all", "any"}:
        for one in part.parts:
            if span or reckoning.truth(one).at(time) == 1:
                yield from _supporting(reckoning, one, time, within, span)
