"""The drinking-water network: an EPANET network of wntr's library, made into that of a county town.

What is ours, and not of the library, stands in `_TOWN` and `_TEST` below, with reasons: pumps that run all day with a
speed that follows a tank, zones behind booster stations, tanks that last about half a day of use, and the scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from simulators.town.ground import Ground, Scale
from simulators.town.inp import sections

#: The library networks are in US units: feet, inches, gallons a minute.
_FOOT_M = 0.3048
_INCH_MM = 25.4
_GPM_LPS = 0.0630902
State = Literal["Open", "Closed", "CV"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Junction:
    """A node with its mean use in litres a second."""

    id: str
    elevation_m: float
    demand_lps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Tank:
    """An upright cylinder; levels are metres above its bottom."""

    id: str
    bottom_m: float
    level_m: float
    top_m: float
    diameter_m: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipe:
    """A pipe; `CV` lets water through from `start` to `end` only."""

    id: str
    start: str
    end: str
    length_m: float
    diameter_mm: float
    roughness: float
    state: State = "Open"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pump:
    """A pump with a speed drive; head and flow are those at full efficiency and nominal speed."""

    id: str
    start: str
    end: str
    head_m: float
    flow_lps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """Pumps whose speed follows the level of a tank: the mean of several if they fill several."""

    pumps: tuple[str, ...]
    tanks: tuple[str, ...]
    suction: str
    discharge: str
    target_m: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """All of it. `works` is the pumping of the treatment plant, None where water leaves it by its own head.

    Attributes:
        source: The clear well of the treatment plant, a reservoir.
        source_m: Its head.
        outlet: Pipes through which water leaves the plant.
        boosters: In the order of the numbers of the stations.
    """

    junctions: tuple[Junction, ...]
    tanks: tuple[Tank, ...]
    pipes: tuple[Pipe, ...]
    pumps: tuple[Pump, ...]
    source: str
    source_m: float
    outlet: tuple[str, ...]
    works: Station | None
    boosters: tuple[Station, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Ids of all nodes in the order in which EPANET numbers them: junctions, the reservoir, tanks."""
        return (*(j.id for j in self.junctions), self.source, *(t.id for t in self.tanks))

    @property
    def links(self) -> tuple[str, ...]:
        """Ids of all links in the order in which EPANET numbers them: pipes, pumps."""
        return (*(p.id for p in self.pipes), *(p.id for p in self.pumps))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Zone:
    """What lies behind a booster station: it is fed through one pipe of the library network alone.

    Attributes:
        inlet: The pipe at whose far end the pump stands.
        outside: That end of the inlet which stays in the main zone.
        shut: Pipes that are closed, so that nothing goes around the station.
        tank: Its tank: of the library, or a new one beside the pump.
        surface_m: Head of the water in the tank at the level that the station holds.
    """

    inlet: str
    outside: str
    shut: tuple[str, ...]
    tank: str
    diameter_m: float
    surface_m: float
    head_m: float
    flow_lps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Make:
    """How a library network becomes a town's.

    Attributes:
        flatten: Elevations keep this part of their distance from `middle_m`. ky4 as it is has 40 to 1,080 kPa at its
            junctions; flattened by half it lies within 0.14 to 0.6 MPa nearly everywhere.
        shrink: Diameters are multiplied by it, and uses by its 2.63rd power: by Hazen and Williams every head loss
            stays what it was. Net3 is a city of 400 litres a second; shrunk it is a county town.
        tanks: Tanks of the main zone: diameter, head of the water at the level that the plant holds.
        uses: Uses in litres a second that replace those of the library, before shrinking.
        lengths: Pipes with another length than in the library, metres.
        rough: Roughness coefficients of Hazen and Williams are multiplied by it. ky4 is all of 150, new plastic; 105 is
            that of cast iron of twenty years (EPANET 2.2 user manual, table 3.2 and common tables).
        bores: Pipes with another diameter than in the library, mm. The library's risers of tanks are so wide that they
            lose no head; EPANET then cannot tell which way water flows, and lets it flow out of empty tanks.
        leave: Reservoirs, pumps and pipes of the library that are left out.
    """

    rough: float
    flatten: float
    middle_m: float
    shrink: float
    source: str
    source_m: float
    tanks: Mapping[str, tuple[float, float]]
    zones: tuple[_Zone, ...]
    works: tuple[Pump, ...] = ()
    outlet: tuple[str, ...] = ()
    boosters: tuple[tuple[Pump, str], ...] = ()
    uses: Mapping[str, float] = field(default_factory=dict)
    lengths: Mapping[str, float] = field(default_factory=dict)
    bores: Mapping[str, float] = field(default_factory=dict)
    leave: frozenset[str] = frozenset()
    checked: frozenset[str] = frozenset()


