"""What tells whether the platform itself is well, read every second, and the counters kept to compare with."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionVitals:
    """One partition of ingest. Seconds by the database's clock."""

    partition: str
    #: How far it was behind the broker when its worker last gave a sign of life.
    lag_s: float
    #: Age of that sign.
    silent_s: float
    #: Entries received and rejected within about ten minutes.
    received: int
    rejected: int
    #: Times within about an hour that the broker had forgotten its session.
    lost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformVitals:
    """The platform at one instant."""

    partitions: tuple[PartitionVitals, ...]
    #: How long the oldest event or message has waited to be sent, in seconds.
    waiting_s: float
    #: Messages that failed for good within a day.
    failed: int


def read_vitals(connection: Connection[TupleRow]) -> PlatformVitals:
    """The platform as the database knows it now."""
    sql = queries("vitals")
    with translated():
        with connection.cursor(row_factory=class_row(PartitionVitals)) as cursor:
            partitions = tuple(cursor.execute(sql["partitions"]).fetchall())
        row = connection.execute(sql["deliveries"]).fetchone()
    waiting_s, failed = row or (0.0, 0)
    return PlatformVitals(partitions=partitions, waiting_s=float(waiting_s), failed=int(failed))


def keep_counts(connection: Connection[TupleRow]) -> None:
    """Keeps the counters of ingest as they are now; call it once a minute."""
    with translated():
        connection.execute(queries("vitals")["count"])
        connection.execute(queries("vitals")["forget_counts"])
