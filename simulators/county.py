"""The county of the demo: a registry built from towns and equipment. The same seed always gives the same county."""

import math
from dataclasses import dataclass

from domain.catalogue import properties
from domain.registry import Asset, Datastream, Device, Link, Registry
from simulators.equipment import EQUIPMENT, Equipment, Hardware
from simulators.noise import level
from simulators.streets import TOWNS, Town, Way, place, road_line, street_line

#: Assets closer than this, of networks where gas travels from one to the other, are adjacent.
_ADJACENT_M = 45.0
#: Network, kind, and what it is called in both languages.
_GAS_MAIN = ("gas", "gas_main", "Gas main", "燃气管道")
_SEWER = ("drainage", "sewer", "Sewer", "排水管道")
_WATER_MAIN = ("water", "water_main", "Water main", "供水管道")


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldDevice:
    """A device with all that its firmware knows."""

    id: str
    area: str
    network: str
    kind: str
    asset: str
    hardware: Hardware


@dataclass(frozen=True, kw_only=True, slots=True)
class County:
    """The whole county."""

    seed: int
    registry: Registry
    devices: tuple[FieldDevice, ...]

    def of_kind(self, kind: str, suffix: str = "") -> tuple[FieldDevice, ...]:
        """The devices on assets of a kind."""
        return tuple(d for d in self.devices if d.kind == kind and d.hardware.suffix == suffix)


def build(seed: int = 1) -> County:
    """The county of a seed, which decides how far things stand from their crossings and how each device differs."""
    assets: list[Asset] = []
    devices: list[FieldDevice] = []
    for equipment in EQUIPMENT:
        number = 0
        for town, count in zip(TOWNS, equipment.counts, strict=True):
            for index in range(count):
                number += 1
                asset = _asset(equipment, town, number, index, seed)
                assets.append(asset)
                devices += [_device(equipment, hardware, asset) for hardware in equipment.devices]
    assets += _mains()
    units = {p.id: p.unit for p in properties()}
    registry = Registry(
        assets=tuple(assets),
        devices=tuple(
            Device(id=d.id, asset=d.asset, model=d.hardware.model, reporting_interval_s=d.hardware.interval_s)
            for d in devices
        ),
        datastreams=tuple(
            Datastream(device=d.id, property=name, unit=units[name]) for d in devices for name in d.hardware.properties
        ),
        links=tuple(_links(assets)),
    )
    return County(seed=seed, registry=registry, devices=tuple(devices))


def _asset(equipment: Equipment, town: Town, number: int, index: int, seed: int) -> Asset:
    identifier = f"{equipment.kind.replace('_', '-')}-{number:03d}"
    east, north = (
        metre + 4.0 * level(seed, identifier, axis) for metre, axis in zip(equipment.offset_m, "xy", strict=True)
    )
    spot = place(town, index, east, north)
    return Asset(
        id=identifier,
        network=equipment.network,
        kind=equipment.kind,
        name_en=f"{equipment.name_en} {number}, {spot.name_en}",
        name_zh=f"{spot.name_zh}{number}号{equipment.name_zh}",
        area=town.code,
        geometry={"type": "Point", "coordinates": [spot.longitude, spot.latitude]},
        longitude=spot.longitude,
        latitude=spot.latitude,
        tags=dict(equipment.tags),
    )


def _device(equipment: Equipment, hardware: Hardware, asset: Asset) -> FieldDevice:
    return FieldDevice(
        id=f"{asset.id}-{hardware.suffix}" if hardware.suffix else f"{asset.id}-d",
        area=asset.area,
        network=equipment.network,
        kind=equipment.kind,
        asset=asset.id,
        hardware=hardware,
    )


def _mains() -> list[Asset]:
    """Pipes along every road and street: gas and sewers from west to east, water from south to north."""
    found = []
    for town in TOWNS:
        roads = [road_line(town, road) for road in range(town.roads)]
        streets = [street_line(town, street) for street in range(town.streets)]
        found += [_main(_GAS_MAIN, town, number, way) for number, way in enumerate(roads, start=1)]
        found += [_main(_SEWER, town, number, way) for number, way in enumerate(roads, start=1)]
        found += [_main(_WATER_MAIN, town, number, way) for number, way in enumerate(streets, start=1)]
    return found


def _main(what: tuple[str, str, str, str], town: Town, number: int, way: Way) -> Asset:
    network, kind, name_en, name_zh = what
    middle = way.line[len(way.line) // 2]
    return Asset(
        id=f"{kind.replace('_', '-')}-{town.code}-{number}",
        network=network,
        kind=kind,
        name_en=f"{name_en}, {way.name_en}, {town.name_en}",
        name_zh=f"{town.name_zh}{way.name_zh}{name_zh}",
        area=town.code,
        geometry={"type": "LineString", "coordinates": [list(point) for point in way.line]},
        longitude=middle[0],
        latitude=middle[1],
    )


def _links(assets: list[Asset]) -> list[Link]:
    """How the assets hang together: each on the nearest of what serves it, in its own town where there is one."""
    links: list[Link] = []
    for server, served in (
        ("regulator_station", "valve_well"),
        ("regulator_station", "test_post"),
        ("treatment_plant", "booster_station"),
        ("treatment_plant", "district_meter"),
        ("booster_station", "pressure_point"),
        ("booster_station", "quality_point"),
    ):
        links += [
            Link(from_asset=near.id, relation="feeds", to_asset=asset.id)
            for asset, near in _nearest(assets, served, server)
        ]
    for source, relation, target in (
        ("sewer_point", "drains_to", "pump_station"),
        ("manhole", "drains_to", "pump_station"),
        ("deep_manhole", "drains_to", "pump_station"),
        ("underpass", "drains_to", "pump_station"),
        ("lamp", "powered_by", "cabinet"),
        ("underpass", "adjacent_to", "cabinet"),
    ):
        links += [
            Link(from_asset=asset.id, relation=relation, to_asset=near.id)
            for asset, near in _nearest(assets, source, target)
        ]
    wells = [a for a in assets if a.kind == "valve_well"]
    chambers = [a for a in assets if a.kind in {"manhole", "deep_manhole"}]
    links += [
        Link(from_asset=w.id, relation="adjacent_to", to_asset=c.id)
        for w in wells
        for c in chambers
        if distance_m(w, c) <= _ADJACENT_M
    ]
    return links


def _nearest(assets: list[Asset], kind: str, served_by: str) -> list[tuple[Asset, Asset]]:
    servers = [a for a in assets if a.kind == served_by]
    return [(a, min(servers, key=lambda s: (distance_m(a, s), s.id))) for a in assets if a.kind == kind]


def distance_m(one: Asset, other: Asset) -> float:
    """Metres between two assets; exact enough within a county."""
    north = (other.latitude - one.latitude) * 111_320.0
    east = (other.longitude - one.longitude) * 111_320.0 * math.cos(math.radians(one.latitude))
    return math.hypot(east, north)
