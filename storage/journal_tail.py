"""The end of the journal, for those who want to see observations as they are stored and may miss some."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from storage.arrays import register
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class TailRow:
    """One batch as it was stored; the columns have one element for each observation."""

    seq: int
    datastreams: NDArray[Any]
    #: Microseconds since 1970, UTC.
    times: NDArray[Any]
    values: NDArray[Any]
    qualities: NDArray[Any]


def heads(connection: Connection[TupleRow]) -> dict[str, int]:
    """The newest sequence number of each partition."""
    with translated():
        return {row[0]: int(row[1]) for row in connection.execute(queries("journal_tail")["heads"]).fetchall()}


def tail(connection: Connection[TupleRow], partition: str, after: int, *, limit: int) -> list[TailRow]:
    """The next rows of a partition; the connection learns to read arrays as columns."""
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        parameters = {"partition": partition, "after": after, "limit": limit}
        rows = cursor.execute(queries("journal_tail")["tail"], parameters).fetchall()
    return [TailRow(seq=r[0], datastreams=r[1], times=r[2], values=r[3], qualities=r[4]) for r in rows]
