"""The ingest worker: one partition, one broker connection, one writer, one loop.

The loop owns the socket and decodes; the writer's thread waits for the database. A message is acknowledged only after
the COMMIT that decided its fate, and only on the connection that delivered it: an identifier of an earlier connection
means another message by now.
"""

import random
import select
import socket
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from domain.times import Clock, now_micros
from domain.topics import subscription
from ingest.connection import Connection, Inbox
from ingest.decode import Limits, decode
from ingest.progress import RESEND_MICROS, SETTLE_MICROS, Progress
from ingest.replay_clock import ReplayClock
from ingest.writer import Heard, Job, Writer
from runtime import metrics
from runtime.backoff import Backoff
from runtime.broker_address import parse
from runtime.settings import Settings
from storage.batches import Batch, Stored
from storage.catalog import Catalog
from storage.clock import REPLAY

log = structlog.get_logger(__name__)
#: Messages taken from the socket before the loop looks around.
_BUDGET = 1000
#: Bytes of payload that may wait in memory before reading pauses; the broker keeps the rest.
_HELD_BYTES = 64 * 1024 * 1024
#: Bytes of payload in one batch: bounds what decoding and writing it takes, whatever the payloads hold.
_BATCH_BYTES = 4 * 1024 * 1024
#: Together less than the ten seconds that supervisors grant between SIGTERM and SIGKILL.
_DRAIN_S = 6.0
_LEAVE_S = 1.0
#: CONNACK of a broker that does not speak the version asked for (MQTT 3.1.1 code 1, MQTT 5 reason 0x84).
_UNSUPPORTED_VERSION = 0x84
_VERSIONS = {"5": (mqtt.MQTTv5,), "3.1.1": (mqtt.MQTTv311,), "auto": (mqtt.MQTTv5, mqtt.MQTTv311)}


