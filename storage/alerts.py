"""Writing alerts: transitions, states of the rules, intents to tell people and the position, all in one transaction.

Whoever follows the journal as the leader of the rules holds the version of `rules_leader`. Every commit raises it; a
leader that was replaced finds another version and writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import AlertEvent, Level
from domain.errors import FencedError
from domain.transition import AlertChange, Mark, Restraint, Revision, RuleState
from storage.changes import Key, Row, change_row, key_rows, restraint_row, rounds, rows
from storage.database import translated
from storage.revisions import apply_revisions
from storage.sql import queries

FOLLOWER = "rules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """What one transaction of the rules writes."""

    #: What late observations changed: at most one of each rule and subject; written first.
    revisions: Sequence[Revision] = ()
    #: In the order of their times.
    changes: Sequence[AlertChange] = ()
    #: What holds alerts back, or no longer; in the order of their times, written last.
    restraints: Sequence[Restraint] = ()
    kept: Sequence[RuleState] = ()
    #: Rule and subject of what is normal again.
    dropped: Sequence[tuple[str, str]] = ()
    #: The positions reached, by partition.
    positions: Mapping[str, int]


def take_lead(connection: Connection[TupleRow], leader: str) -> int:
    """Makes `leader` the only one who may commit; returns the version it starts from."""
    with translated():
        row = connection.execute(queries("alerts")["take_lead"], {"leader": leader}).fetchone()
    if row is None:
        raise AssertionError("the schema holds one row of rules_leader")
    return int(row[0])


def read_states(connection: Connection[TupleRow]) -> list[RuleState]:
    """Everything that is not normal, as it was last committed."""
    with translated():
        found = connection.execute(queries("alerts")["standings"]).fetchall()
    return [
        RuleState(
            rule=rule,
            subject=subject,
            level=_level(state["level"]),
            since=tuple(state["since"]),
            at=state["at"],
            # States that were written before off-delays and late observations were known have neither.
            back=tuple(state.get("back", ())),
            marks=tuple(
                Mark(time=time, level=_level(level), value=value) for time, level, value in state.get("marks", ())
            ),
        )
        for rule, subject, state in found
    ]


def commit(connection: Connection[TupleRow], work: Commit, *, leader: str, version: int) -> int:
    """Writes everything or nothing; returns the new version.

    Raises FencedError when another leader has taken over, and UnavailableError when it is not known whether the commit
    happened: then what is in memory must be read anew.
    """
    sql = queries("alerts")
    with translated(), connection.transaction():
        if connection.execute(sql["fence"], {"version": version, "leader": leader}).rowcount != 1:
            raise FencedError(f"another process leads the rules now, not {leader}")
        _change_alerts(connection, work)
        if work.kept:
            connection.execute(sql["keep_standings"], {"standings": rows([_standing(state) for state in work.kept])})
        if work.dropped:
            connection.execute(sql["drop_standings"], {"standings": key_rows(work.dropped)})
        if work.positions:
            connection.execute(
                queries("journal")["move"],
                {
                    "follower": FOLLOWER,
                    "partitions": list(work.positions),
                    "positions": list(work.positions.values()),
                },
            )
    return version + 1


def _change_alerts(connection: Connection[TupleRow], work: Commit) -> None:
    """Corrections of the past first, then what is new, then what holds it back."""
    sql = queries("alerts")
    # What the same commit holds back must not be announced first.
    held = {(restraint.rule, restraint.subject) for restraint in work.restraints if restraint.cause is not None}
    if work.revisions:
        apply_revisions(connection, work.revisions, held)
        _settle(connection, [(revision.rule, revision.subject) for revision in work.revisions])
    for changes in rounds(work.changes):
        named = [change_row(change) | {"held": (change.rule, change.subject) in held} for change in changes]
        connection.execute(sql["apply"], {"changes": rows(named)})
        _settle(connection, [(c.rule, c.subject) for c in changes if c.event is AlertEvent.CLEARED])
    for restraints in rounds(work.restraints):
        let_go = connection.execute(sql["restrain"], {"restraints": rows([restraint_row(r) for r in restraints])})
        alerts = [row[0] for row in let_go]
        if alerts:
            connection.execute(sql["announce"], {"alerts": alerts})


def _settle(connection: Connection[TupleRow], cleared: Sequence[Key]) -> None:
    if cleared:
        connection.execute(queries("alerts")["settle"], {"alerts": key_rows(cleared)})


def _standing(state: RuleState) -> Row:
    return {
        "rule": state.rule,
        "subject": state.subject,
        "state": {
            "level": _label(state.level),
            "since": list(state.since),
            "at": state.at,
            "back": list(state.back),
            "marks": [[mark.time, _label(mark.level), mark.value] for mark in state.marks],
        },
    }


def _label(level: Level | None) -> str | None:
    return None if level is None else level.label


def _level(label: str | None) -> Level | None:
    return None if label is None else Level.parse(label)
