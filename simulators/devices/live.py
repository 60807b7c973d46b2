"""Publishes the traffic of a town over MQTT, each message when it is due: a span, or one span after another for ever.

The pace is open loop: a message is due at an instant that no delay moves, so lateness is measured and never hidden.
"""

import heapq
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from domain.errors import UnavailableError
from domain.times import MICROS_PER_SECOND, Clock, now_micros
from simulators.devices.chunks import Ahead, Chunk
from simulators.devices.letters import Desk, Letter
from simulators.devices.traffic import Traffic
from simulators.ledger import Entry, Ledger
from simulators.publisher import Publisher, Version
from simulators.replay import ClockTeller
from simulators.town.layout import Town

log = structlog.get_logger(__name__)

#: How long one message may wait for a broker before publishing ends with an error.
_PATIENCE_S = 120.0
_GRAIN_S = 0.2
#: Without pace, connections would run ahead of each other by hours of the traffic: each such step of it is acknowledged
#: on all of them before the next begins.
_STEP = 60 * MICROS_PER_SECOND
_RECENT = 5000
_NEVER = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a broadcast has come.

    Attributes:
        messages: Handed to the broker; `pending` of them are not acknowledged yet.
        position: The instant on the clock of the traffic that has been reached.
        late_ms: Median, 99th percentile and greatest lateness of the last messages; 0 without pace.
        worst_ms: Greatest lateness since the start.
        waits: The next span was not ready when it was needed.
        finished: Everything is handed over.
    """

    messages: int
    pending: int
    position: int
    late_ms: tuple[float, float, float]
    worst_ms: float
    waits: int
    finished: bool


class LiveLedger(Ledger):
    """A ledger that also knows how long the broker took to acknowledge, over the last messages."""

    def __init__(self, *, keep: bool = False, clock: Clock = now_micros) -> None:
        super().__init__(keep=keep)
        self._clock = clock
        self.acknowledged_in_ms: deque[float] = deque(maxlen=_RECENT)

    def acknowledged(self, entries: int | Sequence[Entry], *, unmatched: bool = False) -> None:
        """Counts one message."""
        super().acknowledged(entries, unmatched=unmatched)
        if isinstance(entries, _Handed):
            self.acknowledged_in_ms.append((self._clock() - entries.at) / 1000)


class _Handed(list[Entry]):
    """Entries that know when they were handed to the publisher."""

    __slots__ = ("at",)

    def __init__(self, entries: Iterable[Entry], at: int) -> None:
        super().__init__(entries)
        self.at = at


class Broadcast:
    """Publishes until its source ends or it is stopped.

    Args:
        town: Whose devices; the chunks are theirs.
        chunks: What to publish. Each is asked for while the one before it is published.
        url: Broker.
        speed: Seconds of the traffic in one second; infinite for as fast as the broker takes it.
        origin: The instant on the clock of the traffic that falls on the start; default its first message.
        shift: Microseconds to add to the times in the messages; None adds what makes `origin` the moment of the start.
        connections: One connection a device, instead of one for each gateway, each carrier and the lines of stations.
        prefix: Start of the MQTT client ids.
        ledger: Where acknowledgements are written; default one that counts.
        tells_clock: Whether to tell a platform that lives by a replay's clock how far the traffic has come.
        clock: Source of time.
        version, ca_file, keepalive_s: As for `Publisher`.
    """

    def __init__(
        self,
        town: Town,
        chunks: Iterable[Chunk],
        url: str,
        *,
        speed: float = 1.0,
        origin: int | None = None,
        shift: int | None = 0,
        connections: bool = False,
        prefix: str = "lifeline-town",
        ledger: LiveLedger | None = None,
        tells_clock: bool = False,
        clock: Clock = now_micros,
        version: Version = "auto",
        ca_file: Path | None = None,
        keepalive_s: int = 15,
    ) -> None:
        self.ledger = ledger or LiveLedger(clock=clock)
        self.problem: str | None = None
        self.done = threading.Event()
        self._desk = Desk(town)
        self._shift = shift
        self._origin = origin
        self._speed = speed
        self._clock = clock
        self._stop = threading.Event()
        self._ahead = Ahead(chunks, self._stop)
        ways = {one.device: one.device if connections else one.via for one in town.instruments}
        self._lines = {
            way: Publisher(
                url,
                f"{prefix}-{way}",
                ledger=self.ledger,
                version=version,
                ca_file=ca_file,
                keepalive_s=keepalive_s,
            )
            for way in sorted(set(ways.values()))
        }
        self._line_of = {device: self._lines[way] for device, way in ways.items()}
        self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)
        topics = list(self._desk.topics.values())
        self._teller = ClockTeller(_Lines(tuple(self._lines.values())), speed, topics) if tells_clock else None
        self._connecting = False
        self._begun = 0
        self._messages = 0
        self._position = 0
        self._next_step = 0
        self._late_ms: deque[float] = deque(maxlen=_RECENT)
        self._worst_ms = 0.0

    @property
    def connections(self) -> int:
        """How many MQTT connections it has."""
        return len(self._lines)

    @property
    def pending(self) -> int:
        """Messages handed to the broker and not acknowledged yet."""
        return sum(line.pending for line in self._lines.values())

    @property
    def shift(self) -> int:
        """Microseconds added to the times in the messages; known once it has started."""
        return self._desk.shift

    def progress(self) -> Progress:
        """How far it has come."""
        late = np.array(list(self._late_ms)) if self._late_ms else np.zeros(1)
        median, tail, most = (float(value) for value in np.percentile(late, (50, 99, 100)))
        return Progress(
            messages=self._messages,
            pending=self.pending,
            position=self._position,
            late_ms=(median, tail, most),
            worst_ms=self._worst_ms,
            waits=self._ahead.waits,
            finished=self.done.is_set(),
        )

    def connect(self, timeout_s: float = 30.0) -> None:
        """Connects every line; `start` does it by itself, but a caller may want to know before it computes.

        Raises:
            UnavailableError: The broker did not accept a connection in time.
        """
        if not self._connecting:
            self._connecting = True
            for line in self._lines.values():
                line.start()
        for line in self._lines.values():
            line.wait_connected(timeout_s)

    def start(self, timeout_s: float = 30.0) -> None:
        """Connects every line, then begins to publish.

        Raises:
            UnavailableError: The broker did not accept a connection in time.
        """
        self._ahead.start()
        self.connect(timeout_s)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until everything is handed over or nothing more will be; False if that takes longer."""
        return self.done.wait(timeout_s)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Publishes nothing more; True when the broker has acknowledged everything that was handed over."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        try:
            drained = [line.drain(timeout_s) for line in self._lines.values()]
        except UnavailableError as exc:
            self.problem = self.problem or str(exc)
            drained = [False]
        for line in self._lines.values():
            line.close()
        self._ahead.join(timeout_s)
        return all(drained)

    def _run(self) -> None:
        try:
            self._publish_all()
        except Exception as exc:
            # Whoever waits for the end must hear why it came.
            self.problem = str(exc) or type(exc).__name__
            log.exception("broadcast_failed")
        finally:
            self.done.set()

    def _publish_all(self) -> None:
        waiting: list[Letter] = []
        for chunk in self._ahead:
            traffic, until = chunk.traffic, _NEVER if chunk.until is None else chunk.until
            if not self._begun:
                self._begin(traffic)
            end = int(np.searchsorted(traffic.sent, until))
            due = [letter for letter in waiting if letter.sent < until]
            later = [letter for letter in waiting if letter.sent >= until]
            waiting = sorted((*later, *self._desk.letters(traffic, end)), key=_sent)
            for letter in heapq.merge(self._desk.letters(traffic, 0, end), due, key=_sent):
                if not self._publish(letter):
                    return
        for letter in waiting:
            if not self._publish(letter):
                return
        if self._teller and self._begun:
            self._teller.end(self._position + self._desk.shift)

    def _begin(self, traffic: Traffic) -> None:
        self._begun = self._clock()
        if self._origin is None:
            self._origin = int(traffic.sent[0]) if len(traffic.sent) else self._begun
        if self._shift is None:
            # Instants stay whole milliseconds, as messages write them.
            self._shift = (self._begun - self._origin) // 1000 * 1000
        self._desk.shift = self._shift
        if self._teller:
            self._teller.begin(self._origin + self._shift)

    def _publish(self, letter: Letter) -> bool:
        """Waits until a letter is due and hands it over; False when it is time to stop."""
        paced = not math.isinf(self._speed)
        due = self._begun
        if not paced and letter.sent >= self._next_step:
            self._next_step = letter.sent // _STEP * _STEP + _STEP
            if not self._settle():
                return False
        if paced and self._origin is not None:
            due += int((letter.sent - self._origin) / self._speed)
            while (ahead := (due - self._clock()) / MICROS_PER_SECOND) > 0:
                if self._stop.wait(min(ahead, _GRAIN_S)):
                    return False
        if self._stop.is_set():
            return False
        if self._teller:
            self._teller.reach(letter.sent + self._desk.shift)
        if not self._hand_over(letter, _Handed(letter.entries, self._clock())):
            return False
        self._messages += 1
        self._position = letter.sent
        if paced:
            lateness = (self._clock() - due) / 1000
            self._late_ms.append(lateness)
            self._worst_ms = max(self._worst_ms, lateness)
        return True

    def _settle(self) -> bool:
        """Waits until the broker has acknowledged everything; False when stopped, or when it takes too long."""
        deadline = time.monotonic() + _PATIENCE_S
        for line in self._lines.values():
            while line.pending and not line.drain(_GRAIN_S):
                if self._stop.is_set():
                    return False
                if time.monotonic() > deadline:
                    raise UnavailableError(f"the broker acknowledged nothing for {_PATIENCE_S:g} s")
        return True

    def _hand_over(self, letter: Letter, entries: _Handed) -> bool:
        """Hands a letter to its line, and waits for a broker that is away; False when stopped."""
        line = self._line_of[letter.device]
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                line.publish(letter.topic, letter.payload, entries, timeout_s=1.0)
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
                # A line whose thread has failed says so at once.
                if self._stop.wait(_GRAIN_S):
                    return False
            else:
                return True


class _Lines:
    """All connections as one: a message goes over the first, and is answered when all are."""

    def __init__(self, lines: tuple[Publisher, ...]) -> None:
        self._lines = lines

    def publish(
        self, topic: str, payload: bytes, entries: int | Sequence[Entry] = 1, *, timeout_s: float | None = None
    ) -> None:
        """Hands one message over."""
        self._lines[0].publish(topic, payload, entries, timeout_s=timeout_s)

    def drain(self, timeout_s: float) -> bool:
        """Waits until every message of every line is answered."""
        return all(line.drain(timeout_s) for line in self._lines)


def _sent(letter: Letter) -> int:
    return letter.sent
