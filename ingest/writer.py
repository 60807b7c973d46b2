"""Batches -> storage, on a thread of its own: one batch at a time, in order, until it is committed.

A batch that cannot be written now (database away) is tried again with jittered waits, and nothing behind it overtakes.
A batch that the database refuses is split: halves without the culprit are stored in the same pass, the culprit ends
as a dead letter. The thread holds the partition's lock on its connection; whoever finds it taken, stops.
"""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import structlog

from domain.errors import FencedError, RefusedDataError, UnavailableError
from domain.observation import Rejection, RejectReason
from ingest.promises import Promises
from runtime import metrics
from runtime.backoff import Backoff
from runtime.settings import Settings
from storage import arrays, batches, catalog, clock, promises
from storage.batches import Batch, DeadLetter, Stored
from storage.catalog import Catalog
from storage.database import connect, cut
from storage.migrate import check

log = structlog.get_logger(__name__)
#: How long a lock may stay with a connection whose process has just died.
CLAIM_PATIENCE_S = 4.0
HEARTBEAT_S = 1.0
#: How much longer than a statement may take the database may be silent.
SILENCE_S = 10.0
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """A decoded batch and the messages it answers for."""

    batch: Batch
    epoch: int
    mids: list[int]
    #: Decodes the same messages again with a newer registry.
    decode: Callable[[Catalog], Batch]
    #: The version of the registry that it was decoded with.
    version: int
    #: Bytes of payload.
    size: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the subscriber knows of the broker, for the heartbeat."""

    connected: bool
    caught_up_at: int | None
    session_losses: int
    #: When it subscribed; None while it has not.
    listening_since: int | None = None


class Writer:
    """Owns the database connection of one partition.

    Args:
        settings: database_url, partition, statement_timeout_s.
        committed: Called on the writer's thread after each COMMIT with the job and how it ended.
        wake: Called on the writer's thread when the writer is idle again.
        heard: Asked before each heartbeat.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        committed: Callable[[Job, list[Stored]], None],
        wake: Callable[[], None],
        heard: Callable[[], Heard],
    ) -> None:
        self._settings = settings
        self._committed = committed
        self._wake = wake
        self._heard = heard
        self._jobs: queue.Queue[Job | None] = queue.Queue(maxsize=2)
        self._stop = threading.Event()
        self._backoff = Backoff(0.1, 2.0, random.Random())  # noqa: S311
        self._link = connect(
            settings.database_url.get_secret_value(),
            application=f"ingest {settings.partition}",
            statement_timeout_s=settings.statement_timeout_s,
        )
        self._seq = 0
        self.knew_broker = False
        #: How far this partition had heard when it was taken.
        self.reached: int | None = None
        self._losses_written = 0
        self._listening_told: int | None = None
        self._asked_at: float | None = None
        self._cut: object = None
        self.problem: str | None = None
        self._promises = Promises()
        self._prepare()
        self.catalog = catalog.load(self._link)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begins to take batches."""
        self._thread.start()

    def is_free(self) -> bool:
        """Whether `submit` would not wait."""
        return not self._jobs.full()

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being written."""
        return self._jobs.unfinished_tasks == 0

    def submit(self, job: Job) -> None:
        """Hands over a batch; call only when `is_free`."""
        self._jobs.put_nowait(job)

    def busy_s(self) -> float:
        """How long the database has owed an answer, in seconds."""
        since = self._asked_at
        return 0.0 if since is None else time.monotonic() - since

    def break_silence(self) -> None:
        """Cuts a connection on which nothing was answered for longer than any statement may take."""
        link = self._link
        if self.busy_s() > self._settings.statement_timeout_s + SILENCE_S and link is not self._cut:
            log.error("database_silent", seconds=round(self.busy_s()))
            self._cut = link
            cut(link)

    def stop(self) -> None:
        """Ends after the batches at hand; one that cannot be written is left to the broker, which still has it."""
        self._stop.set()
        try:
            self._jobs.put_nowait(None)
        except queue.Full:
            log.info("writer_stops_after_its_batches")
        self._thread.join(timeout=STOP_S)
        if self._thread.is_alive():
            log.warning("writer_left_behind", note="the database does not answer; the broker keeps what is not stored")
        else:
            self._link.close()

    def _prepare(self) -> None:
        check(self._link)
        clock.check_clock(self._link, self._settings.clock)
        arrays.register(self._link)
        patience = time.monotonic() + CLAIM_PATIENCE_S
        while (claimed := batches.claim(self._link, self._settings.partition)) is None:
            if time.monotonic() > patience or self._stop.is_set():
                raise FencedError(
                    f"another ingest worker holds partition {self._settings.partition!r}: stop it, or give this one "
                    "another LIFELINE_PARTITION"
                )
            self._stop.wait(0.2)
        self._seq, self.knew_broker = claimed
        self.reached = clock.reached(self._link, self._settings.partition)

    def _run(self) -> None:
        last_beat = 0.0
        while True:
            wait_s = max(0.0, last_beat + HEARTBEAT_S - time.monotonic())
            try:
                job = self._jobs.get(timeout=wait_s) if wait_s else self._jobs.get_nowait()
            except queue.Empty:
                self._beat()
                last_beat = time.monotonic()
                if self._stop.is_set():
                    return
                continue
            if job is None:
                return
            if self._heard().listening_since != self._listening_told:
                # What this subscription brings must not be read before it is known since when it listens.
                self._beat()
            stored = self._until_stored(job)
            if stored is None:
                return
            # In this order: whoever sees an idle writer finds what it committed, whoever is woken finds it idle.
            self._committed(job, stored)
            self._jobs.task_done()
            self._wake()
            if time.monotonic() - last_beat >= HEARTBEAT_S:
                self._beat()
                last_beat = time.monotonic()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Notes since when the database owes an answer."""
        self._asked_at = time.monotonic()
        try:
            yield
        finally:
            self._asked_at = None

    def _until_stored(self, job: Job) -> list[Stored] | None:
        """Tries until the whole job is committed; None when the process stops first."""
        whole = self._with_fresh_registry(job)
        pending = [whole]
        done: list[Stored] = []
        while pending:
            try:
                began = time.perf_counter()
                with self._asking():
                    stored = batches.store(
                        self._link, pending[0], partition=self._settings.partition, seq=self._seq + 1
                    )
                done.append(stored)
                metrics.ingest_batch_seconds.observe(time.perf_counter() - began)
                self._seq += 1
                pending.pop(0)
                self._recovered()
            except RefusedDataError as exc:
                pending[:1] = split(pending[0], str(exc))
            except UnavailableError as exc:
                self.problem = str(exc)
                log.warning("database_unavailable", error=str(exc), messages=job.batch.messages)
                if self._stop.wait(self._backoff.next_s()):
                    return None
                self._reconnect()
        self._promises.heard(whole.promises)
        return done

    def _with_fresh_registry(self, job: Job) -> Batch:
        """A device that was registered a moment ago is not unknown: look again before saying so."""
        unknown = {RejectReason.UNKNOWN_DEVICE, RejectReason.UNKNOWN_PROPERTY, RejectReason.BAD_TOPIC}
        if not any(letter.rejection.reason in unknown for letter in job.batch.dead_letters):
            return job.batch
        try:
            with self._asking():
                if catalog.version(self._link) != self.catalog.version:
                    self.catalog = catalog.load(self._link)
        except UnavailableError as exc:
            log.warning("registry_not_read", error=str(exc))
            return job.batch
        # A heartbeat may have brought the newer registry since the messages were decoded.
        return job.batch if job.version == self.catalog.version else job.decode(self.catalog)

    def _reconnect(self) -> None:
        if not self._link.closed and not self._link.broken:
            return
        self._link.close()
        try:
            with self._asking():
                self._link = connect(
                    self._settings.database_url.get_secret_value(),
                    application=f"ingest {self._settings.partition}",
                    statement_timeout_s=self._settings.statement_timeout_s,
                )
                self._prepare()
        except UnavailableError as exc:
            self.problem = str(exc)
            self._link.close()

    def _recovered(self) -> None:
        if self.problem is not None:
            log.info("database_back")
        self.problem = None
        self._backoff.reset()

    def _beat(self) -> None:
        heard = self._heard()
        try:
            with self._asking():
                version = batches.heartbeat(
                    self._link,
                    partition=self._settings.partition,
                    connected=heard.connected,
                    caught_up_at=heard.caught_up_at,
                    session_losses=heard.session_losses - self._losses_written,
                    listening_since=heard.listening_since,
                )
                self._losses_written = heard.session_losses
                self._listening_told = heard.listening_since
                if due := self._promises.due():
                    self._promises.written(promises.keep(self._link, due) or {})
                if version != self.catalog.version:
                    self.catalog = catalog.load(self._link)
                    log.info("registry_reloaded", version=self.catalog.version, devices=len(self.catalog.topic_of))
            self._recovered()
        except UnavailableError as exc:
            self.problem = str(exc)
            log.warning("heartbeat_failed", error=str(exc))
            self._stop.wait(self._backoff.next_s())
            self._reconnect()


def split(batch: Batch, error: str) -> list[Batch]:
    """What to write instead of a batch that was refused: its two halves, or the one culprit as a dead letter.

    The messages count with the last part: only then the fate of all of them is decided.
    """
    size = len(batch.datastreams)
    if size <= 1:
        letters = list(batch.dead_letters)
        if size == 1:
            source = int(batch.sources[0])
            rejection = Rejection(RejectReason.REFUSED_BY_DATABASE, error)
            letters.append(DeadLetter(batch.topics[source], None, rejection, batch.payloads[source]))
        elif letters:
            raise AssertionError(f"the database refuses dead letters: {error}")
        return [batch.take(np.zeros(0, dtype=np.intp), messages=batch.messages, dead_letters=letters)]
    half = size // 2
    return [
        batch.take(slice(0, half), messages=0, dead_letters=batch.dead_letters),
        batch.take(slice(half, size), messages=batch.messages, dead_letters=[]),
    ]
