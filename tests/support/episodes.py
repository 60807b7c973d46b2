"""Alarms written as the rules record them: an alert row, with an event for each raise and each clearing."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.kpi import Alarm
from domain.times import to_datetime

_ALERT = """
INSERT INTO alerts (rule, subject, kind, class, network, area, asset, level, state, acknowledged, announced, withdrawn,
                    raised_at, level_at, cleared_at, recorded_at, title_en, title_zh, text_en, text_zh)
VALUES (%(rule)s, %(subject)s, 'safety', %(class)s, %(network)s, %(area)s, %(asset)s, %(level)s, %(state)s,
        %(acknowledged)s, %(announced)s, %(withdrawn)s, %(raised_at)s, %(raised_at)s, %(cleared_at)s, %(recorded_at)s,
        'Gas', '燃气', 'Gas', '燃气')
RETURNING id
"""
_EVENT = """
INSERT INTO alert_events (alert, time, recorded_at, event, level, told, withdraws, actor)
VALUES (%(alert)s, %(time)s, %(recorded_at)s, %(event)s, %(level)s, %(told)s, %(withdraws)s, %(actor)s)
RETURNING id
"""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What stands in one alert row: raises and clearings of one rule on one subject, in order."""

    alarms: tuple[Alarm, ...]
    class_: str = "alarm"
    #: Whether people were told.
    told: bool = True
    #: Whether late observations took all of it back.
    withdrawn: bool = False
    acknowledged: bool = False
    #: Microseconds from the first raise to the acknowledgement, by the clock of the database.
    taken_after: int | None = None
    asset: str | None = None
    #: Microseconds from an event until it was on record.
    delay: int = 0


def write_episodes(connection: Connection[TupleRow], rows: Iterable[Written]) -> list[int]:
    """Writes them; returns the ids of the alerts."""
    with connection.transaction():
        return [_write(connection, row) for row in rows]


def forget_alerts(connection: Connection[TupleRow]) -> None:
    """Empties what `write_episodes` fills."""
    connection.execute("TRUNCATE alert_events, alerts, outbox, notifications CASCADE")


def _write(connection: Connection[TupleRow], row: Written) -> int:
    first, last = row.alarms[0], row.alarms[-1]
    standing = last.cleared_at is None and not row.withdrawn
    found = connection.execute(
        _ALERT,
        {
            "rule": first.rule,
            "subject": first.subject,
            "class": row.class_,
            "network": first.network,
            "area": first.area,
            "asset": row.asset,
            "level": last.level.label,
            "state": "active" if standing else "returned",
            "acknowledged": row.acknowledged,
            "announced": row.told,
            "withdrawn": row.withdrawn,
            "raised_at": to_datetime(first.raised_at),
            "cleared_at": None if standing else to_datetime(last.cleared_at or last.raised_at),
            "recorded_at": to_datetime(first.raised_at + row.delay),
        },
    ).fetchone()
    assert found
    alert = int(found[0])
    for alarm in row.alarms:
        for event, time in (("raised", alarm.raised_at), ("cleared", alarm.cleared_at)):
            if time is None:
                continue
            number = _event(connection, row, alert, event, time, alarm.level.label)
            if row.withdrawn:
                _event(connection, row, alert, "withdrawn", time, alarm.level.label, withdraws=number)
    if row.taken_after is not None:
        _event(connection, row, alert, "acknowledged", first.raised_at + row.taken_after, last.level.label)
    return alert


def _event(
    connection: Connection[TupleRow],
    row: Written,
    alert: int,
    event: str,
    time: int,
    level: str,
    *,
    withdraws: int | None = None,
) -> int:
    found = connection.execute(
        _EVENT,
        {
            "alert": alert,
            "time": to_datetime(time),
            "recorded_at": to_datetime(time + row.delay),
            "event": event,
            "level": level,
            "told": row.told and event != "acknowledged",
            "withdraws": withdraws,
            "actor": "duty" if event == "acknowledged" else None,
        },
    ).fetchone()
    assert found
    return int(found[0])