#: Levels: a station holds this level, and water runs over at that one (metres above the bottom). Ours.
HELD_M, OVERFLOW_M = 3.5, 5.0
_TOP_M = 5.5

_TOWN = _Make(
    rough=0.7,
    flatten=0.5,
    middle_m=195.0,
    shrink=1.0,
    source="R-1",
    source_m=178.0,
    # Tanks of the library last two days; these last about five hours without pumps, as is usual in a county town.
    tanks={"T-3": (13.4, 243.0), "T-4": (17.9, 243.2)},
    works=(
        Pump(id="~@Pump-1", start="I-Pump-1", end="O-Pump-1", head_m=75.0, flow_lps=36.0),
        Pump(id="~@Pump-2", start="I-Pump-2", end="O-Pump-2", head_m=75.0, flow_lps=36.0),
    ),
    outlet=("P-977", "P-536"),
    bores={"P-538": 250.0, "P-540": 250.0, "P-539": 200.0},
    # Zones that hang on few pipes: found as least cuts of the graph.
    zones=(
        _Zone(
            inlet="P-349",
            outside="J-223",
            shut=("P-252",),
            tank="T-1",
            diameter_m=11.0,
            surface_m=248.0,
            head_m=14.0,
            flow_lps=17.0,
        ),
        _Zone(
            inlet="P-936",
            outside="J-914",
            shut=("P-1018", "P-14"),
            tank="T-2",
            diameter_m=7.3,
            surface_m=248.0,
            head_m=10.0,
            flow_lps=7.5,
        ),
        _Zone(
            inlet="P-1077",
            outside="J-167",
            shut=("P-310", "P-554", "P-578"),
            tank="T-5",
            diameter_m=4.7,
            surface_m=250.0,
            head_m=10.0,
            flow_lps=3.2,
        ),
        _Zone(
            inlet="P-654",
            outside="J-740",
            shut=("P-846",),
            tank="T-6",
            diameter_m=3.4,
            surface_m=250.0,
            head_m=10.0,
            flow_lps=1.7,
        ),
    ),
)
_TEST = _Make(
    rough=1.0,
    flatten=1.0,
    middle_m=0.0,
    shrink=0.5,
    source="River",
    source_m=28.0,
    tanks={"1": (9.0, 46.5), "2": (6.0, 44.5), "3": (12.0, 48.5)},
    outlet=("60",),
    boosters=((Pump(id="335", start="60", end="61", head_m=32.0, flow_lps=66.0), "1"),),
    zones=(),
    # Four large users of the library take more than the rest of the town together; theirs is set to that of a factory.
    uses={"15": 10.0, "35": 40.0, "123": 40.0, "203": 60.0},
    # The main from the station to the town is 14 km long in the library and 0.4 km on the map.
    lengths={"329": 1200.0},
    bores={"20": 300.0, "40": 200.0, "50": 200.0},
    leave=frozenset({"Lake", "10"}),
    checked=frozenset({"333"}),
)
_MAKES: Mapping[Scale, _Make] = {"town": _TOWN, "test": _TEST}


