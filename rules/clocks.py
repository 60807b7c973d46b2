"""How far each datastream has been heard: the clock of the partition that serves its area.

Absence is judged by it and never by the wall clock. A partition that stands still holds up the datastreams of its areas
and no others. An area that no partition serves, or whose partition never caught up, has no clock: nobody listens there,
so nobody is silent. After an interruption silence counts from when the partition listens again: what a device could not
say meanwhile is not its fault.
"""

from collections.abc import Sequence

import numpy as np

from domain.subject import Watched
from domain.topics import serves
from rules.plan import Ints
from rules.silence import NEVER
from storage.journal import Heads


class Clocks:
    """The areas of all datastreams.

    Args:
        watched: Every datastream, in the dense numbering of the plan.
    """

    def __init__(self, watched: Sequence[Watched]) -> None:
        numbers: dict[str, int] = {}
        self._area = np.array([numbers.setdefault(item.area, len(numbers)) for item in watched], dtype=np.intp)
        self._areas = tuple(numbers)

    def of(self, heads: Heads) -> Ints | int | None:
        """The clock of each datastream, one number if it is the same for all; None if there is none at all.

        Where two partitions serve an area (one takes over from another), what either has heard counts.
        """
        clocks = [heads.clocks.get(name, NEVER) for name in self._serving(heads)]
        if not clocks:
            return max(heads.clocks.values(), default=None)
        return None if max(clocks) == NEVER else self._spread(clocks)

    def listening(self, heads: Heads) -> Ints | int:
        """Since when each datastream has been listened to without interruption; NEVER: no interruption is known."""
        return self._spread([heads.listening.get(name, NEVER) for name in self._serving(heads)] or [NEVER])

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
