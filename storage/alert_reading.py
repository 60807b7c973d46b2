"""Alerts, their history and their notifications, as programs and operators read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row, dict_row

from storage.database import translated
from storage.inventory import EVERYWHERE, Place
from storage.sql import queries

#: What one alert shows at most of its history and of its notifications.
HISTORY_LIMIT = 1000
_LAST_BIGINT = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertEntry:
    """One alert. Times of the condition are event time; recorded_at and changed_at are the database's clock."""

    id: int
    rule: str
    subject: str
    kind: str
    alert_class: str
    network: str
    area: str
    asset: str | None
    device: str | None
    property: str | None
    level: str
    state: str
    open: bool
    acknowledged: bool
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    raised_at: datetime
    level_at: datetime
    cleared_at: datetime | None
    value: float | None
    threshold: float | None
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    recorded_at: datetime
    changed_at: datetime
    #: The state of ISA-18.2 (domain.lifecycle).
    alarm_state: str
    announced: bool
    latched: bool
    withdrawn: bool
    inhibited: bool
    #: The alert that explains this one, or explained it last.
    cause: int | None
    suppressed_by: str | None
    maintenance_window: int | None
    out_of_service: bool
    shelving: "Shelving | None"
    facts: tuple["FactEntry", ...]
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelving:
    """Why nothing of a rule on a subject is announced for a while."""

    mode: str
    reason: str
    by: str
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FactEntry:
    """One reading that an alert rests on."""

    datastream: int | None
    device: str
    asset: str
    property: str | None
    unit: str
    value: float | None
    threshold: float | None
    relation: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EventEntry:
    """Something that happened to an alert."""

    id: int
    time: datetime
    recorded_at: datetime
    event: str
    level: str
    value: float | None
    threshold: float | None
    actor: str | None
    comment: str | None
    #: Whether people were to be told of it.
    told: bool
    #: Written because late observations changed the past.
    late: bool
    #: The event that never was, or the alert that explains this one.
    withdraws: int | None
    cause: int | None
    #: Of an escalation: whom the alert was handed on to.
    addressee: str | None
    #: The exercise that its alert belongs to; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamedEvent(EventEntry):
    """An event together with what its alert is about, so that it can be shown without a second question."""

    alert: int
    rule: str
    subject: str
    kind: str
    alert_class: str
    network: str
    area: str
    asset: str | None
    device: str | None
    property: str | None
    title_en: str
    title_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationEntry:
    """One message to one channel, about one event."""

    id: UUID
    event: int
    channel: str
    language: str
    state: str
    attempts: int
    written_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    #: The exercise that its alert belongs to; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertFilter:
    """Which alerts a question is about; None is no restriction. Times are those of the raise, [since, until)."""

    place: Place = EVERYWHERE
    state: str | None = None
    open: bool | None = None
    acknowledged: bool | None = None
    levels: tuple[str, ...] = ()
    kind: str | None = None
    rule: str | None = None
    alarm_state: str | None = None
    #: Conditions are left out unless asked for: nobody is told of them.
    classes: tuple[str, ...] = ("alarm", "warning")
    #: Shelved, out of service, suppressed or inhibited, or not.
    held_back: bool | None = None
    withdrawn: bool | None = None
    cause: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def alerts(
    connection: Connection[TupleRow],
    wanted: AlertFilter,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int,
) -> list[AlertEntry]:
    """A page of alerts, newest first; `before` is (raised_at, id) of the last one of the page before."""
    parameters = {
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
        "since": wanted.since,
        "until": wanted.until,
        "state": wanted.state,
        "open": wanted.open,
        "acknowledged": wanted.acknowledged,
        "levels": list(wanted.levels) or None,
        "kind": wanted.kind,
        "rule": wanted.rule,
        "alarm_state": wanted.alarm_state,
        "classes": list(wanted.classes),
        "held_back": wanted.held_back,
        "withdrawn": wanted.withdrawn,
        "cause": wanted.cause,
        "network": wanted.place.network,
        "area": wanted.place.area,
        "asset": wanted.place.asset,
        "device": wanted.place.device,
        "exercises": wanted.place.exercises,
        "limit": limit,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_entry(row) for row in cursor.execute(queries("alert_reading")["alerts"], parameters)]


def alert(connection: Connection[TupleRow], id_: int) -> AlertEntry | None:
    """One alert, or None."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(queries("alert_reading")["alert"], {"id": id_}).fetchone()
    return _entry(row) if row else None


def _entry(row: dict[str, Any]) -> AlertEntry:
    shelving = {name: row.pop(f"shelving_{name}") for name in ("mode", "reason", "by", "since", "until")}
    facts = tuple(
        FactEntry(**fact | {"since": datetime.fromisoformat(fact["since"])}) for fact in row.pop("facts") or ()
    )
    return AlertEntry(**row, facts=facts, shelving=Shelving(**shelving) if shelving["mode"] else None)


def history(connection: Connection[TupleRow], alert_id: int) -> list[EventEntry]:
    """The events of an alert, oldest first; at most the last HISTORY_LIMIT."""
    with connection.cursor(row_factory=class_row(EventEntry)) as cursor:
        parameters = {"alert": alert_id, "limit": HISTORY_LIMIT}
        return cursor.execute(queries("alert_reading")["history"], parameters).fetchall()


def notifications(connection: Connection[TupleRow], alert_id: int) -> list[NotificationEntry]:
    """The notifications about an alert, newest first; at most HISTORY_LIMIT."""
    with connection.cursor(row_factory=class_row(NotificationEntry)) as cursor:
        parameters = {"alert": alert_id, "limit": HISTORY_LIMIT}
        return cursor.execute(queries("alert_reading")["notifications"], parameters).fetchall()


def last_event(connection: Connection[TupleRow]) -> int:
    """The newest number of an event that can be seen; 0 when nothing ever happened."""
    with translated():
        row = connection.execute(queries("alert_reading")["last_event"]).fetchone()
    return int(row[0]) if row else 0


def events_after(
    connection: Connection[TupleRow], after: int, *, through: int = _LAST_BIGINT, limit: int
) -> list[StreamedEvent]:
    """Events with `after` < id <= `through`, in the order of their numbers.

    Numbers are given when an event is written and become visible when it is committed, so a lower one may appear after
    a higher one: a follower must wait for a gap before it passes it (api.follower does).
    """
    with translated(), connection.cursor(row_factory=class_row(StreamedEvent)) as cursor:
        parameters = {"after": after, "through": through, "limit": limit}
        return cursor.execute(queries("alert_reading")["events_after"], parameters).fetchall()