def network(ground: Ground) -> Network:
    """The network under the streets of a ground."""
    make = _MAKES[ground.scale]
    found = sections(ground.source.read_text(encoding="latin-1"))

    def height(feet: str) -> float:
        return round(make.middle_m + make.flatten * (float(feet) * _FOOT_M - make.middle_m), 3)

    junctions = [
        Junction(
            id=row[0],
            elevation_m=height(row[1]),
            demand_lps=round(make.uses.get(row[0], float(row[2]) * _GPM_LPS) * make.shrink**2.63, 6),
        )
        for row in found["JUNCTIONS"]
    ]
    pipes = [
        Pipe(
            id=row[0],
            start=row[1],
            end=row[2],
            length_m=round(make.lengths.get(row[0], float(row[3]) * _FOOT_M), 2),
            diameter_mm=make.bores.get(row[0], round(float(row[4]) * _INCH_MM * make.shrink, 1)),
            roughness=round(float(row[5]) * make.rough, 1),
            state="CV" if row[0] in make.checked else "Open",
        )
        for row in found["PIPES"]
        if row[0] not in make.leave
    ]
    tanks = [
        Tank(id=name, bottom_m=surface - HELD_M, level_m=HELD_M, top_m=_TOP_M, diameter_m=diameter)
        for name, (diameter, surface) in make.tanks.items()
    ]
    pumps = list(make.works)
    stations = []
    for number, zone in enumerate(make.zones, start=1):
        stations.append(_station(number, zone, junctions, tanks, pipes, pumps))
    for pump, tank in make.boosters:
        pumps.append(pump)
        stations.append(
            Station(pumps=(pump.id,), tanks=(tank,), suction=pump.start, discharge=pump.end, target_m=HELD_M)
        )
    works = None
    if make.works:
        first = make.works[0]
        # The clear well lies below the town, so nothing comes through this; it keeps the equations solvable when
        # every pump stands and every tank is empty.
        pipes.append(
            Pipe(
                id="bypass-0",
                start=make.source,
                end=first.end,
                length_m=5.0,
                diameter_mm=200.0,
                roughness=130.0,
                state="CV",
            )
        )
        works = Station(
            pumps=tuple(p.id for p in make.works),
            tanks=tuple(make.tanks),
            suction=make.source,
            discharge=first.end,
            target_m=HELD_M,
        )
    return Network(
        junctions=tuple(junctions),
        tanks=tuple(tanks),
        pipes=tuple(pipes),
        pumps=tuple(pumps),
        source=make.source,
        source_m=make.source_m,
        outlet=make.outlet,
        works=works,
        boosters=tuple(stations),
    )


def _station(
    number: int, zone: _Zone, junctions: list[Junction], tanks: list[Tank], pipes: list[Pipe], pumps: list[Pump]
) -> Station:
    """Puts a pump, with a check valve around it, at the far end of the inlet of a zone, and its tank behind it."""
    at = next(i for i, pipe in enumerate(pipes) if pipe.id == zone.inlet)
    inlet = pipes[at]
    far = inlet.end if inlet.start == zone.outside else inlet.start
    ground_m = next(j.elevation_m for j in junctions if j.id == far)
    suction = f"suction-{number}"
    junctions.append(Junction(id=suction, elevation_m=ground_m, demand_lps=0.0))
    pipes[at] = replace(inlet, start=zone.outside, end=suction)
    for i, pipe in enumerate(pipes):
        if pipe.id in zone.shut:
            pipes[i] = replace(pipe, state="Closed")
    pump = Pump(id=f"booster-{number}", start=suction, end=far, head_m=zone.head_m, flow_lps=zone.flow_lps)
    pumps.append(pump)
    around = Pipe(
        id=f"bypass-{number}", start=suction, end=far, length_m=5.0, diameter_mm=200.0, roughness=130.0, state="CV"
    )
    pipes.append(around)
    tanks.append(
        Tank(
            id=zone.tank,
            bottom_m=zone.surface_m - HELD_M,
            level_m=HELD_M,
            top_m=_TOP_M,
            diameter_m=zone.diameter_m,
        )
    )
    if not any(zone.tank in (pipe.start, pipe.end) for pipe in pipes):
        pipes.append(
            Pipe(id=f"riser-{number}", start=far, end=zone.tank, length_m=20.0, diameter_mm=100.0, roughness=130.0)
        )
    return Station(pumps=(pump.id,), tanks=(zone.tank,), suction=suction, discharge=far, target_m=HELD_M)
