"""The catalogue in force and how its rules fare, as programs and operators read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleEntry:
    """One rule of the catalogue in force."""

    id: str
    kind: str
    rule_class: str
    network: str
    enabled: bool
    #: As it is written in the catalogue.
    definition: dict[str, Any]
    loaded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthEntry:
    """How a rule fares."""

    rule: str
    evaluated_at: datetime | None
    failures: int
    failed_at: datetime | None
    last_error: str | None
    active: int
    subjects: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseEntry:
    """The alert that explains another one."""

    id: int
    rule: str
    title_en: str
    title_zh: str
    alarm_state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Relations:
    """How an alert hangs together with others, and with the past."""

    cause: CauseEntry | None
    explains: int
    corrected: bool


def rules(
    connection: Connection[TupleRow],
    *,
    rule: str | None = None,
    network: str | None = None,
    kind: str | None = None,
    class_: str | None = None,
) -> list[RuleEntry]:
    """The rules of the catalogue in force; none until the rules have run."""
    parameters = {"rule": rule, "network": network, "kind": kind, "class": class_}
    with connection.cursor(row_factory=class_row(RuleEntry)) as cursor:
        return cursor.execute(queries("rule_reading")["rules"], parameters).fetchall()


def health(connection: Connection[TupleRow], rule: str | None = None) -> list[HealthEntry]:
    """How every rule fares, or one."""
    with connection.cursor(row_factory=class_row(HealthEntry)) as cursor:
        return cursor.execute(queries("rule_reading")["health"], {"rule": rule}).fetchall()


def relations(connection: Connection[TupleRow], alert: int) -> Relations:
    """What explains an alert, and what it explains."""
    row = connection.execute(queries("rule_reading")["explained"], {"alert": alert}).fetchone()
    if row is None:
        return Relations(cause=None, explains=0, corrected=False)
    cause = CauseEntry(id=row[0], rule=row[1], title_en=row[2], title_zh=row[3], alarm_state=row[4]) if row[0] else None
    return Relations(cause=cause, explains=row[5], corrected=row[6])
