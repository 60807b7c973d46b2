"""A small city in a database: registry, observations and alerts, written with plain SQL and known in every number.

Each network has three assets with a device each; the third device of each network has been silent for a day. Times hang
on the `now` that the caller gives.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.catalogue import NETWORKS, properties

#: What the devices of each network observe, and the value that the first device has now.
OBSERVED: dict[str, dict[str, float]] = {
    "gas": {
        "gas.ch4.chamber": 26.0,
        "gas.pressure.lp": 2.4,
        "gas.pressure.mp": 301.0,
        "gas.flow": 820.0,
        "gas.valve.state": 1.0,
        "gas.well.water": 1.0,
    },
    "water": {
        "water.pressure": 0.12,
        "water.cl2.free": 0.04,
        "water.turbidity": 1.4,
        "water.tank.level": 3.1,
        "water.pump.state": 1.0,
        "water.flow": 120.0,
    },
    "drainage": {
        "drain.road.depth": 27.0,
        "pump.wetwell.level": 4.2,
        "drain.rain": 31.0,
        "drain.level": 1.8,
        "pump.state": 1.0,
        "pump.fault": 1.0,
        "pump.current": 41.0,
    },
    "manhole": {
        "manhole.open": 1.0,
        "manhole.tilt": 35.0,
        "manhole.ch4": 11.0,
        "manhole.h2s": 4.0,
        "manhole.co": 6.0,
        "manhole.o2": 20.4,
        "manhole.level": 0.7,
    },
    "lighting": {
        "light.state": 1.0,
        "light.voltage": 196.0,
        "light.leak": 45.0,
        "light.power": 150.0,
        "light.door": 1.0,
    },
}
DEVICES_PER_NETWORK = 3
INTERVAL_S = 60
#: One observation of each datastream a minute, over so many minutes up to now.
MINUTES = 180
SILENT_FOR = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeededCity:
    """What was written."""

    now: datetime
    #: (device, property) to datastream id.
    datastreams: dict[tuple[str, str], int]
    observations: int
    open_alerts: dict[str, int]


def seed_city(url: str, *, now: datetime) -> SeededCity:
    """Writes the city into a migrated, empty database."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        datastreams = _registry(connection)
        observations = _observations(connection, datastreams, now)
        open_alerts = _alerts(connection, now)
        _dead_letters(connection, now)
    return SeededCity(now=now, datastreams=datastreams, observations=observations, open_alerts=open_alerts)


def device_id(network: str, number: int) -> str:
    """The device of an asset; numbers run from 1, the last one is silent."""
    return f"{network}-d{number}"


def asset_id(network: str, number: int) -> str:
    """An asset; numbers run from 1."""
    return f"{network}-a{number}"


def _registry(connection: Connection[TupleRow]) -> dict[tuple[str, str], int]:
    units = {item.id: item.unit for item in properties()}
    found: dict[tuple[str, str], int] = {}
    for row, network in enumerate(NETWORKS):
        for number in range(1, DEVICES_PER_NETWORK + 1):
            longitude, latitude = 117.2 + row / 100, 31.8 + number / 100
            connection.execute(
                "INSERT INTO assets (id, network, kind, name_en, name_zh, area, geometry, longitude, latitude) "
                "VALUES (%s, %s, 'site', %s, %s, '340104', jsonb_build_object('type', 'Point', 'coordinates', "
                "jsonb_build_array(%s::float8, %s::float8)), %s, %s)",
                (
                    asset_id(network.id, number),
                    network.id,
                    f"{network.name_en} site {number}",
                    f"{network.name_zh}{number}号点",
                    longitude,
                    latitude,
                    longitude,
                    latitude,
                ),
            )
            connection.execute(
                "INSERT INTO devices (id, asset, model, reporting_interval_s) VALUES (%s, %s, 'test', %s)",
                (device_id(network.id, number), asset_id(network.id, number), INTERVAL_S),
            )
            for property_ in OBSERVED[network.id]:
                row_ = connection.execute(
                    "INSERT INTO datastreams (device, property, unit) VALUES (%s, %s, %s) RETURNING id",
                    (device_id(network.id, number), property_, units[property_]),
                ).fetchone()
                assert row_ is not None
                found[device_id(network.id, number), property_] = row_[0]
        connection.execute(
            "INSERT INTO links (from_asset, relation, to_asset) VALUES (%s, 'adjacent_to', %s)",
            (asset_id(network.id, 1), asset_id(network.id, 2)),
        )
    return found


