"""How far each datastream has been heard: the clock of the partition that serves its area.

Absence is judged by it and never by the wall clock. A partition that stands still holds up the datastreams of its areas
and no others. An area that no partition serves, or whose partition never caught up, has no clock: nobody listens there,
so nobody is silent.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from domain.subject import Watched
from domain.topics import serves
from rules.plan import Ints
from rules.silence import NEVER


class Clocks:
    """The areas of all datastreams.

    Args:
        watched: Every datastream, in the dense numbering of the plan.
    """

    def __init__(self, watched: Sequence[Watched]) -> None:
        numbers: dict[str, int] = {}
        self._area = np.array([numbers.setdefault(item.area, len(numbers)) for item in watched], dtype=np.intp)
        self._areas = tuple(numbers)

    def of(self, partitions: Mapping[str, int]) -> Ints | int | None:
        """The clock of each datastream, one number if it is the same for all; None if there is none at all.

        Where two partitions serve an area (one takes over from another), what either has heard counts.

        Args:
            partitions: How far each partition has heard, microseconds since 1970 (UTC).
        """
        by_area = [
            max((clock for partition, clock in partitions.items() if serves(partition, area)), default=NEVER)
            for area in self._areas
        ]
        if not by_area:
            return max(partitions.values(), default=None)
        if max(by_area) == NEVER:
            return None
        if min(by_area) == max(by_area):
            return by_area[0]
        return np.array(by_area, dtype=np.int64)[self._area]
