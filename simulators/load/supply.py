"""Messages made shortly before they are due, a piece at a time, so that making them delays no other by much."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from simulators.load.groups import Group
from simulators.load.payloads import payloads
from simulators.load.schedule import Schedule, Slice
from simulators.load.tally import Message

#: About so many messages are made together.
_TOGETHER = 1000
_LEAST_STEP_S, _MOST_STEP_S = 0.05, 1.0


class Supply:
    """The messages of a schedule, in the order in which they are due.

    Args:
        groups: Of the fleet.
        schedule: Who sends when.
        step_s: Length of the stretches that are made together; of `step`.
        lines: Connections; a device always uses the same one.
        begin_s: Begin of the schedule by the monotonic clock.
        begin: The same instant in microseconds since 1970 (UTC), for the times in messages.
        seed: Of the fleet.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        schedule: Schedule,
        *,
        step_s: float,
        lines: int,
        begin_s: float,
        begin: int,
        seed: int,
    ) -> None:
        self._groups = groups
        self._stretches = schedule.slices(step_s)
        self._first = list(accumulate((group.count for group in groups), initial=0))
        self._lines = lines
        self._begin_s = begin_s
        self._begin = begin
        self._seed = seed
        self._pieces: deque[Slice] = deque()
        self._made: list[Message] = []
        self._numbered = 0
        self.prepared: deque[Message] = deque()
        #: Whether everything has been made.
        self.exhausted = False

    def make(self) -> None:
        """Makes the next piece: one group's messages of a stretch; a whole stretch becomes ready at once."""
        if not self._pieces:
            stretch = next(self._stretches, None)
            if stretch is None:
                self.exhausted = True
                return
            self._pieces.extend(stretch)
        piece = self._pieces.popleft()
        group = self._groups[piece.group]
        said = payloads(self._groups, piece, self._begin, self._seed)
        for due_s, device, payload in zip(piece.due_s.tolist(), piece.devices.tolist(), said, strict=True):
            self._made.append(
                Message(
                    number=self._numbered,
                    line=(self._first[piece.group] + device) % self._lines,
                    due_s=self._begin_s + due_s,
                    topic=group.topic(device),
                    payload=payload,
                )
            )
            self._numbered += 1
        if not self._pieces:
            self._made.sort(key=_due)
            self.prepared.extend(self._made)
            self._made.clear()

    def rest(self) -> Iterator[NDArray[np.float64]]:
        """When all that was not taken out of `prepared` is due, by the monotonic clock."""
        yield np.array([message.due_s for message in (*self.prepared, *self._made)], dtype=np.float64)
        for piece in self._pieces:
            yield self._begin_s + piece.due_s
        for stretch in self._stretches:
            for piece in stretch:
                yield self._begin_s + piece.due_s


def step(rate: float) -> float:
    """Seconds of a schedule that are made together."""
    return min(_MOST_STEP_S, max(_LEAST_STEP_S, _TOGETHER / rate))


def _due(message: Message) -> float:
    return message.due_s
