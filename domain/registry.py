"""What stands in the field: networks, properties, assets, devices, datastreams and links."""

from dataclasses import dataclass, field
from typing import Any, Literal

from domain.exercise_mark import exercise_of

PropertyType = Literal["number", "boolean"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A lifeline network; five are shipped, a registry folder may add more in `networks.csv`."""

    id: str
    name_en: str
    name_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Property:
    """An observed property: what is measured, its UCUM unit, its physical range."""

    id: str
    network: str | None
    #: UCUM, case-sensitive; `1` for states and switches.
    unit: str
    type: PropertyType
    #: Physical range in `unit`; a value outside it is stored with the quality flag `out_of_range`.
    minimum: float
    maximum: float
    name_en: str
    name_zh: str
    #: Seconds between two reports that are usual in the field; None if nobody says. Each device promises its own.
    interval_s: int | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A physical thing with a place (WGS-84 GeoJSON geometry)."""

    id: str
    network: str
    kind: str
    name_en: str
    name_zh: str
    area: str
    geometry: dict[str, Any]
    #: Representative point, degrees WGS-84.
    longitude: float
    latitude: float
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def exercise(self) -> int | None:
        """The exercise that it belongs to; None: it is real."""
        return exercise_of(self.area)


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """The hardware that publishes; one MQTT identity. Its area and network are its asset's."""

    id: str
    asset: str
    model: str
    #: Seconds between two reports that the device promises; absence is judged by it.
    reporting_interval_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Datastream:
    """One observed property of one device."""

    device: str
    property: str
    unit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A directed relation between two assets: feeds, drains_to, powered_by, adjacent_to."""

    from_asset: str
    relation: str
    to_asset: str


RELATIONS = ("feeds", "drains_to", "powered_by", "adjacent_to")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """A whole registry, as a folder holds it."""

    assets: tuple[Asset, ...]
    devices: tuple[Device, ...]
    datastreams: tuple[Datastream, ...]
    links: tuple[Link, ...]
    networks: tuple[Network, ...] = ()
    properties: tuple[Property, ...] = ()
