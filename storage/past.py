"""What was stored before, as columns: for late data, which are judged anew from their time on, and for measures.

Whole columns come in one query; times are microseconds since 1970 (UTC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import EARLIEST, LATEST, to_datetime
from storage.arrays import INT4, TIMESTAMPTZ, Column, register
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Observations ordered by datastream and time, of every quality."""

    datastreams: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """Means of the good values of whole hours, ordered by datastream and hour; an hour without any has no row."""

    datastreams: NDArray[np.int32]
    #: The beginning of each hour.
    hours: NDArray[np.int64]
    means: NDArray[np.float64]


def samples(connection: Connection[TupleRow], datastreams: NDArray[np.int32], since: NDArray[np.int64]) -> Samples:
    """Everything stored of each datastream at or after its own instant.

    Args:
        connection: Learns to send and read arrays as columns.
        datastreams: Ids, each once.
        since: For each datastream, microseconds since 1970 (UTC).
    """
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("past")["samples"],
            {
                "datastreams": Column(datastreams, INT4),
                "since": Column(np.clip(since, EARLIEST, LATEST), TIMESTAMPTZ),
            },
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Samples(datastreams=row[0], times=row[1], values=row[2], qualities=row[3])


def hourly(connection: Connection[TupleRow], datastreams: NDArray[np.int32], since: int, until: int) -> Hours:
    """The hourly means of each datastream over [since, until), which both should lie on whole hours (UTC).

    Args:
        connection: Learns to send and read arrays as columns.
        datastreams: Ids, each once.
        since: Microseconds since 1970 (UTC).
        until: Microseconds since 1970 (UTC).
    """
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("past")["hourly"],
            {
                "datastreams": Column(datastreams, INT4),
                "since": to_datetime(min(max(since, EARLIEST), LATEST)),
                "until": to_datetime(min(max(until, EARLIEST), LATEST)),
            },
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Hours(datastreams=row[0], hours=row[1], means=row[2])
