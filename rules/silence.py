"""Absence: which subjects are watched for it, and where in event time it began and ended.

The clock is the instant up to which everything published has been stored (ingest says so); while ingest does not
listen it stands still, and nobody counts as silent. When ingest listens again after an interruption, every silence is
counted from then on anew: what could not be heard is nobody's fault. Any datum is a sign of life, whatever its quality.
A subject that was never heard is silent since its datastream was first registered.

Absence is a function of the data and the clock alone: a silence that late data fill never was.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.alert import Level
from domain.subject import Watched, datastream_subject, device_subject
from domain.times import MICROS_PER_SECOND
from rules.condition import Absence
from rules.fused import Absent
from rules.fusion import Fusion
from rules.marks import Mark
from rules.rule import Rule

#: Before all time: nothing was heard, or nothing is absent.
NEVER = -(2**62)
#: The plan that knows which members of fused rules are unknown at present.
COVERAGE = "#coverage"


@dataclass(frozen=True, kw_only=True, slots=True)
class SilencePlan:
    """One absence rule, or leaf of a fused rule (`rule#n`), and the subjects it watches. Times in microseconds."""

    name: str
    rule: Rule | None
    level: Level
    subjects: tuple[str, ...]
    #: For each subject, where its datastreams begin and end in the dense numbering.
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    #: For each datastream the place of its subject; -1 if it has none.
    place: NDArray[np.intp]
    #: How long each may be silent.
    allowed: NDArray[np.int64]
    #: From when silence counts if nothing was ever heard, and how long it is allowed then.
    birth: NDArray[np.int64]
    unheard: NDArray[np.int64]

    def newest(self, seen: NDArray[np.int64]) -> NDArray[np.int64]:
        """The newest datum of each subject."""
        if not len(self.subjects):
            return np.zeros(0, dtype=np.int64)
        if int(self.last[-1]) == len(seen) and bool((self.last[:-1] == self.first[1:]).all()) and self.first[0] == 0:
            return np.maximum.reduceat(seen, self.first)
        # Not every datastream belongs to a subject: the stretches between them are computed too, and dropped.
        edges = np.stack([self.first, self.last], axis=1).ravel()
        return np.maximum.reduceat(np.append(seen, NEVER), edges)[::2]


def overdue(
    plan: SilencePlan,
    seen: NDArray[np.int64],
    absent: NDArray[np.bool_],
    clock: NDArray[np.int64],
    listening: NDArray[np.int64],
) -> list[tuple[int, int]]:
    """The subjects whose allowed silence is over and that are not absent yet, with the instants at which it was over.

    Args:
        plan: The rule and its subjects.
        seen: Newest datum of every datastream, NEVER if there is none.
        absent: For each subject, whether its silence has begun already.
        clock: For each datastream, up to when everything that was published is known.
        listening: For each datastream, since when it has been listened to without interruption.
    """
    if not len(plan.subjects):
        return []
    newest = plan.newest(seen)
    allowed = np.where(newest == NEVER, plan.unheard, plan.allowed)
    deadline = np.maximum(np.maximum(newest, plan.birth), listening[plan.first]) + allowed
    # What is unknown from its beginning is so whether anybody listened or not.
    deadline = np.where((newest == NEVER) & (plan.unheard == 0), plan.birth, deadline)
    return [(int(i), int(deadline[i])) for i in np.flatnonzero((deadline < clock[plan.first]) & ~absent)]


def episodes(
    times: NDArray[np.int64], previous: int, *, birth: int, allowed: int, unheard: int, listening: int
) -> list[Mark]:
    """The silences between data, as marks: rank 1 where one begins, 0 at the datum that ends it.

    A datum of the very instant at which the allowed silence is over ends it before it begins. A silence that began
    before anybody listened is none.

    Args:
        times: Of the data after `previous`, rising.
        previous: The datum before them; NEVER if there was none.
        birth: From when silence counts if nothing was ever heard.
        allowed: How long silence is allowed.
        unheard: How long it is allowed if nothing was heard before.
        listening: Since when data could be heard.
    """
    if not len(times):
        return []
    deadlines = np.maximum(np.append(previous, times[:-1]), max(birth, listening)) + allowed
    if previous == NEVER:
        deadlines[0] = deadlines[0] + unheard - allowed if unheard else birth
    found = []
    for at in np.flatnonzero(deadlines < times).tolist():
        found += [Mark(int(deadlines[at]), 1, None), Mark(int(times[at]), 0, None)]
    return found


def for_rule(rule: Rule, ordered: Sequence[Watched], rule_on: Callable[[Watched], Rule | None]) -> SilencePlan:
    """The plan of an absence rule.

    Args:
        rule: About absence.
        ordered: All datastreams, those of one device beside each other.
        rule_on: The rule as it is on a datastream; None where it does not apply.
    """
    if not isinstance(rule.condition, Absence):
        raise TypeError(f"rule {rule.id} is not about absence")
    chosen = []
    for number, item in enumerate(ordered):
        own = rule_on(item)
        if own is not None and isinstance(own.condition, Absence):
            silence = own.condition.absence
            chosen.append((number, _allowed(item, silence.factor, silence.grace_s)))
    whole_device = rule.applies_to.property is None
    level = Level.parse(rule.condition.absence.level)
    return _plan(rule.id, rule, level, chosen, ordered, whole_device=whole_device)


def for_leaf(fusions: Iterable[Fusion], ordered: Sequence[Watched]) -> list[SilencePlan]:
    """The plans of the leaves about absence; and one that tells which members of the other leaves are unknown."""
    absent: dict[str, tuple[Absent, bool, set[int]]] = {}
    covered: set[int] = set()
    for fusion in fusions:
        for own in fusion.leaves:
            if own.leaf.absent is not None:
                whole = own.leaf.property is None
                absent.setdefault(own.name, (own.leaf.absent, whole, set()))[2].update(own.members)
            else:
                covered.update(own.members)
    plans = [
        _plan(
            name,
            None,
            Level.BLUE,
            [(number, _allowed(ordered[number], silence.factor, silence.grace_s)) for number in sorted(members)],
            ordered,
            whole_device=whole,
        )
        for name, (silence, whole, members) in sorted(absent.items())
    ]
    if covered:
        # As long as the state machine joins samples: one and a half intervals.
        chosen = [(number, _allowed(ordered[number], 1.5, 0)) for number in sorted(covered)]
        plans.append(_plan(COVERAGE, None, Level.BLUE, chosen, ordered, whole_device=False))
    return plans


def _allowed(item: Watched, factor: float, grace_s: int) -> int:
    promised = item.promised_s if item.promised_s is not None else item.interval_s
    return int((factor * promised + grace_s) * MICROS_PER_SECOND)


def _plan(
    name: str,
    rule: Rule | None,
    level: Level,
    chosen: Sequence[tuple[int, int]],
    ordered: Sequence[Watched],
    *,
    whole_device: bool,
) -> SilencePlan:
    first: list[int] = []
    last: list[int] = []
    allowed: list[int] = []
    devices: set[str] = set()
    for number, silence in chosen:
        device = ordered[number].device
        if whole_device and device in devices:
            continue
        devices.add(device)
        begin = end = number
        while whole_device and begin and ordered[begin - 1].device == device:
            begin -= 1
        end += 1
        while whole_device and end < len(ordered) and ordered[end].device == device:
            end += 1
        first.append(begin)
        last.append(end)
        allowed.append(silence)
    place = np.full(len(ordered), -1, dtype=np.intp)
    for position, (begin, end) in enumerate(zip(first, last, strict=True)):
        place[begin:end] = position
    return SilencePlan(
        name=name,
        rule=rule,
        level=level,
        subjects=tuple(
            device_subject(ordered[begin].device) if whole_device else datastream_subject(ordered[begin].datastream)
            for begin in first
        ),
        first=np.array(first, dtype=np.intp),
        last=np.array(last, dtype=np.intp),
        place=place,
        allowed=np.array(allowed, dtype=np.int64),
        birth=np.array(
            [min(w.registered_at for w in ordered[begin:end]) for begin, end in zip(first, last, strict=True)],
            dtype=np.int64,
        ),
        # What was never heard is unknown from its beginning.
        unheard=np.array([0 if name == COVERAGE else own for own in allowed], dtype=np.int64),
    )
