"""Following the journal: rows after a position, in commit order, straight into numpy arrays."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from storage.arrays import register
from storage.database import connect, translated
from storage.sql import queries

#: Most journal rows in one fetch: many small batches come as one.
_ROWS = 512
#: How long a wait may not notice that it shall stop, in seconds.
_SLICE_S = 0.5
#: Beyond every sequence number.
_END = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Some rows of the journal, one after the other, as columns. Times in microseconds since 1970 (UTC)."""

    rows: int
    #: The last sequence number of each partition that has rows here.
    positions: dict[str, int]
    #: When the oldest of the rows was stored, by the database's clock; 0 without rows.
    stored_at: int
    datastreams: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """How far ingest has come."""

    #: The newest sequence number of each partition.
    positions: dict[str, int]
    #: For each partition that ever caught up: everything published for it up to here is in the journal up to
    #: `positions`. Microseconds since 1970 (UTC).
    clocks: dict[str, int]
    #: For each partition that was ever interrupted: since when it has listened again.
    listening: dict[str, int]


def heads(connection: Connection[TupleRow]) -> Heads:
    """The newest sequence numbers, and the clocks by which absence is judged, all from one snapshot."""
    with translated():
        rows = connection.execute(queries("journal")["heads"]).fetchall()
    return Heads(
        positions={row[0]: int(row[1]) for row in rows},
        clocks={row[0]: int(row[2]) for row in rows if row[2] is not None},
        listening={row[0]: int(row[3]) for row in rows if row[3] is not None},
    )


def positions(connection: Connection[TupleRow], follower: str) -> dict[str, int]:
    """How far a follower has come in each partition."""
    with translated():
        rows = connection.execute(queries("journal")["positions"], {"follower": follower}).fetchall()
    return {row[0]: int(row[1]) for row in rows}


def follow(
    connection: Connection[TupleRow],
    after: Mapping[str, int],
    upto: Mapping[str, int] | None = None,
    *,
    observations: int = 200_000,
) -> Stretch:
    """The next rows of the named partitions: about `observations` of each at most, but at least one row.

    Args:
        connection: Learns to read arrays as columns.
        after: The position in each partition.
        upto: The last row that is wanted in each partition; all if None.
        observations: Bound of one fetch.
    """
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        rows = cursor.execute(
            queries("journal")["after"],
            {
                "partitions": list(after),
                "positions": list(after.values()),
                "ends": [_END if upto is None else upto.get(partition, 0) for partition in after],
                "rows": _ROWS,
                "observations": observations,
            },
        ).fetchall()
    return Stretch(
        rows=len(rows),
        positions={row[0]: int(row[1]) for row in rows},
        stored_at=min((row[2] for row in rows), default=0),
        datastreams=_joined([row[3] for row in rows], np.int32),
        times=_joined([row[4] for row in rows], np.int64),
        values=_joined([row[5] for row in rows], np.float64),
        qualities=_joined([row[6] for row in rows], np.int16),
    )


def _joined(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype=dtype), *parts])


def lag_s(connection: Connection[TupleRow], after: Mapping[str, int]) -> float:
    """Age of the oldest row after a position, in seconds by the database's clock; 0 if there is none."""
    with translated():
        row = connection.execute(
            queries("journal")["oldest_unseen"], {"partitions": list(after), "positions": list(after.values())}
        ).fetchone()
    return max(0.0, float(row[0])) if row and row[0] is not None else 0.0


class Watchtower:
    """The one connection on which a follower leads, and on which it hears that a batch was stored.

    The lock is the connection's: when the process dies, the server frees it.
    """

    def __init__(self, url: str, *, name: str) -> None:
        self._name = name
        self._connection = connect(url, application=f"{name} leader")

    def lead(self) -> bool:
        """Tries to become the leader; True if this connection is it now."""
        sql = queries("journal")
        with translated():
            row = self._connection.execute(sql["lock"], {"name": f"lifeline {self._name}"}).fetchone()
            if not row or not row[0]:
                return False
            self._connection.execute(sql["listen"])
        return True

    def wait(self, timeout_s: float, stop: threading.Event | None = None) -> None:
        """Returns when a batch was stored, after `timeout_s`, or soon after `stop`; raises UnavailableError."""
        deadline = time.monotonic() + timeout_s
        with translated():
            while not (stop is not None and stop.is_set()):
                left = deadline - time.monotonic()
                heard = [*self._connection.notifies(timeout=max(0.0, min(left, _SLICE_S)), stop_after=1)]
                if heard or left <= _SLICE_S:
                    return

    def check(self) -> None:
        """Raises UnavailableError if the connection, and with it the lead, is lost."""
        with translated():
            self._connection.execute(queries("journal")["alive"])

    def close(self) -> None:
        """Gives the lead up."""
        self._connection.close()
