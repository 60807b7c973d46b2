"""The stage: addresses events from the outbox and runs a lane for each channel. Any number of workers may share it."""

import random
import threading
import time
from dataclasses import dataclass

import structlog

from domain.errors import UnavailableError
from notify.addresses import AddressBook
from notify.lane import Lane
from runtime import metrics
from runtime.backoff import Backoff
from storage import notifications
from storage.clock import refuse_replays
from storage.database import Pool
from storage.migrate import check
from storage.notifications import OutboxEvent, Recipient

log = structlog.get_logger(__name__)

#: How often the age of the backlog is measured and old deliveries are given up.
_SURVEY_S = 5.0
#: Readiness: the outbox counts as neglected when nothing was addressed for this long.
_NEGLECTED_S = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerOptions:
    """How a worker behaves; seconds."""

    zone: str
    language: str
    timeout_s: float
    poll_s: float
    give_up_s: float


class Worker:
    """Runs until `stop` is set.

    Args:
        pool: Database; one connection for the worker and one for each lane at most, shared.
        book: Addresses and lists.
        options: Times and languages.
        stop: Set by the signals of the process.
        rng: Source of jitter.
    """

    def __init__(
        self,
        pool: Pool,
        book: AddressBook,
        options: WorkerOptions,
        *,
        stop: threading.Event,
        rng: random.Random | None = None,
    ) -> None:
        self._pool = pool
        self._book = book
        self._options = options
        self._stop = stop
        rng = rng or random.Random()  # noqa: S311 - jitter
        self._backoff = Backoff(0.5, 10.0, rng)
        self._lanes = {
            name: Lane(
                pool,
                address,
                zone=options.zone,
                timeout_s=options.timeout_s,
                poll_s=options.poll_s,
                give_up_s=options.give_up_s,
                stop=stop,
                rng=random.Random(rng.random()),  # noqa: S311 - jitter
            )
            for name, address in book.addresses.items()
        }
        self._addressed_at = time.monotonic()
        self._surveyed_at = float("-inf")
        self._problem = ""

    def readiness(self) -> dict[str, str]:
        """Problems by name; empty when events are being addressed."""
        silent_s = time.monotonic() - self._addressed_at
        if silent_s > _NEGLECTED_S:
            return {"outbox": f"not read for {silent_s:.0f} s: {self._problem or 'busy'}"}
        return {}

    def run(self) -> None:
        """Addresses events and delivers them until stopped; ends after the deliveries that are under way."""
        if not self._schema_checked():
            return
        for lane in self._lanes.values():
            lane.start()
        log.info("notify_started", channels=sorted(self._lanes))
        while not self._stop.is_set():
            try:
                busy = self._address()
                self._survey()
            except UnavailableError as exc:
                self._problem = str(exc)
                log.warning("database_unavailable", error=self._problem)
                self._stop.wait(self._backoff.next_s())
                continue
            self._backoff.reset()
            self._problem = ""
            if not busy:
                self._stop.wait(self._options.poll_s)
        self._end()

    def _schema_checked(self) -> bool:
        """Waits for the database and checks it; False if the process is to stop first."""
        while not self._stop.is_set():
            try:
                with self._pool.connection() as connection:
                    check(connection)
                    if self._book.addresses:
                        refuse_replays(connection)
            except UnavailableError as exc:
                self._problem = str(exc)
                log.warning("database_unavailable", error=self._problem)
                self._stop.wait(self._backoff.next_s())
            else:
                return True
        return False

    def _address(self) -> bool:
        done = notifications.fan_out(self._pool, self._route, language=self._options.language)
        self._addressed_at = time.monotonic()
        for channel in done.channels:
            self._lanes[channel].wake()
        if done.unaddressed:
            metrics.notifications.labels("unaddressed").inc(done.unaddressed)
            log.warning("events_unaddressed", events=done.unaddressed)
        return done.events > 0

    def _route(self, event: OutboxEvent) -> list[Recipient]:
        told = event.told if event.addressee is None else (*event.told, event.addressee)
        addresses = self._book.recipients(event.network, event.level, told, exercise=event.exercise is not None)
        return [Recipient(channel=a.name, language=a.language) for a in addresses]

    def _survey(self) -> None:
        if time.monotonic() - self._surveyed_at < _SURVEY_S:
            return
        self._surveyed_at = time.monotonic()
        for channel in notifications.give_up(self._pool, give_up_s=self._options.give_up_s):
            metrics.notifications.labels("failed").inc()
            log.error("notification_failed", channel=channel)
        backlog = notifications.backlog(self._pool)
        metrics.outbox_age.set(max([backlog.outbox_oldest_s, *(c.oldest_s for c in backlog.channels)]))
        metrics.outbox_pending.set(backlog.outbox + sum(c.pending for c in backlog.channels))

    def _end(self) -> None:
        for lane in self._lanes.values():
            lane.wake()
        deadline = time.monotonic() + self._options.timeout_s + 1.0
        for lane in self._lanes.values():
            lane.join(max(0.0, deadline - time.monotonic()))
        log.info("notify_stopped")
