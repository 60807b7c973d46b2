"""One follower of the database per process, however many read its stream.

It polls while anybody listens: events of alerts by number, observations from the end of the journal. Events of alerts
are complete and ordered, and can be resumed from any of them. Observations are what is stored now; a follower that has
fallen far behind skips, and says so.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from api.events import Sequencer, encode
from api.models.stream import AlertEvent
from api.problems import busy
from domain.errors import UnavailableError
from domain.exercise_mark import Exercises
from domain.times import Clock, isoformat
from runtime import metrics
from storage.alert_reading import StreamedEvent, events_after, last_event
from storage.journal_tail import TailRow, heads, tail

log = structlog.get_logger(__name__)

POLL_S = 0.1
_RECONNECT_S = 1.0
_EVENTS_AT_ONCE = 500
_BATCHES_AT_ONCE = 20
#: Batches; a follower further behind skips to the newest.
_SKIP_BEYOND = 200
_OBSERVATIONS_IN_EVENT = 1000
_QUEUE = 1000


def encode_event(event: StreamedEvent) -> bytes:
    """An event of an alert as it stands in the stream; its number is the id that a reader resumes from."""
    return encode("alert", AlertEvent.model_validate(event).model_dump(mode="json"), id_=event.id)


@dataclass(eq=False, slots=True)
class Subscription:
    """One reader. Its queue is touched on its own event loop only; None ends the stream."""

    alerts: bool
    datastreams: frozenset[int]
    loop: asyncio.AbstractEventLoop
    #: Events up to this number were before the subscription.
    begins_after: int = 0
    #: Whether events of exercises are among those of alerts.
    exercises: Exercises = "exclude"
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))

    def wants(self, event: StreamedEvent) -> bool:
        """Whether an event of an alert is for this reader."""
        wanted = self.exercises == "include" or (event.exercise is not None) == (self.exercises == "only")
        return self.alerts and wanted

    def offer(self, event: bytes | None) -> None:
        """From any thread; a reader too slow to keep up is sent away to resume from where it is."""
        self.loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: bytes | None) -> None:
        if self.queue.full():
            if event is not None:
                metrics.api_stream_drops.inc()
            while not self.queue.empty():
                self.queue.get_nowait()
            event = None
        self.queue.put_nowait(event)


class Follower:
    """Reads for all subscriptions in one thread, with one connection.

    Args:
        connect: Opens a connection.
        clock: Microseconds since 1970.
        limit: Subscriptions at once.
    """

    def __init__(self, connect: Callable[[], Any], clock: Clock, limit: int) -> None:
        self._connect = connect
        self._clock = clock
        self._limit = limit
        self._subscriptions: set[Subscription] = set()
        self._sequencer = Sequencer(0)
        self._heads: dict[str, int] | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def close(self) -> None:
        """Ends every stream and the thread; may be called more than once."""
        self._closing.set()
        self._wake.set()
        with self._lock:
            for subscription in self._subscriptions:
                subscription.offer(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def subscribe(self, subscription: Subscription, connection: Any) -> None:  # noqa: ANN401
        """Adds a reader; raises Problem 503 when there are too many. The connection tells where events stand now."""
        with self._lock:
            if len(self._subscriptions) >= self._limit or self._closing.is_set():
                metrics.api_refused.labels("busy").inc()
                raise busy("Too many streams are open: try again later.", 30)
            if not self._subscriptions:
                self._sequencer = Sequencer(last_event(connection))
                self._heads = None
            subscription.begins_after = self._sequencer.position
            self._subscriptions.add(subscription)
            metrics.api_streams.set(len(self._subscriptions))
        self._wake.set()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Takes a reader off."""
        with self._lock:
            self._subscriptions.discard(subscription)
            metrics.api_streams.set(len(self._subscriptions))
            if not self._subscriptions and not self._closing.is_set():
                self._wake.clear()

    def _run(self) -> None:
        connection: Any = None
        while not self._closing.is_set():
            self._wake.wait()
            try:
                connection = connection or self._connect()
                self._read_events(connection)
                self._read_observations(connection)
            except UnavailableError as exc:
                log.warning("stream_interrupted", error=str(exc))
                if connection is not None:
                    connection.close()
                connection = None
                self._closing.wait(_RECONNECT_S)
            self._closing.wait(POLL_S)
        if connection is not None:
            connection.close()

    def _read_events(self, connection: Any) -> None:  # noqa: ANN401
        with self._lock:
            position = self._sequencer.position
        events = events_after(connection, position, limit=_EVENTS_AT_ONCE)
        with self._lock:
            if self._sequencer.position != position:
                return
            admitted = events[: self._sequencer.admit([e.id for e in events], self._clock())]
            for event in admitted:
                encoded = encode_event(event)
                for reader in self._subscriptions:
                    if reader.wants(event):
                        reader.offer(encoded)

    def _read_observations(self, connection: Any) -> None:  # noqa: ANN401
        with self._lock:
            readers = [s for s in self._subscriptions if s.datastreams]
        if not readers:
            self._heads = None
            return
        newest = heads(connection)
        if self._heads is None:
            self._heads = newest
            return
        for partition, head in newest.items():
            position = self._heads.setdefault(partition, 0)
            if head - position > _SKIP_BEYOND:
                log.warning("stream_skipped", partition=partition, batches=head - position)
                for reader in readers:
                    reader.offer(encode("skipped", {"partition": partition, "batches": head - position}))
                self._heads[partition] = head
            elif head > position:
                rows = tail(connection, partition, position, limit=_BATCHES_AT_ONCE)
                for row in rows:
                    self._heads[partition] = row.seq
                    for reader in readers:
                        _offer_observations(reader, row)


def _offer_observations(reader: Subscription, row: TailRow) -> None:
    chosen = np.flatnonzero(np.isin(row.datastreams, np.fromiter(reader.datastreams, dtype=np.int64)))
    for begin in range(0, len(chosen), _OBSERVATIONS_IN_EVENT):
        part = chosen[begin : begin + _OBSERVATIONS_IN_EVENT]
        observations = [
            {
                "datastream": int(row.datastreams[i]),
                "time": isoformat(int(row.times[i])),
                "value": float(row.values[i]),
                "quality": int(row.qualities[i]),
            }
            for i in part
        ]
        reader.offer(encode("observations", observations))
