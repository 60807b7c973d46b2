"""How far each datastream has been heard: the clock of the partition that serves its area.

Absence is judged by it and never by the wall clock. A partition that stands still holds up the datastreams of its areas
and no others. An area that no partition serves, or whose partition never caught up, has no clock: nobody listens there,
so nobody is silent. After an interruption silence counts from when the partition listens again: what a device could not
say meanwhile is not its fault. An exercise has a clock of its own, which runs as its incident does.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from domain.exercise import Pace
from domain.exercise_mark import exercise_of
from domain.subject import Watched
from domain.times import MICROS_PER_SECOND
from domain.topics import serves
from rules.plan import Ints
from rules.silence import NEVER
from storage.journal import Heads

#: How long after its instant an observation of an exercise may be published and stored, by the wall clock.
_SETTLING_US = 5 * MICROS_PER_SECOND


class Clocks:
    """The areas of all datastreams.

    Args:
        watched: Every datastream, in the dense numbering of the plan.
        paces: How the time of each exercise runs.
    """

    def __init__(self, watched: Sequence[Watched], paces: Mapping[int, Pace] | None = None) -> None:
        numbers: dict[str, int] = {}
        self._area = np.array([numbers.setdefault(item.area, len(numbers)) for item in watched], dtype=np.intp)
        self._areas = tuple(numbers)
        self._paces = [(paces or {}).get(exercise_of(area) or 0) for area in self._areas]

    def of(self, heads: Heads) -> Ints | int | None:
        """The clock of each datastream, one number if it is the same for all; None if there is none at all.

        Where two partitions serve an area (one takes over from another), what either has heard counts.
        """
        clocks = self._paced([heads.clocks.get(name, NEVER) for name in self._serving(heads)], _SETTLING_US)
        if not clocks:
            return max(heads.clocks.values(), default=None)
        return None if max(clocks) == NEVER else self._spread(clocks)

    def listening(self, heads: Heads) -> Ints | int:
        """Since when each datastream has been listened to without interruption; NEVER: no interruption is known."""
        return self._spread(self._paced([heads.listening.get(name, NEVER) for name in self._serving(heads)]) or [NEVER])

    def _paced(self, instants: list[int], settling: int = 0) -> list[int]:
        """Instants of the wall clock, one for each area; those of exercises by the time of their incident."""
        return [
            instant if pace is None or instant == NEVER else min(instant, pace.event_time(instant - settling))
            for instant, pace in zip(instants, self._paces, strict=True)
        ]

    def _serving(self, heads: Heads) -> list[str]:
        """For each area the partition that has heard furthest of those that serve it; no name if there is none."""
        return [
            max(
                (name for name in heads.positions if serves(name, area)),
                key=lambda name: (heads.clocks.get(name, NEVER), name),
                default="",
            )
            for area in self._areas
        ]

    def _spread(self, by_area: list[int]) -> Ints | int:
        if min(by_area) == max(by_area):
            return by_area[0]
        return np.array(by_area, dtype=np.int64)[self._area]
