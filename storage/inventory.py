"""What is registered, as programs ask for it: pages of networks, properties, assets, devices and datastreams.

Pages are cut by key, never by offset, so that page 1,000 costs what page 1 does. Every function takes `limit` rows at
most; a caller that wants to know whether more follow asks for one row more than it shows.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.exercise_mark import Exercises
from domain.registry import Asset, Link, Property
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSummary:
    """A network, how much stands in it, and how many of its alerts are active."""

    id: str
    name_en: str
    name_zh: str
    assets: int
    devices: int
    active_alerts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceEntry:
    """A device with the network and area of its asset."""

    id: str
    asset: str
    model: str
    reporting_interval_s: int
    network: str
    area: str
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DatastreamEntry:
    """A datastream with its property's names and the place it belongs to."""

    id: int
    device: str
    property: str
    #: UCUM.
    unit: str
    type: str
    name_en: str
    name_zh: str
    asset: str
    network: str
    area: str
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A bounding box in degrees WGS-84."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which part of the city a question is about; None is all of it. An area takes in the areas inside it.

    What belongs to exercises is left out unless asked for.
    """

    network: str | None = None
    area: str | None = None
    asset: str | None = None
    device: str | None = None
    exercises: Exercises = "exclude"


EVERYWHERE = Place()
#: Real or of an exercise: for a question about one thing by its name.
ANYTHING = Place(exercises="include")


def networks(connection: Connection[TupleRow]) -> list[NetworkSummary]:
    """Every network."""
    with connection.cursor(row_factory=class_row(NetworkSummary)) as cursor:
        return cursor.execute(queries("inventory")["networks"]).fetchall()


def properties(connection: Connection[TupleRow], network: str | None = None) -> list[Property]:
    """The catalogue of observed properties, or what of it may occur in one network."""
    with connection.cursor(row_factory=class_row(Property)) as cursor:
        return cursor.execute(queries("inventory")["properties"], {"network": network}).fetchall()


def assets(
    connection: Connection[TupleRow],
    *,
    place: Place = EVERYWHERE,
    kind: str | None = None,
    box: Box | None = None,
    after: str | None = None,
    limit: int,
) -> list[Asset]:
    """A page of assets, by id."""
    parameters: dict[str, Any] = {
        "network": place.network,
        "area": place.area,
        "exercises": place.exercises,
        "kind": kind,
        "west": box.west if box else None,
        "south": box.south if box else None,
        "east": box.east if box else None,
        "north": box.north if box else None,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Asset)) as cursor:
        return cursor.execute(queries("inventory")["assets"], parameters).fetchall()


def asset(connection: Connection[TupleRow], id_: str) -> Asset | None:
    """One asset, or None."""
    with connection.cursor(row_factory=class_row(Asset)) as cursor:
        return cursor.execute(queries("inventory")["asset"], {"id": id_}).fetchone()


def links(connection: Connection[TupleRow], asset_id: str) -> list[Link]:
    """The links from and to an asset, at most 1,000."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(queries("inventory")["links"], {"id": asset_id}).fetchall()


def devices(
    connection: Connection[TupleRow],
    *,
    place: Place = EVERYWHERE,
    after: str | None = None,
    limit: int,
) -> list[DeviceEntry]:
    """A page of devices, by id; `place.device` asks for one."""
    parameters = {
        "id": place.device,
        "network": place.network,
        "area": place.area,
        "asset": place.asset,
        "exercises": place.exercises,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(DeviceEntry)) as cursor:
        return cursor.execute(queries("inventory")["devices"], parameters).fetchall()


def datastreams(
    connection: Connection[TupleRow],
    *,
    place: Place = EVERYWHERE,
    id_: int | None = None,
    property_: str | None = None,
    after: int | None = None,
    limit: int,
) -> list[DatastreamEntry]:
    """A page of datastreams, by id; `id_` asks for one."""
    parameters = {
        "id": id_,
        "device": place.device,
        "property": property_,
        "network": place.network,
        "area": place.area,
        "asset": place.asset,
        "exercises": place.exercises,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(DatastreamEntry)) as cursor:
        return cursor.execute(queries("inventory")["datastreams"], parameters).fetchall()
