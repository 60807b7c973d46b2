"""An exercise in a seeded city: a twin of all that is registered, with values and alerts of its own."""

from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.exercise import Expected, Pace, Plan, Step, Words, twin
from domain.times import from_datetime
from storage import exercises
from storage.registry import export_registry

TITLE = Words(en="A cabinet stands open", zh="控制柜门被打开")
SECOND = 1_000_000


def plan(*steps: Step, expected: tuple[Expected, ...] = ()) -> Plan:
    """What is expected; an hour long, the incident after ten minutes."""
    return Plan(
        duration_s=3600, incident_s=600, summary=Words(en="Somebody opened it.", zh="柜门被打开。"),
        expected=expected, steps=steps,
    )  # fmt: skip


def open_one(connection: Connection[TupleRow], wanted: Plan | None = None) -> int:
    """An exercise that has no equipment yet."""
    return exercises.open_exercise(
        connection, title=TITLE, scenario="cabinet-open", scale="test", seed=1, by="Wang",
        plan=lambda _: wanted or plan(),
    )  # fmt: skip


def pace_from(now: datetime, speed: float = 1.0) -> Pace:
    """A time that began an hour ago."""
    begins = from_datetime(now - timedelta(hours=1))
    return Pace(begins=begins, published_from=begins, speed=speed, ends=begins + 3600 * SECOND)


def exercise_in(connection: Connection[TupleRow], now: datetime) -> int:
    """An exercise that runs on a twin of the whole registry, which reports, alerts, and is told of."""
    number = open_one(connection)
    exercises.begin(connection, number, twin(export_registry(connection), number), pace_from(now))
    prefix = f"exercise-{number}-"
    connection.execute(
        "INSERT INTO observations (datastream, time, value, quality) "
        "SELECT t.id, o.time, o.value * 2, o.quality FROM datastreams t "
        "JOIN datastreams s ON t.device = %s || s.device AND t.property = s.property "
        "JOIN observations o ON o.datastream = s.id WHERE t.device LIKE 'exercise-%%'",
        (prefix,),
    )
    connection.execute(
        "INSERT INTO links (from_asset, relation, to_asset) "
        "SELECT %s || from_asset, 'feeds', %s || to_asset FROM links WHERE from_asset NOT LIKE 'exercise-%%'",
        (prefix, prefix),
    )
    rows = connection.execute(
        "INSERT INTO alerts (rule, subject, kind, class, network, area, asset, device, level, state, acknowledged, "
        "raised_at, level_at, cleared_at, value, threshold, title_en, title_zh, text_en, text_zh) "
        "SELECT rule, %(prefix)s || subject, kind, class, network, '99' || lpad(%(number)s::text, 7, '0') || '104', "
        "%(prefix)s || asset, %(prefix)s || device, 'red', state, acknowledged, "
        "raised_at + INTERVAL '20 seconds', level_at, cleared_at, value, threshold, 'EXERCISE – ' || title_en, "
        "'【演练】' || title_zh, text_en, text_zh "
        "FROM alerts WHERE exercise IS NULL RETURNING id",
        {"prefix": prefix, "number": number},
    ).fetchall()
    for (alert,) in rows:
        event = connection.execute(
            "INSERT INTO alert_events (alert, time, event, level, told) "
            "SELECT id, raised_at, 'raised', level, true FROM alerts WHERE id = %s RETURNING id",
            (alert,),
        ).fetchone()
        assert event is not None
        connection.execute(
            "INSERT INTO notifications (event, alert, channel, language, state) "
            "VALUES (%s, %s, 'duty', 'zh', 'failed')",
            (event[0], alert),
        )
        connection.execute("INSERT INTO outbox (event) VALUES (%s)", (event[0],))
    connection.execute(
        "INSERT INTO dead_letters (partition, topic, device, reason, detail, payload) "
        "VALUES ('all', 'lifeline/99' || lpad(%s::text, 7, '0') || '104/gas/x/telemetry', 'x', 'bad_json', 'x', 'x')",
        (str(number),),
    )
    return number
