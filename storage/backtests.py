"""Backtests that people asked for: queued, taken by one runner, advanced, finished.

A runner gives a sign of life with every advance. What has given none for STALE_S is taken by another, and failed after
ATTEMPTS of them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from storage.database import translated
from storage.sql import queries

STALE_S = 60.0
ATTEMPTS = 3
#: Backtests that may wait.
QUEUE = 20
_GIVEN_UP = f"given up after {ATTEMPTS} attempts: each ended with its process; make the period shorter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backtest:
    """One backtest as it stands."""

    id: int
    requested_by: str
    requested_at: datetime
    parameters: dict[str, Any]
    #: queued, running, done or failed.
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    #: From 0 to 1.
    progress: float
    result: dict[str, Any] | None
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One that a runner has taken."""

    id: int
    parameters: dict[str, Any]


def request(connection: Connection[TupleRow], *, requested_by: str, parameters: dict[str, Any]) -> int | None:
    """Queues a backtest; None if QUEUE of them wait already."""
    row = _one(connection, "request", {"requested_by": requested_by, "parameters": Jsonb(parameters), "most": QUEUE})
    return None if row is None else int(row[0])


def claim(connection: Connection[TupleRow], *, runner: str, stale_s: float = STALE_S) -> Claim | None:
    """Takes the next; None if there is none, or if another runner is at work."""
    with translated(), connection.transaction():
        connection.execute(
            queries("backtests")["give_up"], {"stale_s": stale_s, "attempts": ATTEMPTS, "error": _GIVEN_UP}
        )
        row = connection.execute(queries("backtests")["claim"], {"runner": runner, "stale_s": stale_s}).fetchone()
    return None if row is None else Claim(id=row[0], parameters=row[1])


def advance(connection: Connection[TupleRow], number: int, *, runner: str, progress: float) -> bool:
    """A sign of life; False if it was taken out, or is another's by now."""
    parameters = {"id": number, "runner": runner, "progress": min(1.0, max(0.0, progress))}
    return _one(connection, "advance", parameters) is not None


def finish(
    connection: Connection[TupleRow],
    number: int,
    *,
    runner: str,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Writes the result, or the error; False if it was taken out, or is another's by now."""
    parameters = {"id": number, "runner": runner, "result": None if result is None else Jsonb(result), "error": error}
    return _one(connection, "finish", parameters) is not None


def hand_back(connection: Connection[TupleRow], number: int, *, runner: str) -> bool:
    """Puts it back into the queue: the runner is stopped."""
    return _one(connection, "hand_back", {"id": number, "runner": runner}) is not None


def backtests(connection: Connection[TupleRow], *, before: int | None = None, limit: int) -> list[Backtest]:
    """The newest first, without their results."""
    with translated(), connection.cursor(row_factory=class_row(Backtest)) as cursor:
        parameters = {"before": 2**63 - 1 if before is None else before, "limit": limit}
        return cursor.execute(queries("backtests")["list"], parameters).fetchall()


def backtest(connection: Connection[TupleRow], number: int) -> Backtest | None:
    """One with its result."""
    with translated(), connection.cursor(row_factory=class_row(Backtest)) as cursor:
        return cursor.execute(queries("backtests")["one"], {"id": number}).fetchone()


def remove(connection: Connection[TupleRow], number: int) -> bool:
    """Takes one out, whatever its state; False if there is none."""
    return _one(connection, "remove", {"id": number}) is not None


def _one(connection: Connection[TupleRow], name: str, parameters: dict[str, Any]) -> TupleRow | None:
    with translated():
        return connection.execute(queries("backtests")[name], parameters).fetchone()
