"""Corrections of the past: what late observations changed is withdrawn and appended, and the alerts say what is so now.

All revisions of a commit share a handful of statements; `domain.revision` decides, this writes.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import AlertEvent, Level
from domain.revision import Correction, Recorded, revise
from domain.times import from_datetime
from domain.transition import AlertChange, Revision
from storage.changes import Key, Row, change_row, instant, rows, shown_account
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """What the database knows of an alert that a revision may touch."""

    id: int
    open: bool
    announced: bool
    held_back: bool
    made: bool = False


def apply_revisions(connection: Connection[TupleRow], revisions: Sequence[Revision], held: Collection[Key]) -> None:
    """Makes the recorded history of each rule and subject the revised one; at most one revision of each.

    Args:
        connection: In a transaction.
        revisions: What is so.
        held: Rules and subjects that the same commit holds back: nothing of them is announced.
    """
    found, recorded = _recorded(connection, revisions)
    planned: list[tuple[Revision, list[Correction]]] = []
    for place, revision in enumerate(revisions):
        open_alert = next((row.id for row in found[place] if row.open), None)
        planned.append((revision, revise(revision, recorded[place], open_alert)))
    known = {row.id: row for mine in found.values() for row in mine} | _begin(connection, planned)
    events: list[Row] = []
    projections: list[Row] = []
    for revision, corrections in planned:
        for correction in corrections:
            if correction.alert is None:
                raise AssertionError("every new alert was made")
            row = known[correction.alert]
            lasting = correction.projection is not None and correction.projection.active
            audible = (
                not row.held_back
                and (revision.rule, revision.subject) not in held
                and (row.announced or row.made or lasting)
            )
            told = audible and bool(correction.tell_appended or correction.tell_withdrawn)
            events += _events(correction, audible=audible)
            projections.append(_projection(correction, announced=told and bool(correction.tell_appended)))
    sql = queries("alerts")
    if events:
        connection.execute(sql["amend"], {"events": rows(events)})
    # What closes makes room before anything opens: one open alert of each rule and subject, at every moment.
    projections.sort(key=lambda row: bool(row["active"]))
    closing = [row for row in projections if not row["active"]]
    for part in (closing, projections[len(closing) :]):
        if part:
            connection.execute(sql["project"], {"projections": rows(part)})


def _recorded(
    connection: Connection[TupleRow], revisions: Sequence[Revision]
) -> tuple[dict[int, list[_Row]], dict[int, list[Recorded]]]:
    sql = queries("alerts")
    keys = [{"rule": r.rule, "subject": r.subject, "since": instant(r.since)} for r in revisions]
    found: dict[int, list[_Row]] = defaultdict(list)
    places: dict[int, int] = {}
    for place, id_, open_, announced, held_back in connection.execute(sql["touched"], {"keys": rows(keys)}):
        found[place].append(_Row(id=id_, open=open_, announced=announced, held_back=held_back))
        places[id_] = place
    recorded: dict[int, list[Recorded]] = defaultdict(list)
    for id_, alert, event, time, level, value, threshold, told in connection.execute(
        sql["effective"], {"alerts": list(places)}
    ):
        recorded[places[alert]].append(
            Recorded(
                id=id_,
                alert=alert,
                event=AlertEvent(event),
                time=from_datetime(time),
                level=Level.parse(level),
                value=value,
                threshold=threshold,
                told=told,
            )
        )
    return found, recorded


def _begin(connection: Connection[TupleRow], planned: list[tuple[Revision, list[Correction]]]) -> dict[int, _Row]:
    """Makes the alerts that do not exist yet, and tells the corrections which they are."""
    fresh = {
        (revision.rule, revision.subject): correction
        for revision, corrections in planned
        for correction in corrections
        if correction.alert is None
    }
    made: dict[int, _Row] = {}
    if fresh:
        changes = [change_row(correction.appended[0]) for correction in fresh.values()]
        for rule, subject, id_, held_back in connection.execute(queries("alerts")["begin"], {"changes": rows(changes)}):
            fresh[rule, subject].alert = id_
            made[id_] = _Row(id=id_, open=False, announced=False, held_back=held_back, made=True)
    return made


def _events(correction: Correction, *, audible: bool) -> list[Row]:
    gone = [
        {
            "alert": correction.alert,
            "time": None,
            "event": AlertEvent.WITHDRAWN.value,
            "level": item.level.label,
            "value": item.value,
            "threshold": item.threshold,
            "withdraws": item.id,
            "told": audible and place in correction.tell_withdrawn,
        }
        for place, item in enumerate(correction.withdrawn)
    ]
    new = [
        {
            "alert": correction.alert,
            "time": instant(change.time),
            "event": change.event.value,
            "level": change.level.label,
            "value": change.value,
            "threshold": change.threshold,
            "comment": change.comment,
            "told": audible and place in correction.tell_appended,
            "account": shown_account(change.account),
        }
        for place, change in enumerate(correction.appended)
    ]
    return gone + new


def _projection(correction: Correction, *, announced: bool) -> Row:
    now, shown = correction.projection, correction.shown
    row: Row = {
        "alert": correction.alert,
        "untouched": correction.untouched,
        "active": now is not None and now.active,
        "withdrawn": now is None and not correction.untouched,
        "latching": any(c.account is not None and c.account.latching for c in correction.appended),
        "announced": announced,
        "worsened": correction.worsened,
        "superseded": correction.superseded,
        "given": shown_account(shown.account) if isinstance(shown, AlertChange) else None,
        "shown": shown.id if isinstance(shown, Recorded) else None,
    }
    if now is not None:
        row |= {
            "raised_at": instant(now.raised_at),
            "level": now.level.label,
            "level_at": instant(now.level_at),
            "cleared_at": instant(now.cleared_at) if now.cleared_at is not None else None,
            "value": now.value,
            "threshold": now.threshold,
        }
    return row
