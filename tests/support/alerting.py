"""Alerts as the rules write them: alert, events and outbox in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class WrittenAlert:
    """An alert and the ids of its events, in order."""

    alert: int
    events: tuple[int, ...]


def write_alert(
    connection: Connection[TupleRow],
    subject: str,
    life: Sequence[tuple[str, str]] = (("raised", "yellow"),),
    *,
    network: str = "gas",
) -> WrittenAlert:
    """An alert with a life of (event, level) pairs, each of which people must be told of."""
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO alerts (rule, subject, kind, network, area, property, level, state, raised_at, level_at,"
            " value, threshold, title_en, title_zh, text_en, text_zh) VALUES ('test', %s, 'safety', %s, '530100',"
            " 'gas.ch4.chamber', %s, 'active', '2026-05-01T08:00:00Z', now(), 52.34, 50, 'Methane in chamber',"
            " '阀井甲烷超限', 'Methane is high.', '甲烷浓度偏高。') RETURNING id",
            (subject, network, life[-1][1]),
        ).fetchone()
        assert row
    events = tuple(add_event(connection, row[0], event, level) for event, level in life)
    return WrittenAlert(alert=row[0], events=events)


def add_event(connection: Connection[TupleRow], alert: int, event: str, level: str) -> int:
    """One more event in the life of an alert."""
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO alert_events (alert, time, event, level, value, threshold)"
            " VALUES (%s, now(), %s, %s, 52.34, 50) RETURNING id",
            (alert, event, level),
        ).fetchone()
        assert row
        connection.execute("INSERT INTO outbox (event) VALUES (%s)", (row[0],))
    return int(row[0])
