"""The process around the rules: one leader among any number of workers, and what it does when the database is away.

The lead is an advisory lock on a connection of its own. A worker without it stands by and asks every second; when the
leader is killed, the server frees its lock at once. A leader that was replaced without noticing writes nothing: every
commit is fenced (storage.alerts).
"""

import gc
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, tzinfo

import structlog

from domain.errors import FencedError, UnavailableError
from domain.times import Clock, now_micros
from rules.evaluate import HORIZON_S
from rules.session import Session
from rules.shelf import Shelf, Source
from runtime import metrics
from runtime.backoff import Backoff
from storage.database import connect
from storage.journal import Watchtower
from storage.retention import Retention, sweep

log = structlog.get_logger(__name__)

_STANDBY_S = 1.0
_HOUSEKEEPING_S = 60.0
#: A leader that has not come round for so long is stuck.
_STALLED_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """How the engine runs; times in seconds."""

    database_url: str
    statement_timeout_s: float = 30.0
    tick_s: float = 1.0
    poll_s: float = 0.05
    #: Between two looks at the catalogue.
    look_s: float = 1.0
    retention: Retention
    #: The time of the place, and for how long late observations may change the past.
    zone: tzinfo = UTC
    horizon_s: int = HORIZON_S


class Engine:
    """Leads or stands by until it is told to stop.

    Args:
        options: Database, tick and poll.
        source: Where the catalogue comes from.
        stop: Ends `run`.
        clock: The system clock.
    """

    def __init__(
        self, options: EngineOptions, source: Source, *, stop: threading.Event, clock: Clock = now_micros
    ) -> None:
        self._options = options
        self._shelf = Shelf(source, look_s=options.look_s)
        self._stop = stop
        self._clock = clock
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._problem: str | None = "not connected yet"
        self._round_at = time.monotonic()
        #: When the next tick is due, across sessions: what an outage of the database swallowed is missed. None before
        #: the first one, and while another process leads.
        self._next_tick: float | None = None
        self.leading = False

    def readiness(self) -> dict[str, str]:
        """Problems by name; standing by is none."""
        problems = {}
        if self._problem is not None:
            problems["database"] = self._problem
        if self.leading and time.monotonic() - self._round_at > _STALLED_S:
            problems["rules"] = f"no round was finished for {_STALLED_S:.0f} s"
        return problems

    def run(self) -> None:
        """Works until stopped; a catalogue that is bad from the start and a foreign schema end it."""
        backoff = Backoff(0.2, 5.0)
        while not self._stop.is_set():
            try:
                self._stand_by(backoff)
            except FencedError as exc:
                log.warning("lead_lost", reason=str(exc))
                self._stop.wait(_STANDBY_S)
            except UnavailableError as exc:
                self._problem = str(exc)
                log.warning("database_unavailable", reason=str(exc))
                self._stop.wait(backoff.next_s())
            finally:
                self._lead(False)

    def _lead(self, leading: bool) -> None:  # noqa: FBT001
        self.leading = leading
        metrics.rules_leading.set(leading)

    def _stand_by(self, backoff: Backoff) -> None:
        tower = Watchtower(self._options.database_url, name="rules")
        try:
            while not self._stop.is_set():
                leads = tower.lead()
                self._problem = None
                backoff.reset()
                if leads:
                    self._work(tower)
                    return
                self._next_tick = None
                self._stop.wait(_STANDBY_S)
        finally:
            tower.close()

    def _work(self, tower: Watchtower) -> None:
        connection = connect(
            self._options.database_url,
            application="rules",
            statement_timeout_s=self._options.statement_timeout_s,
        )
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep_house, args=(ended,), name="housekeeping", daemon=True)
        try:
            session = Session(
                connection,
                self._shelf,
                leader=self._name,
                clock=self._clock,
                zone=self._options.zone,
                horizon_s=self._options.horizon_s,
            )
            # Registry and rules stay for long: the garbage collector need not look through them again and again.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._round_at = time.monotonic()
            self._lead(True)
            log.info("leading", name=self._name)
            keeper.start()
            self._rounds(tower, session)
            session.close()
        finally:
            ended.set()
            connection.close()

    def _rounds(self, tower: Watchtower, session: Session) -> None:
        tick_s = self._options.tick_s
        next_tick = time.monotonic() if self._next_tick is None else self._next_tick
        while not self._stop.is_set():
            self._round_at = now = time.monotonic()
            if now >= next_tick:
                skipped = int((now - next_tick) // tick_s)
                self._next_tick = next_tick = next_tick + (skipped + 1) * tick_s
                metrics.rules_missed_ticks.inc(skipped)
                tower.check()
                metrics.rules_missed_ticks.inc(not session.look_ahead())
            found = session.catch_up()
            session.tick()
            if not found:
                tower.wait(max(0.0, min(self._options.poll_s, next_tick - time.monotonic())), self._stop)

    def _keep_house(self, ended: threading.Event) -> None:
        while not ended.wait(_HOUSEKEEPING_S):
            try:
                connection = connect(self._options.database_url, application="rules housekeeping")
                try:
                    removed = sweep(connection, self._options.retention)
                finally:
                    connection.close()
            except UnavailableError as exc:
                log.warning("housekeeping_put_off", reason=str(exc))
                continue
            for relation, rows in removed.items():
                metrics.rules_removed.labels(relation).inc(rows)
            if any(removed.values()):
                log.info("old_rows_removed", **removed)
