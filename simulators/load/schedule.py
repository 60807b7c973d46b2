"""When each message of a fleet is due: fixed before the first one is sent, whatever the broker does.

Each group sends evenly spaced messages, its devices in turns, so that every device keeps its interval and the whole
fleet its rate at any moment.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.load.groups import Group, stride
from simulators.noise import level


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Messages of one group that are due in one stretch of time."""

    group: int
    #: Seconds since the begin, ascending.
    due_s: NDArray[np.float64]
    #: Which devices of the group.
    devices: NDArray[np.int64]


class Schedule:
    """The messages of a fleet over a time.

    Args:
        groups: Of `groups.compose`.
        duration_s: From the begin on; no message is due at its end or later.
        seed: Decides the phase of each group.
    """

    def __init__(self, groups: Sequence[Group], duration_s: float, seed: int) -> None:
        self.groups = groups
        self.duration_s = duration_s
        self._spacings = [group.interval_s / group.count for group in groups]
        self._phases = [(level(seed, "fleet", group.name, "phase") + 1) / 2 for group in groups]
        self._strides = [stride(group.count) for group in groups]

    @property
    def total(self) -> int:
        """How many messages it has."""
        return self.before(self.duration_s)

    def before(self, time_s: float) -> int:
        """How many messages are due before an instant."""
        return sum(self._before(index, min(time_s, self.duration_s)) for index in range(len(self.groups)))

    def slices(self, step_s: float) -> Iterator[list[Slice]]:
        """The messages, stretch after stretch of `step_s` seconds; each message is in exactly one."""
        for step in range(math.ceil(self.duration_s / step_s)):
            since, until = step * step_s, min((step + 1) * step_s, self.duration_s)
            yield [self._between(index, since, until) for index in range(len(self.groups))]

    def _before(self, index: int, time_s: float) -> int:
        return max(0, math.ceil(time_s / self._spacings[index] - self._phases[index]))

    def _between(self, index: int, since: float, until: float) -> Slice:
        turns = np.arange(self._before(index, since), self._before(index, until), dtype=np.int64)
        return Slice(
            group=index,
            due_s=np.asarray((turns + self._phases[index]) * self._spacings[index], dtype=np.float64),
            devices=turns * self._strides[index] % self.groups[index].count,
        )
