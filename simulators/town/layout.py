"""What a network has in the field: assets, and the instruments on them. Each network of the town lays its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from domain.features import middle
from domain.registry import Asset, Link
from simulators.town.ground import Ground, Point, Spot

Form = Literal["object", "array", "senml"]
#: NB-IoT and 4G devices speak through the carrier's platform; its outage silences them all.
CARRIERS = ("carrier-mobile", "carrier-telecom")
#: Stations and plants have a line of their own.
FIBRE = "fibre"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument:
    """A device of the field: what it measures, how often, and over which connection it speaks."""

    device: str
    asset: str
    model: str
    #: Catalogue ids; device.battery and device.rssi are the device's own and need no engine.
    properties: tuple[str, ...]
    #: Seconds between two samples.
    sample_s: int = 60
    #: Longest time without a report while nothing changes (report by exception); equal to `sample_s` for a device that
    #: reports every sample. This is the reporting interval that the device promises in the registry.
    heartbeat_s: int = 60
    form: Form = "object"
    #: Id of a gateway (an asset that carries one), one of CARRIERS, or FIBRE: whose MQTT connection it uses.
    via: str = FIBRE
    battery: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One network as it was laid. `plan` is what its engine needs to know; it can be pickled."""

    network: str
    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]
    links: tuple[Link, ...] = ()
    plan: object = None

    def of_kind(self, *kinds: str) -> tuple[Asset, ...]:
        """Its assets of some kinds."""
        return tuple(asset for asset in self.assets if asset.kind in kinds)


def standing(
    spot: Spot, *, network: str, kind: str, number: int, names: tuple[str, str], tags: dict[str, str] | None = None
) -> Asset:
    """An asset with one place: its id is the kind and the number, its names say what it is, its number and address."""
    name_en, name_zh = names
    return Asset(
        id=f"{kind.replace('_', '-')}-{number:03d}",
        network=network,
        kind=kind,
        name_en=f"{name_en} {number}, {spot.name_en}",
        name_zh=f"{spot.name_zh}{number}号{name_zh}",
        area=spot.district.code,
        geometry={"type": "Point", "coordinates": [spot.longitude, spot.latitude]},
        longitude=spot.longitude,
        latitude=spot.latitude,
        tags=tags or {},
    )


def lying(
    ground: Ground,
    line: Sequence[Point],
    *,
    network: str,
    kind: str,
    number: int,
    names: tuple[str, str],
    tags: dict[str, str] | None = None,
) -> Asset:
    """An asset along a line of metres: a main, a sewer, a cable."""
    name_en, name_zh = names
    spot = ground.spot(*line[len(line) // 2])
    degrees = [list(ground.degrees(*point)) for point in line]
    longitude, latitude = middle([degrees])
    return Asset(
        id=f"{kind.replace('_', '-')}-{number:03d}",
        network=network,
        kind=kind,
        name_en=f"{name_en} {number}, {spot.name_en}",
        name_zh=f"{spot.name_zh}{number}号{name_zh}",
        area=spot.district.code,
        geometry={"type": "LineString", "coordinates": degrees},
        longitude=longitude,
        latitude=latitude,
        tags=tags or {},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Town:
    """The whole town: what every network laid, and the links between networks."""

    scale: str
    seed: int
    layouts: dict[str, Layout]
    links: tuple[Link, ...] = field(default=())

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Assets of all networks, network by network."""
        return tuple(asset for layout in self.layouts.values() for asset in layout.assets)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Devices of all networks, network by network."""
        return tuple(one for layout in self.layouts.values() for one in layout.instruments)
