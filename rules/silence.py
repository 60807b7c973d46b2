"""Absence, for all subjects of a rule at once: who has been silent for longer than allowed, by the caught-up clock.

The clock is the instant up to which everything published has been stored (ingest says so); while ingest does not
listen it stands still, and nobody counts as silent. Any datum is a sign of life, whatever its quality. A subject that
was never heard is silent since its datastream was first registered.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.plan import Ints, SilencePlan

#: Before all time: nothing was heard, or nothing is absent.
NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class SilenceChange:
    """One subject that fell silent (`began`) or was heard again, at an instant in event time."""

    position: int
    began: bool
    time: int


def judge(plan: SilencePlan, seen: Ints, absent: Ints, now: int) -> list[SilenceChange]:
    """What has changed for the subjects of one rule.

    A silence begins when the allowed silence after the last datum is over. It ends with the newest datum, and only when
    a datum has come since: the clock alone never ends one, not even by standing further back after a restart. A datum
    of the very instant at which the silence began ends it too.

    Args:
        plan: The rule and its subjects.
        seen: Newest datum of every datastream, NEVER if there is none.
        absent: For each subject, when its silence began; NEVER if it is not absent.
        now: The caught-up clock.
    """
    if not len(plan.subjects):
        return []
    heard = newest(plan, seen)
    deadline = np.maximum(heard, plan.birth) + plan.allowed
    overdue = deadline < now
    is_absent = absent != NEVER
    begins = np.flatnonzero(overdue & ~is_absent)
    ends = np.flatnonzero(is_absent & ~overdue & (deadline > absent))
    return [SilenceChange(int(i), True, int(deadline[i])) for i in begins] + [
        SilenceChange(int(i), False, int(max(heard[i], absent[i]))) for i in ends
    ]


def newest(plan: SilencePlan, seen: Ints) -> NDArray[np.int64]:
    """The newest datum of each subject."""
    if int(plan.last[-1]) == len(seen) and bool((plan.last[:-1] == plan.first[1:]).all()) and plan.first[0] == 0:
        return np.maximum.reduceat(seen, plan.first)
    # Not every datastream belongs to a subject: the stretches between them are computed too, and dropped.
    edges = np.stack([plan.first, plan.last], axis=1).ravel()
    padded = np.append(seen, NEVER)
    return np.maximum.reduceat(padded, edges)[::2]
