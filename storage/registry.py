"""The registry in the database: import as an upsert in one transaction, export of everything."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.registry import Asset, Datastream, Device, Link, Network, Property, Registry
from domain.registry_check import Known
from storage.database import translated
from storage.sql import queries

#: Rows in one statement: bounds the message that a server must hold.
_ROWS = 5000
_T = TypeVar("_T")
Thing = Network | Property | Asset | Device | Datastream | Link


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What an import did to the things of one kind."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What an import did; `version` is the registry's number afterwards."""

    version: int
    networks: Counts
    properties: Counts
    assets: Counts
    devices: Counts
    datastreams: Counts
    links: Counts

    @property
    def kinds(self) -> dict[str, Counts]:
        """The counts by kind, in the order in which they were written."""
        return {kind: getattr(self, kind) for kind in _KINDS}


#: In the order of their references.
_KINDS = ("networks", "properties", "assets", "devices", "datastreams", "links")


def known(connection: Connection[TupleRow]) -> Known:
    """What is registered already, for the check of a folder that refers to it."""
    sql = queries("registry")
    with translated(), connection.transaction():
        return Known(
            networks=frozenset(row[0] for row in connection.execute(sql["known_networks"])),
            properties={p.id: p for p in _all(connection, "properties", Property)},
            assets=frozenset(row[0] for row in connection.execute(sql["known_assets"])),
            devices=frozenset(row[0] for row in connection.execute(sql["known_devices"])),
        )


def import_registry(
    connection: Connection[TupleRow], registry: Registry, *, progress: Callable[[int], None] | None = None
) -> ImportReport:
    """Adds what is new and changes what differs, all or nothing; what is not named stays as it is.

    Args:
        connection: Of a role that may write.
        registry: Checked already (`domain.registry_folder.read`).
        progress: Told the number of things handled since the last call.
    """
    sql = queries("registry")
    with translated(), connection.transaction():
        locked = connection.execute(sql["lock_registry"]).fetchone()
        version = int(locked[0]) if locked else 0
        counts = {kind: _write(connection, kind, getattr(registry, kind), progress) for kind in _KINDS}
        if any(c.added or c.changed for c in counts.values()):
            raised = connection.execute(sql["raise_registry_version"]).fetchone()
            version = int(raised[0]) if raised else version
    return ImportReport(version=version, **counts)


def _write(
    connection: Connection[TupleRow], kind: str, things: Sequence[Thing], progress: Callable[[int], None] | None
) -> Counts:
    added = changed = 0
    for start in range(0, len(things), _ROWS):
        part = things[start : start + _ROWS]
        row = connection.execute(queries("registry")[f"import_{kind}"], _columns(part)).fetchone()
        if row is not None:
            added, changed = added + row[0], changed + row[1]
        if progress:
            progress(len(part))
    return Counts(added=added, changed=changed, unchanged=len(things) - added - changed)


def _columns(things: Sequence[Thing]) -> dict[str, list[Any]]:
    names = type(things[0]).__dataclass_fields__
    return {name: [_plain(getattr(thing, name)) for thing in things] for name in names}


def _plain(value: Any) -> Any:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def export_registry(connection: Connection[TupleRow]) -> Registry:
    """Everything that is registered, read in one snapshot, ordered by identifier."""
    with translated(), connection.transaction():
        connection.execute(queries("registry")["one_snapshot"])
        return Registry(
            assets=_all(connection, "assets", Asset),
            devices=_all(connection, "devices", Device),
            datastreams=_all(connection, "datastreams", Datastream),
            links=_all(connection, "links", Link),
            networks=_all(connection, "networks", Network),
            properties=_all(connection, "properties", Property),
        )


def _all(connection: Connection[TupleRow], kind: str, of: type[_T]) -> tuple[_T, ...]:
    with connection.cursor(row_factory=class_row(of)) as cursor:
        return tuple(cursor.execute(queries("registry")[f"export_{kind}"]))
