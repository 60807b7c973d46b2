"""What the gas engine needs to know of the network as it was laid: junctions, mains, gates, demand, possible leaks."""

from dataclasses import dataclass

from simulators.town.ground import Point


@dataclass(frozen=True, kw_only=True, slots=True)
class Main:
    """A pipe between two junctions, along streets."""

    ends: tuple[str, str]
    line: tuple[Point, ...]
    length_m: float
    inner_mm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A city gate outside the town, and the supply main from it to the station at a junction.

    The gate holds its outlet pressure; at the station the pressure falls as the town draws more.
    """

    station: str
    junction: str
    pressure_kpa: float
    length_m: float
    inner_mm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Sink:
    """Customers at a junction: their mean demand, and the part of it that follows kitchens rather than shifts."""

    junction: str
    mean_m3h: float
    kitchens: float
    #: The station whose meter counts it: a district station; empty for customers straight from the main.
    station: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GasPlan:
    """The network as pandapipes is given it.

    Attributes:
        places: Junction -> metres east and north; the crossings of the ground that the mains join.
        stations: Regulator station -> its junction.
        wells: Valve well -> its junction.
        holes: Valve well or gas main -> the place where a leak of it comes out.
        junction_of: Valve well or gas main -> the junction from which a leak draws.
        works: Gas main -> the device that tells of registered works on it.
    """

    places: dict[str, Point]
    mains: tuple[Main, ...]
    gates: tuple[Gate, ...]
    sinks: tuple[Sink, ...]
    stations: dict[str, str]
    wells: dict[str, str]
    holes: dict[str, Point]
    junction_of: dict[str, str]
    works: dict[str, str]
