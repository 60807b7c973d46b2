"""Maintenance windows: planned work, during which nothing is announced of what lies in its scope."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.times import to_datetime
from storage.database import translated
from storage.lifecycle import follow_windows
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a window covers: whatever fits everything that is given; at least one is. The area with all inside it."""

    network: str | None = None
    area: str | None = None
    asset: str | None = None
    device: str | None = None
    rule: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """One maintenance window."""

    id: int
    network: str | None
    area: str | None
    asset: str | None
    device: str | None
    rule: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    by: str
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_by: str | None
    in_force: bool


def plan(
    connection: Connection[TupleRow],
    scope: Scope,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    operator: str,
    now: int,
) -> Window:
    """Writes a window down; if it has begun, what it covers is held back at once. `now`: microseconds since 1970."""
    parameters = {
        "network": scope.network,
        "area": scope.area,
        "asset": scope.asset,
        "device": scope.device,
        "rule": scope.rule,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "reason": reason,
        "operator": operator,
    }
    with translated(), connection.transaction():
        row = connection.execute(queries("lifecycle")["plan_window"], parameters).fetchone()
        follow_windows(connection, now, operator=operator)
        found = window(connection, row[0], now=now) if row else None
    if found is None:
        raise AssertionError("a window that was written can be read")
    return found


def cancel(connection: Connection[TupleRow], id_: int, *, operator: str, now: int) -> bool:
    """Ends a window before its time, and announces what is active; False when there is none that could end."""
    with translated(), connection.transaction():
        parameters = {"window": id_, "operator": operator, "now": to_datetime(now)}
        done = connection.execute(queries("lifecycle")["cancel_window"], parameters).rowcount == 1
        if done:
            follow_windows(connection, now, operator=operator)
    return done


def window(connection: Connection[TupleRow], id_: int, *, now: int) -> Window | None:
    """One window, or None."""
    found = _windows(connection, now=now, window=id_, before=None, past=True, limit=1)
    return found[0] if found else None


def windows(
    connection: Connection[TupleRow], *, now: int, past: bool, before: int | None = None, limit: int
) -> list[Window]:
    """Windows, the newest first; `past`: also those that are over or cancelled. `before`: the last one of a page."""
    return _windows(connection, now=now, window=None, before=before, past=past, limit=limit)


def _windows(
    connection: Connection[TupleRow], *, now: int, window: int | None, before: int | None, past: bool, limit: int
) -> list[Window]:
    parameters = {"now": to_datetime(now), "window": window, "before": before, "all": past, "limit": limit}
    with connection.cursor(row_factory=class_row(Window)) as cursor:
        return cursor.execute(queries("lifecycle")["windows"], parameters).fetchall()
