"""The medium-pressure network of a ground: ring and branches along streets, gates, stations and customers.

It passes the middle manholes of every drainage district: a valve well stands beside each, for gas that leaks there
finds its way into the sewer. Sizes and demand are ours: a county town of some ten thousand households, of the kind of
the ring that the figures for holes of several sizes were measured on (0.3 MPa, branches of 110 mm).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from simulators.noise import level
from simulators.town import drainage
from simulators.town.drainage_network import Plan as Drains
from simulators.town.gas_field import COUNTS, Counts, Field
from simulators.town.gas_plan import GasPlan, Gate, Main, Sink
from simulators.town.gas_streets import Streets, circle, spread
from simulators.town.ground import Ground, Point, Scale

#: Manholes of a drainage district that the main passes, in their order along the street: those where no storm of the
#: scenarios drowns the street, so that valve wells are flooded when something floods them, not in every cloudburst.
BESIDE = ("MH12", "MH10", "MH08")


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a network is.

    Attributes:
        reach_m: Its ends are within so many metres of the first station.
        ring_m: Radius of the ring.
        corners, junctions: Crossings on the ring, and places that are joined in all (forks come on top).
        ring_mm, branch_mm: Inner diameters.
        mean_m3h: Mean demand in all, at normal conditions.
        district_m3h: Mean demand behind each station that is no gate.
        gates: How many stations are fed from outside.
        supply_m, supply_mm: The main from a gate to its station.
        gate_kpa: What a gate holds.
    """

    reach_m: float
    ring_m: float
    corners: int
    junctions: int
    ring_mm: float
    branch_mm: float
    mean_m3h: float
    district_m3h: float
    gates: int
    supply_m: float
    supply_mm: float
    gate_kpa: float


SIZES: dict[Scale, Size] = {
    "test": Size(
        reach_m=2600,
        ring_m=1200,
        corners=5,
        junctions=12,
        ring_mm=200,
        branch_mm=80,
        mean_m3h=1900,
        district_m3h=0,
        gates=1,
        supply_m=1500,
        supply_mm=160,
        gate_kpa=315,
    ),
    "town": Size(
        reach_m=5500,
        ring_m=2600,
        corners=8,
        junctions=24,
        ring_mm=250,
        branch_mm=150,
        mean_m3h=4600,
        district_m3h=450,
        gates=2,
        supply_m=2000,
        supply_mm=175,
        gate_kpa=325,
    ),
}


