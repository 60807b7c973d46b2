"""What could not be stored, and why, as operators read it."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.exercise_mark import Exercises
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterEntry:
    """One entry that was not stored; `size` is that of its raw bytes."""

    id: int
    received_at: datetime
    partition: str
    topic: str
    device: str | None
    reason: str
    detail: str
    size: int
    #: The exercise that it belongs to, by its topic; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterContent(DeadLetterEntry):
    """The same with the raw bytes as the device sent them."""

    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonCount:
    """How often one reason occurred, and when last."""

    reason: str
    count: int
    last_at: datetime


def dead_letters(
    connection: Connection[TupleRow],
    *,
    reason: str | None = None,
    device: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    exercises: Exercises = "exclude",
    before: int | None = None,
    limit: int,
) -> list[DeadLetterEntry]:
    """A page of dead letters, newest first."""
    parameters = {
        "reason": reason,
        "device": device,
        "since": since,
        "until": until,
        "exercises": exercises,
        "before": before,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(DeadLetterEntry)) as cursor:
        return cursor.execute(queries("dead_letter_reading")["dead_letters"], parameters).fetchall()


def reasons(
    connection: Connection[TupleRow],
    *,
    since: datetime,
    until: datetime,
    device: str | None = None,
    exercises: Exercises = "exclude",
) -> list[ReasonCount]:
    """Counts by reason in [since, until), most frequent first."""
    with connection.cursor(row_factory=class_row(ReasonCount)) as cursor:
        parameters = {"since": since, "until": until, "device": device, "exercises": exercises}
        return cursor.execute(queries("dead_letter_reading")["reasons"], parameters).fetchall()


def dead_letter(connection: Connection[TupleRow], id_: int) -> DeadLetterContent | None:
    """One dead letter with its raw bytes, or None."""
    with connection.cursor(row_factory=class_row(DeadLetterContent)) as cursor:
        return cursor.execute(queries("dead_letter_reading")["dead_letter"], {"id": id_}).fetchone()
