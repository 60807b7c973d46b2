"""A small registry and a writer that stores and journals observations as ingest does, for tests of those who follow."""

from collections.abc import Iterable

import numpy as np
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import to_datetime
from storage import arrays, batches
from storage.database import connect
from tests.support.rulebook import SECOND, T0

#: datastream, seconds after T0, value
Point = tuple[int, float, float]


def register(
    connection: Connection[TupleRow], devices: Iterable[str], *, interval_s: int = 60, area: str = "530102"
) -> dict[str, int]:
    """One valve well in an area, and on it devices that measure methane; returns each device's datastream."""
    well = "well-1" if area == "530102" else f"well-{area}"
    with connection.transaction():
        connection.execute(
            "INSERT INTO assets VALUES (%s, 'gas', 'valve_well', 'Well 1', '1号井', %s, '{}', 100, 25)"
            " ON CONFLICT DO NOTHING",
            (well, area),
        )
        streams = {}
        for device in devices:
            connection.execute("INSERT INTO devices VALUES (%s, %s, 'M', %s)", (device, well, interval_s))
            row = connection.execute(
                "INSERT INTO datastreams (device, property, unit, registered_at)"
                " VALUES (%s, 'gas.ch4.chamber', '%%{LEL}', %s) RETURNING id",
                (device, to_datetime(T0)),
            ).fetchone()
            assert row
            streams[device] = int(row[0])
        connection.execute("UPDATE registry_version SET version = version + 1")
    return streams


class Writer:
    """The one writer of a partition, on a connection of its own."""

    def __init__(self, url: str, partition: str = "all") -> None:
        self.partition = partition
        self.connection = connect(url, application="test ingest")
        arrays.register(self.connection)
        claimed = batches.claim(self.connection, partition)
        assert claimed is not None
        self.seq = claimed[0]

    def store(self, *points: Point, quality: int = 0) -> int:
        """Commits one batch; returns its number in the journal."""
        size = len(points)
        batch = batches.Batch(
            messages=size,
            datastreams=np.array([p[0] for p in points], dtype=np.int32),
            times=np.array([T0 + round(p[1] * SECOND) for p in points], dtype=np.int64),
            values=np.array([p[2] for p in points], dtype=np.float64),
            qualities=np.full(size, quality, dtype=np.int16),
            sources=np.arange(size, dtype=np.int32),
            topics=["t"] * size,
            payloads=[b""] * size,
        )
        self.seq = batches.store(self.connection, batch, partition=self.partition, seq=self.seq + 1).seq
        return self.seq

    def caught_up(self, seconds: float) -> None:
        """Everything published up to so many seconds after T0 is stored."""
        batches.heartbeat(
            self.connection,
            partition=self.partition,
            connected=True,
            caught_up_at=T0 + round(seconds * SECOND),
            session_losses=0,
        )

    def close(self) -> None:
        self.connection.close()