def planned(ground: Ground, seed: int) -> tuple[GasPlan, Field]:
    """The network, and what stands along it."""
    size, counts = SIZES[ground.scale], COUNTS[ground.scale]
    streets = Streets(ground)
    beside = _along_sewers(streets, drainage.lay(ground, seed).plan)
    mains, asked = _mains(streets, size, beside)
    order = list(dict.fromkeys([*asked, *(end for main in mains for end in main.ends)]))
    places = {junction: streets.places[junction] for junction in order}
    field = Field(ground, seed)
    stations = _stations(field, places, [row[0] for row in beside], order, counts)
    wells = [*(junction for row in beside for junction in row), *(j for j in order if j not in sum(beside, ()))]
    chosen = _chosen(places, mains, beside, counts.mains)
    junction_of = {field.well(n, places[j]): j for n, j in enumerate(wells[: counts.wells], start=1)}
    at_wells = dict(junction_of)
    for number in range(counts.posts):
        field.post(number + 1, mains[number * len(mains) // counts.posts])
    works = {}
    for number, main in enumerate(chosen, start=1):
        name = field.main(number, main)
        junction_of[name] = main.ends[0]
        if number % 2 and number // 2 < counts.works:
            works[name] = field.works(name, number)
    gates = tuple(
        Gate(
            station=station,
            junction=junction,
            pressure_kpa=size.gate_kpa,
            length_m=size.supply_m,
            inner_mm=size.supply_mm,
        )
        for station, junction in list(stations.items())[: size.gates]
    )
    plan = GasPlan(
        places=places,
        mains=tuple(mains),
        gates=gates,
        sinks=tuple(_sinks(places, stations, size, seed)),
        stations=stations,
        wells=at_wells,
        holes={name: field.places[name] for name in junction_of},
        junction_of=junction_of,
        works=works,
    )
    return plan, field


def _along_sewers(streets: Streets, drains: object) -> list[tuple[str, ...]]:
    """Puts junctions beside the manholes of every drainage district."""
    if not isinstance(drains, Drains):
        raise TypeError("the plan of drainage is no plan of drainage")
    rows = []
    for district in drains.districts:
        row = tuple(f"G{district.number}-{manhole}" for manhole in BESIDE)
        for junction, manhole in zip(row, BESIDE, strict=True):
            streets.put(junction, drains.places[district.node(manhole)])
        rows.append(row)
    return rows


def _mains(streets: Streets, size: Size, beside: list[tuple[str, ...]]) -> tuple[list[Main], list[str]]:
    """Lays ring, mains along the sewers and branches."""
    middle = beside[0][0]
    candidates = streets.reachable(middle, size.reach_m)
    corners = circle(streets.places, streets.places[middle], candidates, size.ring_m, size.corners)
    for row in beside:
        streets.through(row)
    streets.through([*corners, corners[0]], ring=True)
    for row in beside:
        for end in (row[0], row[-1]):
            streets.through([end, _nearest(streets.places, end, corners)])
    asked = spread(streets.places, [*(j for row in beside for j in row), *corners], candidates, size.junctions)
    for junction in asked:
        streets.branch(junction)
    mains = [
        Main(
            ends=stretch.ends,
            line=stretch.line,
            length_m=stretch.length_m,
            inner_mm=size.ring_mm if stretch.ring else size.branch_mm,
        )
        for stretch in streets.stretches(asked)
    ]
    return mains, asked


def _stations(
    field: Field, places: dict[str, Point], first: list[str], order: list[str], counts: Counts
) -> dict[str, str]:
    """One station beside the sewers of each drainage district, further ones where none is near."""
    junctions = spread(places, first[: counts.stations], order, counts.stations)
    return {field.station(number, places[j]): j for number, j in enumerate(junctions, start=1)}


def _chosen(places: dict[str, Point], mains: list[Main], beside: list[tuple[str, ...]], count: int) -> list[Main]:
    """The mains of the registry: those along the sewers first, then the longest; each begins at its leak."""
    found = []
    for one, other in (pair for row in beside for pair in pairwise(row)):
        leaving = [main if main.ends[0] == one else _turned(main) for main in mains if one in main.ends]
        found.append(min(leaving, key=lambda m: (math.dist(places[m.ends[1]], places[other]), m.ends)))
    taken = {frozenset(main.ends) for main in found}
    others = [main for main in mains if frozenset(main.ends) not in taken]
    return [*found, *sorted(others, key=lambda m: (-m.length_m, m.ends))][:count]


def _nearest(places: dict[str, Point], junction: str, others: list[str]) -> str:
    return min(others, key=lambda c: (math.dist(places[c], places[junction]), c))


def _turned(main: Main) -> Main:
    return Main(ends=main.ends[::-1], line=main.line[::-1], length_m=main.length_m, inner_mm=main.inner_mm)


def _sinks(places: dict[str, Point], stations: dict[str, str], size: Size, seed: int) -> list[Sink]:
    """Customers at every junction, more or less of them, and those behind each station that is no gate."""
    names = list(places)
    weights = [1 + 0.6 * level(seed, "gas", "customers", name) for name in names]
    districts = list(stations.items())[size.gates :]
    direct = size.mean_m3h - size.district_m3h * len(districts)
    sinks = [
        Sink(
            junction=name,
            mean_m3h=round(direct * weight / sum(weights), 2),
            kitchens=round(0.65 + 0.25 * level(seed, "gas", "kitchens", name), 3),
        )
        for name, weight in zip(names, weights, strict=True)
    ]
    sinks += [
        Sink(junction=junction, mean_m3h=size.district_m3h, kitchens=0.8, station=station)
        for station, junction in districts
    ]
    return sinks
