"""What people do to alerts: acknowledge and comment. Each is one transaction that changes the alert and its history."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.alert import AlertEvent
from storage.alert_reading import EventEntry
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """How it ended: by whom the alert is acknowledged now, and whether this call did it."""

    by: str
    fresh: bool


def acknowledge(
    connection: Connection[TupleRow], alert: int, *, operator: str, comment: str | None
) -> Acknowledgement | None:
    """Acknowledges an alert once; later calls change nothing and say who was first. None when there is no such alert.

    The row is locked first: rules that write to the same alert wait, and the one open alert of a rule and subject is
    never closed behind their back.
    """
    sql = queries("acknowledgement")
    with connection.transaction():
        found = connection.execute(sql["lock"], {"id": alert}).fetchone()
        if found is None:
            return None
        acknowledged, by = found
        if acknowledged:
            return Acknowledgement(by=by or "", fresh=False)
        connection.execute(sql["acknowledge"], {"id": alert, "operator": operator})
        connection.execute(
            sql["record"],
            {"id": alert, "event": AlertEvent.ACKNOWLEDGED.value, "operator": operator, "comment": comment},
        )
    return Acknowledgement(by=operator, fresh=True)


def comment_on(connection: Connection[TupleRow], alert: int, *, operator: str, comment: str) -> EventEntry | None:
    """Appends a comment to the history of an alert; None when there is no such alert."""
    parameters = {"id": alert, "event": AlertEvent.COMMENTED.value, "operator": operator, "comment": comment}
    with connection.cursor(row_factory=class_row(EventEntry)) as cursor:
        return cursor.execute(queries("acknowledgement")["record"], parameters).fetchone()
