"""Of which alerts of a finished history people would have been told, and when: the engine holds some back."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from domain.alert import AlertEvent
from domain.transition import Restraint
from rules.plan import Plan
from rules.restraint import Restraints
from rules.step import Key, Noted, Step, Transition


class Telling(NamedTuple):
    """When people were told of an alert (None: never), and rule and subject of what held it back at first, if any."""

    told_at: int | None
    cause: Key | None = None


def restraints_of(plan: Plan, transitions: Iterable[Transition]) -> list[Restraint]:
    """What held alerts back and let them go, instant by instant.

    Args:
        plan: The rules with their causes, laid over the field.
        transitions: In the order of time.
    """
    judge = Restraints(plan)
    found = []
    for time, group in groupby(transitions, key=lambda t: t.time):
        step = Step()
        for one in group:
            level = None if one.event is AlertEvent.CLEARED else one.level
            step.noted[one.rule.id, one.subject] = Noted(level, lambda: None)
        judge.judge(step, time)
        judge.adopt(step)
        found += step.restraints
    return found


def tellings(plan: Plan, transitions: Iterable[Transition]) -> dict[tuple[Key, int], Telling]:
    """Of each alert, by rule, subject and the time of its raise: when people were told of it."""
    ordered = list(transitions)
    held: dict[tuple[Key, int], Restraint] = {}
    for one in restraints_of(plan, ordered):
        held[(one.rule, one.subject), one.time] = one
    found: dict[tuple[Key, int], Telling] = {}
    open_: dict[Key, int] = {}
    moments = {(t.time, (t.rule.id, t.subject)): t for t in ordered}
    for time, key in sorted({*moments, *((at, key) for key, at in held)}):
        transition, restraint = moments.get((time, key)), held.get((key, time))
        if transition is not None and transition.event is AlertEvent.RAISED:
            open_[key] = time
            cause = restraint.cause if restraint is not None else None
            found[key, time] = Telling(time if cause is None else None, cause)
        elif transition is not None and transition.event is AlertEvent.CLEARED:
            open_.pop(key, None)
        elif restraint is not None and restraint.cause is None and key in open_:
            place = key, open_[key]
            if found[place].told_at is None:
                found[place] = found[place]._replace(told_at=time)
    return found
