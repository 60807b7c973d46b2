"""What ingest must know of the registry: topic -> datastreams, and the physical range of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.topics import telemetry
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, slots=True)
class DeviceStreams:
    """The datastreams of one device."""

    device: str
    #: Property -> datastream id; negative for properties of type boolean, so that one look-up tells both.
    streams: dict[str, int]
    units: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """The registry as ingest needs it, at one version."""

    version: int
    by_topic: dict[str, DeviceStreams]
    #: Device -> its one topic, to explain a message on another.
    topic_of: dict[str, str]
    #: Physical range by datastream id (index), in the datastream's unit.
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]


def version(connection: Connection[TupleRow]) -> int:
    """The number that rises with every change of the registry."""
    with translated():
        row = connection.execute(queries("catalog")["registry_version"]).fetchone()
    return int(row[0]) if row else 0


def load(connection: Connection[TupleRow]) -> Catalog:
    """Reads the whole catalogue: about 200 bytes a datastream in memory."""
    sql = queries("catalog")
    by_topic: dict[str, DeviceStreams] = {}
    topic_of: dict[str, str] = {}
    # Strings that recur in thousands of rows are kept once.
    kept: dict[str, str] = {}
    ranges: list[tuple[int, float, float]] = []
    with translated(), connection.transaction():
        found = version(connection)
        with connection.cursor() as cursor:
            for device, area, network, stream, prop, unit, is_boolean, low, high in cursor.stream(sql["catalog"]):
                topic = topic_of.get(device)
                if topic is None:
                    topic = topic_of[device] = telemetry(area, network, device)
                    by_topic[topic] = DeviceStreams(device, {}, {})
                if stream is None:
                    continue
                streams = by_topic[topic]
                prop, unit = kept.setdefault(prop, prop), kept.setdefault(unit, unit)  # noqa: PLW2901
                streams.streams[prop] = -stream if is_boolean else stream
                streams.units[prop] = unit
                ranges.append((stream, low, high))
    size = max((r[0] for r in ranges), default=0) + 1
    minimum = np.full(size, -np.inf)
    maximum = np.full(size, np.inf)
    if ranges:
        ids, lows, highs = (np.array(column) for column in zip(*ranges, strict=True))
        minimum[ids.astype(int)] = lows
        maximum[ids.astype(int)] = highs
    return Catalog(version=found, by_topic=by_topic, topic_of=topic_of, minimum=minimum, maximum=maximum)
