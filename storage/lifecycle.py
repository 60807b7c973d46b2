"""What people do to alerts, and what ends by itself.

Each is one transaction: the alert is locked, `domain.lifecycle` says whether its state allows it, the alert is changed,
the event is appended, and where it is announced again the intent to tell people is written. Rules that write to the
same alert wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from domain.alert import AlertEvent
from domain.lifecycle import Facts, check
from domain.times import to_datetime
from storage.alert_reading import EventEntry
from storage.database import translated
from storage.sql import queries

#: How far being out of service reaches: the alert's rule on its subject, everything of its device, or of its asset.
Scope = Literal["alert", "device", "asset"]
Mode = Literal["one_shot", "timed"]


class NoSuchScopeError(Exception):
    """The alert speaks of no device, or of no asset, that could be taken out of service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """How it ended: by whom the alert is acknowledged now, and whether this call did it."""

    by: str
    fresh: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What ended by itself, and how many alerts are announced because of it."""

    shelvings: int = 0
    windows: int = 0
    announced: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Locked:
    rule: str
    subject: str
    asset: str | None
    device: str | None
    acknowledged_by: str | None
    facts: Facts


def acknowledge(
    connection: Connection[TupleRow], alert: int, *, operator: str, comment: str | None
) -> Acknowledgement | None:
    """Acknowledges an alert once; later calls change nothing and say who was first. None without such an alert."""
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return None
        if found.facts.acknowledged:
            return Acknowledgement(by=found.acknowledged_by or "", fresh=False)
        check(found.facts, AlertEvent.ACKNOWLEDGED)
        connection.execute(queries("lifecycle")["acknowledge"], {"alert": alert, "operator": operator})
        _record(connection, alert, AlertEvent.ACKNOWLEDGED, operator, comment)
    return Acknowledgement(by=operator, fresh=True)


def escalate(
    connection: Connection[TupleRow], alert: int, *, operator: str, addressee: str, comment: str | None
) -> bool:
    """Hands an alert on to somebody above, as often as needed; False when there is no such alert."""
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.ESCALATED)
        parameters = {"alert": alert, "operator": operator, "addressee": addressee, "comment": comment}
        connection.execute(queries("lifecycle")["escalate"], parameters)
    return True


def comment_on(connection: Connection[TupleRow], alert: int, *, operator: str, comment: str) -> EventEntry | None:
    """Appends a comment to the history of an alert; None when there is no such alert."""
    with _transaction(connection):
        return _record(connection, alert, AlertEvent.COMMENTED, operator, comment)


def shelve(
    connection: Connection[TupleRow],
    alert: int,
    *,
    mode: Mode,
    seconds: int,
    reason: str,
    operator: str,
    now: int,
) -> bool:
    """Holds back what the alert's rule says of its subject, for a while; False when there is no such alert.

    Args:
        connection: In autocommit.
        alert: Its number.
        mode: `one_shot` ends when the alert clears, at the latest after `seconds`.
        seconds: How long; the caller has held it against the longest time allowed.
        reason: For the record.
        operator: Who does it.
        now: Microseconds since 1970 (UTC).
    """
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.SHELVED)
        if mode == "one_shot":
            # What has cleared already would never clear again.
            check(found.facts, AlertEvent.CLEARED)
        since = to_datetime(now)
        connection.execute(
            queries("lifecycle")["shelve"],
            {
                "alert": alert,
                "mode": mode,
                "reason": reason,
                "operator": operator,
                "since": since,
                "until": since + timedelta(seconds=seconds),
            },
        )
        _record(connection, alert, AlertEvent.SHELVED, operator, reason)
    return True


def unshelve(connection: Connection[TupleRow], alert: int, *, operator: str, comment: str | None, now: int) -> bool:
    """Ends a shelving before its time, and announces what is still active; False when there is no such alert."""
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.UNSHELVED)
        _unshelve(connection, now, alert=alert, key=(found.rule, found.subject), operator=operator, comment=comment)
    return True


def reset(connection: Connection[TupleRow], alert: int, *, operator: str, comment: str | None) -> bool:
    """Ends a latched alert that has returned; False when there is no such alert."""
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.RESET)
        connection.execute(queries("lifecycle")["reset"], {"alert": alert})
        _record(connection, alert, AlertEvent.RESET, operator, comment)
    return True


def take_out_of_service(
    connection: Connection[TupleRow], alert: int, *, scope: Scope, reason: str, operator: str, now: int
) -> bool:
    """Announces nothing of an alert's rule and subject, device or asset, until a person says otherwise.

    Returns False when there is no such alert; raises NoSuchScopeError when it speaks of no device or asset.
    """
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.OUT_OF_SERVICE)
        if scope != "alert" and getattr(found, scope) is None:
            raise NoSuchScopeError(f"the alert speaks of no {scope}")
        parameters = {"alert": alert, "scope": scope, "reason": reason, "operator": operator, "now": to_datetime(now)}
        connection.execute(queries("lifecycle")["take_out_of_service"], parameters)
        _follow_service(connection, now, alert=alert, operator=operator, comment=reason)
    return True


def return_to_service(
    connection: Connection[TupleRow], alert: int, *, operator: str, comment: str | None, now: int
) -> bool:
    """Ends everything that keeps an alert out of service, and announces what is active; False without such an alert."""
    with _transaction(connection):
        found = _lock(connection, alert)
        if found is None:
            return False
        check(found.facts, AlertEvent.IN_SERVICE)
        parameters = {"alert": alert, "operator": operator, "now": to_datetime(now)}
        connection.execute(queries("lifecycle")["return_to_service"], parameters)
        _follow_service(connection, now, alert=alert, operator=operator, comment=comment)
    return True


def sweep(connection: Connection[TupleRow], now: int) -> Ended:
    """Ends what has run out, begins what is due, and announces what is active without being held back any more.

    Called every second by the leader of the rules, in a transaction of its own; called twice it changes nothing more.
    `now` in microseconds since 1970 (UTC).
    """
    with _transaction(connection):
        connection.execute(queries("lifecycle")["expired"], {"now": to_datetime(now)})
        shelvings, unshelved = _unshelve(connection, now, comment="the time ran out / 时间已到")
        windows, unsuppressed = follow_windows(connection, now)
        returned = _follow_service(connection, now)
    return Ended(shelvings=shelvings, windows=windows, announced=unshelved + unsuppressed + returned)


def follow_windows(connection: Connection[TupleRow], now: int, *, operator: str | None = None) -> tuple[int, int]:
    """Makes open alerts agree with the windows in force; returns how many let go, and how many alerts are announced.

    In a transaction of the caller.
    """
    row = connection.execute(
        queries("lifecycle")["follow_windows"], {"now": to_datetime(now), "operator": operator}
    ).fetchone()
    windows, alerts = row or (0, [])
    return int(windows), _announce(connection, alerts)


def _unshelve(
    connection: Connection[TupleRow],
    now: int,
    *,
    alert: int | None = None,
    key: tuple[str, str] | None = None,
    operator: str | None = None,
    comment: str | None,
) -> tuple[int, int]:
    rule, subject = key or (None, None)
    parameters = {
        "now": to_datetime(now),
        "alert": alert,
        "rule": rule,
        "subject": subject,
        "operator": operator,
        "comment": comment,
    }
    ended, alerts = connection.execute(queries("lifecycle")["unshelve"], parameters).fetchone() or (0, [])
    return int(ended), _announce(connection, alerts)


def _follow_service(
    connection: Connection[TupleRow],
    now: int,
    *,
    alert: int | None = None,
    operator: str | None = None,
    comment: str | None = None,
) -> int:
    parameters = {"now": to_datetime(now), "alert": alert, "operator": operator, "comment": comment}
    row = connection.execute(queries("lifecycle")["follow_service"], parameters).fetchone()
    return _announce(connection, row[0] if row else [])


def _announce(connection: Connection[TupleRow], alerts: list[int]) -> int:
    if alerts:
        connection.execute(queries("alerts")["announce"], {"alerts": alerts})
    return len(alerts)


@contextmanager
def _transaction(connection: Connection[TupleRow]) -> Iterator[None]:
    with translated(), connection.transaction():
        yield


def _lock(connection: Connection[TupleRow], alert: int) -> _Locked | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(queries("lifecycle")["lock"], {"alert": alert}).fetchone()
    if row is None:
        return None
    known = {name: row.pop(name) for name in ("rule", "subject", "asset", "device", "acknowledged_by")}
    return _Locked(**known, facts=Facts(**row))


def _record(
    connection: Connection[TupleRow], alert: int, event: AlertEvent, operator: str, comment: str | None
) -> EventEntry | None:
    parameters = {"alert": alert, "event": event.value, "operator": operator, "comment": comment}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(queries("lifecycle")["record"], parameters).fetchone()
    return EventEntry(**row) if row else None
