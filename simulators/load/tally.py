"""The ledger of a fleet: what became of every message that was due, in counters and a byte a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators.load.groups import Group
from simulators.load.histogram import Histogram
from simulators.load.payloads import instants
from simulators.load.schedule import Schedule

#: What became of a message.
UNSENT, SENT, ACKNOWLEDGED, REFUSED = range(4)
#: Durations wait here before they are counted: numpy likes many at once.
_BATCH = 2048


@dataclass(slots=True, eq=False)
class Message:
    """A message on its way."""

    #: In the order of the schedule's slices, from 0.
    number: int
    #: Which connection carries it.
    line: int
    #: Seconds of the monotonic clock.
    due_s: float
    topic: str
    payload: bytes
    #: When it was written to the socket for the first time; 0 before.
    sent_s: float = 0.0


class Tally:
    """Counts what lines do with messages.

    Args:
        keep: For how many messages their fate is remembered one by one; 0: counted only.
    """

    def __init__(self, keep: int = 0) -> None:
        self.states = bytearray(keep)
        self._keep = keep > 0
        self.published = 0
        self.acknowledged = 0
        self.refused = 0
        #: Messages that the broker took although nobody subscribes to them (MQTT 5 says so).
        self.unmatched = 0
        #: Messages that were written once more after a connection had broken.
        self.repeated = 0
        self.connections_lost = 0
        self._late = Histogram()
        self._answered = Histogram()
        self._late_batch: list[float] = []
        self._answered_batch: list[float] = []

    @property
    def outstanding(self) -> int:
        """Messages written and not answered."""
        return self.published - self.acknowledged - self.refused

    def sent(self, message: Message, now_s: float) -> None:
        """A message was written to its socket."""
        if message.sent_s:
            self.repeated += 1
            return
        message.sent_s = now_s
        self.published += 1
        if self._keep:
            self.states[message.number] = SENT
        self.late(now_s - message.due_s)

    def late(self, seconds: float) -> None:
        """A message was written so long after it was due, or was given up then."""
        self._late_batch.append(seconds)
        if len(self._late_batch) >= _BATCH:
            self._flush()

    def answered(self, message: Message, now_s: float, *, refused: bool = False, unmatched: bool = False) -> None:
        """The broker acknowledged a message, or refused it."""
        if refused:
            self.refused += 1
        else:
            self.acknowledged += 1
            self.unmatched += unmatched
        if self._keep:
            self.states[message.number] = REFUSED if refused else ACKNOWLEDGED
        self._answered_batch.append(now_s - message.sent_s)
        if len(self._answered_batch) >= _BATCH:
            self._flush()

    def taken(self, message: Message) -> None:
        """At QoS 0 nobody answers: a message that the socket took is done."""
        self.acknowledged += 1
        if self._keep:
            self.states[message.number] = ACKNOWLEDGED

    @property
    def lateness(self) -> Histogram:
        """How late messages were written."""
        self._flush()
        return self._late

    @property
    def answers(self) -> Histogram:
        """How long the broker took to answer."""
        self._flush()
        return self._answered

    def _flush(self) -> None:
        for batch, histogram in ((self._late_batch, self._late), (self._answered_batch, self._answered)):
            histogram.record(batch)
            batch.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetLedger:
    """Every message of a run: which device, the time it carries, and what became of it."""

    devices: tuple[str, ...]
    #: Position in `devices`.
    device: NDArray[np.int32]
    #: Microseconds since 1970 (UTC).
    time: NDArray[np.int64]
    #: UNSENT, SENT, ACKNOWLEDGED or REFUSED.
    state: NDArray[np.uint8]

    def save(self, path: Path) -> None:
        """Writes a numpy archive (.npz)."""
        with path.open("wb") as file:
            np.savez_compressed(
                file, devices=np.array(self.devices), device=self.device, time=self.time, state=self.state
            )


def ledger(groups: Sequence[Group], schedule: Schedule, step_s: float, begin: int, states: bytes) -> FleetLedger:
    """The ledger of a run, out of its schedule, which says who was to send what, and the fate of each message.

    Args:
        groups: Of the fleet.
        schedule: As it was run.
        step_s: Length of its slices, as it was run.
        begin: Of the run, microseconds since 1970 (UTC).
        states: By number of the message.
    """
    first = np.cumsum([0, *(group.count for group in groups)])
    devices: list[NDArray[np.int64]] = []
    times: list[NDArray[np.int64]] = []
    for stretch in schedule.slices(step_s):
        for each in stretch:
            devices.append(each.devices + first[each.group])
            times.append(instants(each, begin))
    return FleetLedger(
        devices=tuple(group.device(number) for group in groups for number in range(group.count)),
        device=np.concatenate(devices).astype(np.int32),
        time=np.concatenate(times),
        state=np.frombuffer(states, dtype=np.uint8),
    )