def _observations(connection: Connection[TupleRow], datastreams: dict[tuple[str, str], int], now: datetime) -> int:
    """One value a minute: the first device has the value of OBSERVED, the others nine tenths of it, switches none."""
    switches = {item.id for item in properties() if item.type == "boolean"}
    written = 0
    for (device, property_), datastream in datastreams.items():
        network, _, number = device.partition("-d")
        value = OBSERVED[network][property_]
        if number != "1":
            value = 0.0 if property_ in switches else value * 0.9
        end = now - SILENT_FOR if number == str(DEVICES_PER_NETWORK) else now
        connection.execute(
            "INSERT INTO observations (datastream, time, value) "
            "SELECT %s, %s::timestamptz - n * INTERVAL '1 minute', %s FROM generate_series(0, %s) n",
            (datastream, end, value, MINUTES - 1),
        )
        written += MINUTES
    return written


def _alerts(connection: Connection[TupleRow], now: datetime) -> dict[str, int]:
    """For each network an active alert of one level, and one that is over; each with its events and notifications."""
    levels = dict(zip((n.id for n in NETWORKS), ("red", "orange", "yellow", "blue", "red"), strict=True))
    counts = dict.fromkeys(("red", "orange", "yellow", "blue"), 0)
    for minutes, (network, level) in enumerate(levels.items(), start=1):
        counts[level] += 1
        for over in (False, True):
            raised = now - timedelta(minutes=minutes) - (timedelta(hours=3) if over else timedelta())
            row = connection.execute(
                "INSERT INTO alerts (rule, subject, kind, network, area, asset, device, level, state, acknowledged, "
                "raised_at, level_at, cleared_at, value, threshold, title_en, title_zh, text_en, text_zh) "
                "VALUES (%s, %s, 'safety', %s, '340104', %s, %s, %s, %s, %s, %s, %s, %s, 26, 25, %s, %s, %s, %s) "
                "RETURNING id",
                (
                    f"{network}.seeded",
                    f"device:{device_id(network, 1)}",
                    network,
                    asset_id(network, 1),
                    device_id(network, 1),
                    level,
                    "returned" if over else "active",
                    over,
                    raised,
                    raised,
                    raised + timedelta(minutes=5) if over else None,
                    f"{network} alert",
                    f"{network}报警",
                    "text",
                    "正文",
                ),
            ).fetchone()
            assert row is not None
            event = connection.execute(
                "INSERT INTO alert_events (alert, time, recorded_at, event, level, value, threshold, told) "
                "VALUES (%s, %s, %s, 'raised', %s, 26, 25, true) RETURNING id",
                (row[0], raised, raised, level),
            ).fetchone()
            assert event is not None
            connection.execute(
                "INSERT INTO notifications (event, alert, channel, language, state, written_at) "
                "VALUES (%s, %s, 'duty', 'zh', %s, %s)",
                (event[0], row[0], "failed" if over else "pending", raised),
            )
    return counts


def _dead_letters(connection: Connection[TupleRow], now: datetime) -> None:
    """Three undecodable messages and one of an unknown device."""
    for minutes, reason in enumerate(("bad_json", "bad_json", "bad_json", "unknown_device"), start=1):
        connection.execute(
            "INSERT INTO dead_letters (received_at, partition, topic, reason, detail, payload) "
            "VALUES (%s, 'all', 'lifeline/340104/gas/x/telemetry', %s, 'seeded', %s)",
            (now - timedelta(minutes=minutes), reason, b"{"),
        )
