"""The catalogue in force as data, a newer one that was refused, and how each rule fares: for programs and people."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from domain.errors import FencedError
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleInForce:
    """One rule as it is kept."""

    id: str
    kind: str
    class_: str
    network: str
    enabled: bool
    #: The rule as it is written in the catalogue, as plain values.
    definition: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleHealth:
    """What is new about one rule. Counts of failures are since the last writing."""

    rule: str
    failures: int = 0
    error: str | None = None
    #: Subjects on which it is active, and subjects that it watches.
    active: int
    subjects: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueState:
    """Which catalogue is in force, and which newer one is refused. Instants in microseconds since 1970 (UTC)."""

    #: None until the rules ran for the first time.
    digest: str | None
    loaded_at: int | None
    refused_digest: str | None
    refused_at: int | None
    problems: tuple[str, ...]
    rules: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "problems", tuple(self.problems))


def put_in_force(connection: Connection[TupleRow], rules: Iterable[RuleInForce], digest: str, *, leader: str) -> None:
    """Writes the whole catalogue in the place of the former; FencedError if another process leads."""
    rows = [{**asdict(rule), "class": rule.class_} for rule in rules]
    sql = queries("catalogue_in_force")
    with translated(), connection.transaction():
        _leads(connection, leader)
        connection.execute(sql["put_rules"], {"rules": _json(rows), "digest": digest})
        connection.execute(sql["remove_rules"], {"digest": digest})
        connection.execute(sql["remove_health"])
        connection.execute(sql["put_state"], {"digest": digest})


def refuse(connection: Connection[TupleRow], digest: str, problems: Sequence[str], *, leader: str) -> None:
    """Writes that a newer catalogue cannot be used, and why; FencedError if another process leads."""
    with translated(), connection.transaction():
        _leads(connection, leader)
        connection.execute(
            queries("catalogue_in_force")["refuse"], {"digest": digest, "problems": Jsonb(list(problems))}
        )


def read_state(connection: Connection[TupleRow]) -> CatalogueState:
    """Which catalogue is in force, and what is wrong with a newer one."""
    with translated(), connection.cursor(row_factory=class_row(CatalogueState)) as cursor:
        found = cursor.execute(queries("catalogue_in_force")["state"]).fetchone()
    if found is None:
        raise AssertionError("the schema holds one row of catalogue_state")
    return found


def put_health(
    connection: Connection[TupleRow], health: Iterable[RuleHealth], evaluated_at: int, *, leader: str
) -> None:
    """Writes how the rules fare; FencedError if another process leads.

    Args:
        connection: In autocommit.
        health: One for each rule of the catalogue.
        evaluated_at: When they were last evaluated, microseconds since 1970 (UTC).
        leader: The name of this process.
    """
    with translated(), connection.transaction():
        _leads(connection, leader)
        connection.execute(
            queries("catalogue_in_force")["put_health"],
            {"health": _json([asdict(one) for one in health]), "evaluated_at": evaluated_at / 1e6},
        )


def _leads(connection: Connection[TupleRow], leader: str) -> None:
    if connection.execute(queries("catalogue_in_force")["leads"], {"leader": leader}).fetchone() is None:
        raise FencedError(f"another process leads the rules now, not {leader}")


def _json(rows: list[dict[str, Any]]) -> Jsonb:
    return Jsonb(rows, dumps=msgspec.json.encode)
