"""Observations as programs ask for them: raw, rolled up, and the latest of many datastreams."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from storage.inventory import EVERYWHERE, Place
from storage.sql import queries


class Bucket(StrEnum):
    """The widths of the rollups. A day is a day of the place (LIFELINE_ZONE when the schema was made)."""

    MINUTES_5 = "5m"
    HOUR = "1h"
    DAY = "1d"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One observation of a datastream; `time` is UTC."""

    time: datetime
    value: float
    quality: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One bucket. Statistics are of good observations; those with a quality flag are counted as doubtful only."""

    #: Start of the bucket, UTC.
    time: datetime
    count: int
    doubtful: int
    minimum: float | None
    maximum: float | None
    average: float | None
    sum: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Latest:
    """The last observation of a datastream; time, value and quality are None when it never reported."""

    datastream: int
    device: str
    property: str
    unit: str
    asset: str
    network: str
    area: str
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None
    time: datetime | None
    value: float | None
    quality: int | None


def raw(
    connection: Connection[TupleRow], datastream: int, since: datetime, until: datetime, *, limit: int
) -> list[Reading]:
    """Observations in [since, until), oldest first, at most `limit`."""
    parameters = {"datastream": datastream, "since": since, "until": until, "limit": limit}
    with connection.cursor(binary=True, row_factory=class_row(Reading)) as cursor:
        return cursor.execute(queries("readings")["raw"], parameters).fetchall()


def rollup(
    connection: Connection[TupleRow], datastream: int, bucket: Bucket, since: datetime, until: datetime, *, limit: int
) -> list[Summary]:
    """Whole buckets that overlap [since, until), oldest first, at most `limit`; a bucket without data has no row."""
    parameters = {"datastream": datastream, "since": since, "until": until, "limit": limit}
    with connection.cursor(binary=True, row_factory=class_row(Summary)) as cursor:
        return cursor.execute(queries("readings")[f"rollup_{bucket.value}"], parameters).fetchall()


def latest(
    connection: Connection[TupleRow],
    *,
    place: Place = EVERYWHERE,
    recently: datetime,
    after: int | None = None,
    limit: int,
) -> list[Latest]:
    """The last observation of each datastream of a place, a page by datastream.

    `recently` changes the cost, never the answer: most datastreams have reported since, and are found in the newest
    chunk; only the others are looked for in all of history.
    """
    parameters = {
        "device": place.device,
        "asset": place.asset,
        "network": place.network,
        "area": place.area,
        "exercises": place.exercises,
        "since": recently,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(binary=True, row_factory=class_row(Latest)) as cursor:
        found = cursor.execute(queries("readings")["latest"], parameters).fetchall()
    silent = [row.datastream for row in found if row.time is None]
    if not silent:
        return found
    rows = connection.execute(
        queries("readings")["latest_before"], {"datastreams": silent, "since": recently}
    ).fetchall()
    older = {id_: (time, value, quality) for id_, time, value, quality in rows}
    return [
        replace(row, **dict(zip(("time", "value", "quality"), older[row.datastream], strict=True)))
        if row.datastream in older
        else row
        for row in found
    ]
