"""The condition of the pipeline as the database knows it, read for `lifeline status` and for programs."""

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.condition import (
    CatalogueCondition,
    Condition,
    Deliveries,
    DeviceCount,
    FollowerCondition,
    OpenAlerts,
    PartitionCondition,
    RunningExercise,
)
from storage import migrate
from storage.database import translated
from storage.sql import queries


def partitions(connection: Connection[TupleRow]) -> list[PartitionCondition]:
    """The counters of every ingest partition, with ages by the database's clock."""
    with translated(), connection.cursor(row_factory=class_row(PartitionCondition)) as cursor:
        return cursor.execute(queries("status")["partitions"]).fetchall()


def followers(connection: Connection[TupleRow]) -> list[FollowerCondition]:
    """How far each follower of the journal is behind."""
    with translated(), connection.cursor(row_factory=class_row(FollowerCondition)) as cursor:
        return cursor.execute(queries("status")["followers"]).fetchall()


def open_alerts(connection: Connection[TupleRow]) -> list[OpenAlerts]:
    """Open alerts by network and level."""
    with translated(), connection.cursor(row_factory=class_row(OpenAlerts)) as cursor:
        return cursor.execute(queries("status")["open_alerts"]).fetchall()


def _deliveries(connection: Connection[TupleRow]) -> Deliveries:
    with connection.cursor(row_factory=class_row(Deliveries)) as cursor:
        return cursor.execute(queries("status")["deliveries"]).fetchall()[0]


def _devices(connection: Connection[TupleRow]) -> list[DeviceCount]:
    with connection.cursor(row_factory=class_row(DeviceCount)) as cursor:
        return cursor.execute(queries("status")["devices"]).fetchall()


def _exercises(connection: Connection[TupleRow]) -> list[RunningExercise]:
    with connection.cursor(row_factory=class_row(RunningExercise)) as cursor:
        return cursor.execute(queries("status")["exercises"]).fetchall()


def _catalogue(connection: Connection[TupleRow]) -> CatalogueCondition:
    digest, rules, refused, age_s, problems, failing = connection.execute(queries("status")["catalogue"]).fetchall()[0]
    return CatalogueCondition(
        digest=digest,
        rules=rules,
        refused_digest=refused,
        refused_age_s=age_s,
        problems=tuple(problems),
        failing=tuple(failing),
    )


def condition(connection: Connection[TupleRow]) -> Condition:
    """Everything; of a database that lacks migrations only what it is and what it lacks."""
    schema = migrate.status(connection)
    missing = tuple(sorted(set(schema.known) - set(schema.applied)))
    if missing:
        return Condition(server=schema.server, level=schema.level, schema_current=False, missing_migrations=missing)
    with translated(), connection.transaction():
        return Condition(
            server=schema.server,
            level=schema.level,
            schema_current=True,
            partitions=tuple(partitions(connection)),
            followers=tuple(followers(connection)),
            alerts=tuple(open_alerts(connection)),
            deliveries=_deliveries(connection),
            devices=tuple(_devices(connection)),
            catalogue=_catalogue(connection),
            exercises=tuple(_exercises(connection)),
        )
