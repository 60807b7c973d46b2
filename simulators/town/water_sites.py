"""Where the water company measures: places that show what happens, spread over the town."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulators.town.ground import Ground, Scale
from simulators.town.water_flow import Flow
from simulators.town.water_net import Network

#: Pressure loggers stand where the static pressure is usual for a town: CJJ 58 asks for 0.14 MPa at least; above 0.5
#: customers have reducing valves. Metres of water, with room for what a day's use takes.
_LEAST_M, _MOST_M = 26.0, 52.0
#: Loggers hang on distribution mains, where a burst shows; analysers on mains that carry enough for fresh samples.
_SMALL_MM = 204.0
_FRESH_M3S = 0.0003


@dataclass(frozen=True, kw_only=True, slots=True)
class Sites:
    """Nodes of pressure and quality points, pipes of district meters and of mains, each in the order of numbers."""

    pressure: tuple[str, ...]
    quality: tuple[str, ...]
    meters: tuple[str, ...]
    mains: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """How many of each, and the places that have the first numbers because they show things well."""

    pressure: int
    quality: int
    meters: int
    mains: int
    first_pressure: tuple[str, ...] = ()
    first_quality: tuple[str, ...] = ()
    first_meters: tuple[str, ...] = ()
    first_mains: tuple[str, ...] = ()


_CHOICES: Mapping[Scale, _Choice] = {
    "town": _Choice(
        pressure=40,
        quality=10,
        meters=8,
        mains=25,
        # A burst at each of these takes 15 m of pressure and more, and comes through the meter of the same number.
        first_pressure=("J-856", "J-32", "J-746"),
        first_meters=("P-79", "P-525", "P-629", "P-349", "P-936", "P-368"),
        # One after another on the way from the plant to the western zone, one to three hours apart.
        first_quality=("J-415", "J-246", "J-166", "J-224"),
    ),
    "test": _Choice(
        pressure=4,
        quality=4,
        meters=1,
        mains=2,
        first_pressure=("149", "225", "15", "103"),
        first_meters=("171",),
        # One after another, one to two hours apart.
        first_quality=("119", "159", "265", "201"),
    ),
}


def sites(ground: Ground, network: Network, flow: Flow) -> Sites:
    """The places; the same ground always has the same."""
    choice = _CHOICES[ground.scale]
    widest: dict[str, float] = {}
    for pipe in network.pipes:
        for node in (pipe.start, pipe.end):
            widest[node] = max(widest.get(node, 0.0), pipe.diameter_mm)
    usual = [
        j.id
        for j in network.junctions
        if j.id in ground.crossings
        and _LEAST_M <= _static(network, flow, j.id, j.elevation_m) <= _MOST_M
        and len(flow.path(j.id)) > 1
    ]
    fresh = [n for n in usual if flow.into[n][1] >= _FRESH_M3S]
    quality = _spread(ground, choice.first_quality, fresh, choice.quality)
    small = [n for n in usual if widest[n] <= _SMALL_MM and n not in quality and flow.into[n][1] > 0]
    pressure = _spread(ground, choice.first_pressure, small, choice.pressure)
    meters = _meters(ground, network, flow, choice)
    mains = _mains(network, (*pressure, *quality), meters, choice)
    return Sites(pressure=pressure, quality=quality, meters=meters, mains=mains)


def _static(network: Network, flow: Flow, node: str, elevation_m: float) -> float:
    """Pressure without the losses of a peak: a zone's tank gives its head."""
    path = flow.path(node)
    inside = [b for b in network.boosters if b.discharge in path]
    # Of stations one behind another the last one counts.
    names = inside[0].tanks if len(inside) == 1 else _main_tanks(network)
    if len(inside) > 1:
        names = min(inside, key=lambda b: path.index(b.discharge)).tanks
    heads = [t.bottom_m + t.level_m for t in network.tanks if t.id in names]
    return sum(heads) / len(heads) - elevation_m


def _main_tanks(network: Network) -> tuple[str, ...]:
    zoned = {name for b in network.boosters for name in b.tanks}
    return tuple(t.id for t in network.tanks if t.id not in zoned)


def _spread(ground: Ground, first: Sequence[str], among: Iterable[str], count: int) -> tuple[str, ...]:
    """The first ones, and then again and again the place that is farthest from all that are chosen."""
    left = [n for n in among if n not in first]
    chosen = list(first)
    if not chosen:
        centre = ground.centre
        chosen.append(min(left, key=lambda n: (math.dist(ground.crossings[n], centre), n)))
        left.remove(chosen[0])
    gaps = {n: min(math.dist(ground.crossings[n], ground.crossings[c]) for c in chosen) for n in left}
    while len(chosen) < count:
        best = max(gaps, key=lambda n: (gaps[n], n))
        chosen.append(best)
        del gaps[best]
        gaps = {n: min(gap, math.dist(ground.crossings[n], ground.crossings[best])) for n, gap in gaps.items()}
    return tuple(chosen[:count])


def _meters(ground: Ground, network: Network, flow: Flow, choice: _Choice) -> tuple[str, ...]:
    """Pipes that carry most, far from each other."""
    places = {
        p.id: ground.crossings[p.end]
        for p in network.pipes
        if p.state == "Open" and p.start in ground.crossings and p.end in ground.crossings
    }
    chosen = list(choice.first_meters)
    spots = [ground.crossings[p.start] for p in network.pipes if p.id in chosen]
    least_m = max(ground.size_m) / (2 * choice.meters)
    for name in sorted(places, key=lambda n: (-abs(flow.rate[n]), n)):
        if len(chosen) >= choice.meters:
            break
        if name not in network.outlet and all(math.dist(places[name], spot) > least_m for spot in spots):
            chosen.append(name)
            spots.append(places[name])
    return tuple(chosen[: choice.meters])


def _mains(network: Network, points: Sequence[str], meters: Sequence[str], choice: _Choice) -> tuple[str, ...]:
    """The pipe beside each point in turn: what bursts there is seen."""
    chosen = list(choice.first_mains)
    for point in points:
        if len(chosen) >= choice.mains:
            break
        beside = [
            p
            for p in network.pipes
            if point in (p.start, p.end) and p.id not in chosen and p.id not in meters and p.state == "Open"
        ]
        if beside:
            chosen.append(max(beside, key=lambda p: (p.diameter_mm, p.id)).id)
    return tuple(chosen[: choice.mains])
