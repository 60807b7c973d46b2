"""Writing alerts: transitions, states of the rules, intents to tell people and the position, all in one transaction.

Whoever follows the journal as the leader of the rules holds the version of `rules_leader`. Every commit raises it; a
leader that was replaced finds another version and writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from domain.alert import Level
from domain.errors import FencedError
from domain.times import to_datetime
from domain.transition import AlertChange, RuleState
from storage.database import translated
from storage.sql import queries

FOLLOWER = "rules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """What one transaction of the rules writes."""

    #: In the order of their times.
    changes: Sequence[AlertChange] = ()
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
        rows = connection.execute(queries("alerts")["standings"]).fetchall()
    return [
        RuleState(
            rule=rule,
            subject=subject,
            level=Level.parse(state["level"]) if state["level"] else None,
            since=tuple(state["since"]),
            at=state["at"],
        )
        for rule, subject, state in rows
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
        for changes in _rounds(work.changes):
            connection.execute(sql["apply"], {"changes": _json(changes)})
        if work.kept:
            connection.execute(sql["keep_standings"], {"standings": _json([_standing(state) for state in work.kept])})
        if work.dropped:
            gone = [{"rule": rule, "subject": subject} for rule, subject in work.dropped]
            connection.execute(sql["drop_standings"], {"standings": _json(gone)})
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


def _rounds(changes: Iterable[AlertChange]) -> list[list[dict[str, Any]]]:
    """The changes in as few statements as possible: the n-th change of each rule and subject goes into the n-th."""
    rounds: list[list[dict[str, Any]]] = []
    counts: dict[tuple[str, str], int] = {}
    for place, change in enumerate(changes):
        number = counts.get((change.rule, change.subject), 0)
        counts[change.rule, change.subject] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append({"place": place, **_change(change)})
    return rounds


def _change(change: AlertChange) -> dict[str, Any]:
    account = asdict(change.account) if change.account is not None else {}
    if account:
        account["class"] = account.pop("class_")
    return {
        "rule": change.rule,
        "subject": change.subject,
        "event": change.event.value,
        "time": to_datetime(change.time).isoformat(),
        "level": change.level.label,
        "value": change.value,
        "threshold": change.threshold,
        "worse": change.worse,
        "comment": change.comment,
        **account,
    }


def _standing(state: RuleState) -> dict[str, Any]:
    level = state.level.label if state.level else None
    return {
        "rule": state.rule,
        "subject": state.subject,
        "state": {"level": level, "since": list(state.since), "at": state.at},
    }


def _json(rows: list[dict[str, Any]]) -> Jsonb:
    return Jsonb(rows, dumps=msgspec.json.encode)
