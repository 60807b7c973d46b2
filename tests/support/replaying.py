"""Alerts of two platforms, to be compared in event time: what was so, with the ids of neither database."""

from typing import NamedTuple

from storage.database import connect

_EVENTS = """
SELECT a.rule, coalesce(d.device || '/' || d.property, a.subject), a.kind, a.class, e.event,
       (extract(epoch FROM e.time) * 1000000)::bigint, e.level, e.value, e.threshold
  FROM effective_alert_events e
  JOIN alerts a ON a.id = e.alert
  LEFT JOIN datastreams d ON a.subject = 'datastream:' || d.id
 WHERE a.subject NOT LIKE 'platform:%'
"""


class Told(NamedTuple):
    """One event of an alert; time in microseconds since 1970 (UTC)."""

    rule: str
    subject: str
    kind: str
    class_: str
    event: str
    time: int
    level: str
    value: float | None
    threshold: float | None


def alerts_of(url: str, *, moved: int = 0) -> list[Told]:
    """The history of every alert on the field in event time, less a shift; what was withdrawn never was."""
    with connect(url, application="tests") as connection:
        rows = connection.execute(_EVENTS.encode()).fetchall()
    found = [Told(*row) for row in rows]
    return sorted((one._replace(time=one.time - moved) for one in found), key=_order)


def _order(one: Told) -> tuple[object, ...]:
    return one.rule, one.subject, one.time, one.event, one.level


def observations_of(url: str, *, moved: int = 0) -> list[tuple[str, str, int, float, int]]:
    """Every observation as (device, property, time less a shift, value, quality)."""
    with connect(url, application="tests") as connection:
        rows = connection.execute(
            "SELECT d.device, d.property, (extract(epoch FROM o.time) * 1000000)::bigint - %s, o.value, o.quality"
            "  FROM observations o JOIN datastreams d ON d.id = o.datastream ORDER BY 1, 2, 3",
            (moved,),
        ).fetchall()
    return [(str(r[0]), str(r[1]), int(r[2]), float(r[3]), int(r[4])) for r in rows]


def heard_until(url: str) -> int | None:
    """How far ingest has heard, microseconds since 1970 (UTC)."""
    with connect(url, application="tests") as connection:
        row = connection.execute(
            "SELECT (extract(epoch FROM max(caught_up_at)) * 1000000)::bigint FROM ingest_partitions"
        ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def followed(url: str) -> bool:
    """Whether the rules have committed the last row of the journal."""
    with connect(url, application="tests") as connection:
        row = connection.execute(
            "SELECT count(*) FROM ingest_partitions i LEFT JOIN journal_positions p"
            " ON p.partition = i.partition AND p.follower = 'rules' WHERE coalesce(p.seq, 0) < i.seq"
        ).fetchone()
    return row is not None and row[0] == 0
