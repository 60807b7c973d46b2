"""The registry and the newest observations as the rules need them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.exercise import Pace
from domain.registry import Link, Property
from domain.subject import Watched, WatchedAsset
from domain.times import LATEST
from storage.arrays import INT4, TIMESTAMPTZ, Column, register
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Newest:
    """One observation for each datastream that has one, as columns. Times in microseconds since 1970 (UTC)."""

    datastreams: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedRegistry:
    """Everything registered, at one version of the registry."""

    version: int
    watched: tuple[Watched, ...]
    properties: tuple[Property, ...]
    networks: tuple[str, ...]
    assets: tuple[WatchedAsset, ...] = ()
    links: tuple[Link, ...] = ()
    #: The exercises that run, and how their time does.
    paces: Mapping[int, Pace] = field(default_factory=dict)


def read_watched(connection: Connection[TupleRow], *, exercises: bool = False) -> WatchedRegistry:
    """Everything that is real, from one snapshot; with `exercises`, the equipment of one that runs as well."""
    sql = queries("watched")
    with translated(), connection.transaction():
        connection.execute(queries("registry")["one_snapshot"])
        version = registry_version(connection)
        networks = tuple(row[0] for row in connection.execute(sql["networks"]).fetchall())
        with connection.cursor(row_factory=class_row(Property)) as cursor:
            properties = tuple(cursor.execute(sql["properties"]).fetchall())
        running = connection.execute(sql["paces"]).fetchall() if exercises else []
        wanted = {"exercises": [row[0] for row in running]}
        with connection.cursor(row_factory=class_row(Link)) as cursor:
            links = tuple(cursor.execute(sql["links"], wanted).fetchall())
        places = connection.execute(sql["assets"], wanted).fetchall()
        rows = connection.execute(sql["watched"], wanted).fetchall()
    # Names repeat by the thousand: one copy of each.
    same = sys.intern
    # Datastreams of one asset share its tags.
    tags = {row[0]: {same(str(key)): same(str(value)) for key, value in row[8].items()} for row in places}
    return WatchedRegistry(
        version=version,
        properties=properties,
        networks=networks,
        watched=tuple(
            Watched(
                datastream=row[0],
                property=same(row[1]),
                unit=same(row[2]),
                device=same(row[3]),
                interval_s=row[4],
                registered_at=row[5],
                asset=same(row[6]),
                asset_kind=same(row[7]),
                asset_en=same(row[8]),
                asset_zh=same(row[9]),
                network=same(row[10]),
                area=same(row[11]),
                tags=tags[row[6]],
                promised_s=row[12],
            )
            for row in rows
        ),
        assets=tuple(
            WatchedAsset(
                id=same(row[0]),
                kind=same(row[1]),
                network=same(row[2]),
                area=same(row[3]),
                name_en=same(row[4]),
                name_zh=same(row[5]),
                longitude=row[6],
                latitude=row[7],
                tags=tags[row[0]],
            )
            for row in places
        ),
        links=links,
        paces={row[0]: Pace(begins=row[1], published_from=row[2], speed=row[3], ends=row[4]) for row in running},
    )


def registry_version(connection: Connection[TupleRow]) -> int:
    """The version of the registry."""
    with translated():
        row = connection.execute(queries("watched")["version"]).fetchone()
    return int(row[0]) if row else 0


def newest_before(
    connection: Connection[TupleRow],
    datastreams: NDArray[np.int32],
    before: NDArray[np.int64] | None = None,
    *,
    good: bool,
) -> Newest:
    """The newest observation of each datastream before its own instant (default: of all).

    Args:
        connection: Learns to read arrays as columns.
        datastreams: Ids.
        before: Microseconds since 1970 (UTC), one for each datastream.
        good: Whether doubtful observations are left out.
    """
    if before is None:
        before = np.full(len(datastreams), LATEST, dtype=np.int64)
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("watched")["newest_before"],
            {
                "datastreams": Column(datastreams, INT4),
                "before": Column(np.minimum(before, LATEST), TIMESTAMPTZ),
                "good": good,
            },
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Newest(datastreams=row[0], times=row[1], values=row[2])