class Worker:
    """Call `run` in the main thread; it returns after `stop` is set and everything at hand is drained."""

    def __init__(self, settings: Settings, *, clock: Clock = now_micros, rng: random.Random | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._address = parse(settings.mqtt_url.get_secret_value())
        self._limits = Limits(
            lateness_micros=settings.lateness_s * 1_000_000,
            skew_micros=settings.skew_s * 1_000_000,
            payload_bytes=settings.payload_limit_bytes,
        )
        self._backoff = Backoff(0.2, 5.0, rng)
        self._versions = deque(_VERSIONS[settings.mqtt_version])
        self._window = 2 * settings.batch_messages
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._done: deque[tuple[Job, list[Stored]]] = deque()
        self._link: Connection | None = None
        self._epoch = 0
        #: Messages not handed to the writer yet, by the connection that delivered them; the last is the living one.
        self._inboxes: deque[tuple[int, Inbox]] = deque()
        self._subscribed = False
        self._subscribed_at: int | None = None
        #: Whether the broker had kept the session of this connection.
        self._resumed = False
        self._retry_at = 0.0
        self._progress = Progress()
        self._held_bytes = 0
        self._first_at: float | None = None
        self._loop_at = time.monotonic()
        self._session_losses = 0
        self._writer = Writer(settings, committed=self._committed, wake=self._wake, heard=self._heard)
        self._knew_broker = self._writer.knew_broker
        self._replay = ReplayClock(clock, self._writer.reached) if settings.clock == REPLAY else None

    def problems(self) -> dict[str, str]:
        """What stands between this worker and its work; asked from other threads."""
        found = {}
        if not self._subscribed:
            found["broker"] = "not connected and subscribed"
        if self._writer.problem is not None:
            found["database"] = self._writer.problem
        elif self._writer.busy_s() > 4.0:
            found["database"] = f"has not answered for {self._writer.busy_s():.0f} s"
        if time.monotonic() - self._loop_at > 4.0:
            found["loop"] = "the loop stands still"
        return found

    def run(self, stop: threading.Event) -> None:
        """Works until `stop`, then drains: no new messages, what is at hand is stored and acknowledged."""
        self._writer.start()
        try:
            while not stop.is_set():
                self._turn(read=True)
            deadline = time.monotonic() + _DRAIN_S
            while time.monotonic() < deadline and not self._is_drained():
                self._turn(read=False)
        finally:
            self._close()
        log.info("ingest_stopped", drained=self._progress.held == 0)

    def _is_drained(self) -> bool:
        unsent = self._link is not None and self._link.want_write()
        return not (unsent or self._waiting() or self._done) and self._writer.is_idle()

    def _waiting(self) -> int:
        """Messages that the writer does not have yet."""
        return sum(len(inbox) for _, inbox in self._inboxes)

    def _turn(self, *, read: bool) -> None:
        """One round of the loop: wait for something, then do all that is due."""
        self._loop_at = time.monotonic()
        link = self._link
        if link is None and read and self._loop_at >= self._retry_at:
            link = self._connect()
        self._wait(link, read=read)
        if link is not None:
            self._serve(link, read=read)
        self._writer.break_silence()
        self._finish_committed()
        self._flush(force=not read)

    def _wait(self, link: Connection | None, *, read: bool) -> None:
        readers: list[Any] = [self._wake_read]
        writers: list[Any] = []
        sock = link.socket() if link is not None else None
        if link is not None and sock is not None:
            if read and self._room():
                readers.append(sock)
            if link.want_write():
                writers.append(sock)
        # TLS may have bytes that the kernel does not show any more.
        timeout_s = 0.0 if sock is not None and getattr(sock, "pending", int)() and sock in readers else self._due_s()
        ready, _, _ = select.select(readers, writers, [], timeout_s)
        if self._wake_read in ready:
            self._wake_read.recv(4096)

    def _due_s(self) -> float:
        """How long nothing is due, in seconds."""
        if self._first_at is not None and self._writer.is_idle():
            return max(0.0, self._first_at + self._settings.linger_ms / 1000 - time.monotonic())
        if self._link is None:
            return min(0.5, max(0.0, self._retry_at - time.monotonic()))
        return 0.5

    def _room(self) -> int:
        """How many messages may be read now; 0 leaves them to the broker, or to the network if it knows no window."""
        if not self._subscribed:
            # The answer to SUBSCRIBE may stand behind messages.
            return _BUDGET
        if self._held_bytes >= _HELD_BYTES:
            return 0
        return max(0, min(_BUDGET, self._window - self._progress.held))

    def _serve(self, link: Connection, *, read: bool) -> None:
        """Reads, writes and keeps one connection alive."""
        before = len(link.inbox)
        try:
            room = self._room()
            if read and room:
                empty = link.read_available(room)
                if empty and self._subscribed and link.socket() is not None:
                    self._progress.emptied(self._clock(), window=self._window)
            if link.want_write():
                link.loop_write()
            if read and room:
                link.loop_misc()
            else:
                link.stay()
        except OSError as exc:
            log.warning("broker_connection_failed", error=str(exc))
            self._lost()
        arrived = len(link.inbox) - before
        if arrived:
            self._progress.arrived(arrived, self._clock())
            self._held_bytes += sum(map(len, link.inbox.payloads[before:]))
            if self._first_at is None:
                self._first_at = time.monotonic()
        if self._link is link and link.socket() is None:
            self._lost()

    def _flush(self, *, force: bool) -> None:
        """Hands a batch to the writer when it is full, or old enough, or all there will be."""
        waiting = self._waiting()
        if not waiting or not self._writer.is_free():
            return
        full = waiting >= self._settings.batch_messages or self._replay is not None
        old = self._first_at is not None and time.monotonic() - self._first_at >= self._settings.linger_ms / 1000
        if not (full or old or force):
            return
        if not full and not self._writer.is_idle():
            # The writer is at work: a fuller batch is cheaper, and this one would wait anyway.
            return
        while len(self._inboxes) > 1 and not len(self._inboxes[0][1]):
            self._inboxes.popleft()
        epoch, inbox = self._inboxes[0]
        self._hand_over(epoch, inbox)
        self._first_at = time.monotonic() if self._waiting() else None

    def _hand_over(self, epoch: int, inbox: Inbox) -> None:
        most, now, replay = self._settings.batch_messages, self._clock(), self._replay
        if replay is not None:
            most, now = replay.upto(inbox, most), replay.now()
        taken = inbox.take(most, _BATCH_BYTES)
        size = sum(map(len, taken.payloads))
        reached = replay.take(taken) if replay is not None else None

        def again(catalog: Catalog) -> Batch:
            batch = decode(taken.topics, taken.payloads, catalog=catalog, limits=self._limits, now=now)
            return batch if reached is None else replace(batch, reached=reached)

        catalog = self._writer.catalog
        self._writer.submit(Job(again(catalog), epoch, taken.mids, again, catalog.version, size))

    def _committed(self, job: Job, stored: list[Stored]) -> None:
        """On the writer's thread: the loop takes it from here."""
        self._done.append((job, stored))

    def _wake(self) -> None:
        """On the writer's thread: the loop has something to do."""
        try:
            self._wake_write.send(b"\0")
        except BlockingIOError:
            return

    def _finish_committed(self) -> None:
        """Acknowledges what is committed, and counts it."""
        while self._done:
            job, stored = self._done.popleft()
            link = self._link
            if link is not None and job.epoch == self._epoch:
                link.acknowledge(job.mids)
                link.held.difference_update(job.mids)
                link.loop_write()
            self._progress.finished(len(job.mids))
            self._held_bytes -= job.size
            _count(job, stored)
        metrics.ingest_held.set(self._progress.held)
        metrics.ingest_lag.set(self._progress.lag_s(self._clock()))

    def _heard(self) -> Heard:
        if self._replay is not None:
            # How far a replay has come is committed with what it published.
            return Heard(self._subscribed, None, self._session_losses)
        since = self._subscribed_at if self._subscribed else None
        return Heard(self._subscribed, self._progress.caught_up_at, self._session_losses, since)

    def _connect(self) -> Connection | None:
        """Opens a new connection with an epoch of its own."""
        inbox = Inbox()
        link = Connection(
            self._address,
            client_id=f"lifeline-ingest-{self._settings.partition}",
            version=self._versions[0],
            window=self._window,
            keepalive_s=self._settings.mqtt_keepalive_s,
            inbox=inbox,
            ca_file=self._settings.mqtt_ca_file,
        )
        link.on_connect = self._on_connect
        link.on_subscribe = self._on_subscribe
        link.on_disconnect = self._on_disconnect
        self._epoch += 1
        try:
            link.open()
        except OSError as exc:
            wait_s = self._backoff.next_s()
            log.warning("broker_unreachable", error=str(exc), retry_s=round(wait_s, 2))
            self._retry_at = time.monotonic() + wait_s
            return None
        while self._inboxes and not len(self._inboxes[0][1]):
            self._inboxes.popleft()
        self._inboxes.append((self._epoch, inbox))
        self._link = link
        return link

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            log.error("broker_refused", reason=str(code))
            if code.value == _UNSUPPORTED_VERSION and len(self._versions) > 1:
                self._versions.popleft()
            return
        self._resumed = flags.session_present
        if flags.session_present:
            self._leave_to_broker()
        elif self._knew_broker:
            self._session_losses += 1
            metrics.ingest_session_losses.inc()
            log.error("session_lost", note="the broker forgot this client: what it had queued for it is gone")
        self._knew_broker = True
        log.info("broker_connected", version=self._versions[0], session_present=flags.session_present)
        if flags.session_present:
            # The session has its subscription: NATS sends all that waits before it answers to SUBSCRIBE.
            self._heard_from()
        client.subscribe(subscription(self._settings.partition), qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(code.is_failure for code in codes):
            # Never connected and deaf: without its subscription this connection is worth nothing.
            log.error("subscription_refused", reason=str(codes[0]))
            if self._link is not None:
                self._link.disconnect()
            return
        if not self._subscribed:
            self._heard_from()

    def _heard_from(self) -> None:
        """From here on messages come, and reading them is bounded."""
        self._subscribed = True
        self._subscribed_at = self._clock()
        self._backoff.reset()
        may_resend_late = self._resumed and self._versions[0] == mqtt.MQTTv311
        self._progress.subscribed(self._clock(), RESEND_MICROS if may_resend_late else SETTLE_MICROS)
        metrics.ingest_connected.set(1)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: object,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        log.warning("broker_disconnected", reason=str(reason))

    def _leave_to_broker(self) -> None:
        """The session lives: what an earlier connection delivered and nobody has begun to write will come again."""
        for epoch, inbox in self._inboxes:
            if epoch != self._epoch:
                dropped = inbox.take(len(inbox))
                self._progress.dropped(len(dropped))
                self._held_bytes -= sum(map(len, dropped.payloads))

    def _lost(self) -> None:
        """The connection is gone. What it delivered is kept: the broker may have forgotten it."""
        if self._subscribed:
            metrics.ingest_reconnects.inc()
        self._subscribed = False
        self._progress.lost()
        metrics.ingest_connected.set(0)
        self._link = None
        self._retry_at = time.monotonic() + self._backoff.next_s()

    def _close(self) -> None:
        link = self._link
        if link is not None:
            link.leave(_LEAVE_S)
        self._writer.stop()
        self._subscribed = False
        self._wake_read.close()
        self._wake_write.close()


def _count(job: Job, stored: list[Stored]) -> None:
    metrics.ingest_messages.inc(job.batch.messages)
    metrics.ingest_batch_messages.observe(job.batch.messages)
    for one in stored:
        for result, number in (
            ("stored", one.stored),
            ("duplicate", one.duplicates),
            ("conflict", one.conflicts),
            ("rejected", one.rejected),
        ):
            if number:
                metrics.ingest_entries.labels(result).inc(number)
        for reason, number in one.reasons.items():
            metrics.ingest_rejected.labels(reason).inc(number)
