"""Stored observations of a period, slice after slice as whole columns: for backtests.

Memory is bounded by the slice, not by the period. Times are microseconds since 1970 (UTC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import to_datetime
from storage.arrays import register
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Observations of every quality, as columns ordered by datastream and time."""

    datastreams: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.int16]


def read_slice(connection: Connection[TupleRow], since: int, until: int) -> Slice:
    """Everything observed in [since, until)."""
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("history")["slice"], {"since": to_datetime(since), "until": to_datetime(until)}
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Slice(datastreams=row[0], times=row[1], values=row[2], qualities=row[3])


def read_one(connection: Connection[TupleRow], datastream: int, since: int, until: int) -> Slice:
    """What one datastream said in [since, until)."""
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("history")["one"],
            {"datastream": datastream, "since": to_datetime(since), "until": to_datetime(until)},
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Slice(
        datastreams=np.full(len(row[0]), datastream, dtype=np.int32), times=row[0], values=row[1], qualities=row[2]
    )


def bounds(connection: Connection[TupleRow]) -> tuple[int, int] | None:
    """The times of the first and the last observation; None if there is none."""
    with translated():
        row = connection.execute(queries("history")["bounds"]).fetchone()
    return None if row is None or row[0] is None else (int(row[0]), int(row[1]))
