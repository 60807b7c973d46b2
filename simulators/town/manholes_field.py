"""Where manholes with a monitored cover stand, and deep manholes whose air and water are watched as well."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.registry import Asset
from simulators.town.drainage_network import Plan as Drains
from simulators.town.gas_plan import GasPlan
from simulators.town.gas_streets import spread
from simulators.town.ground import Ground, Point, Scale
from simulators.town.layout import CARRIERS, Instrument, standing

NETWORK = "manhole"
#: Deep manholes, manholes on sewers that are simulated, manholes elsewhere.
_COUNTS: dict[Scale, tuple[int, int, int]] = {"town": (20, 36, 14), "test": (4, 4, 0)}
#: A deep manhole belongs to the valve well beside it: gas travels so far through soil and ducts (as the rules have it).
_ADJACENT_M = 45.0
#: Depth of a manhole whose sewer is not simulated; a usual one.
_DEPTH_M = 2.5
#: Which nodes of a district are taken first: upper ones, where a storm presses water out, and lower ones, by turns.
_FIRST = ("MH03", "MH11", "MH05", "MH14", "MH01", "MH09", "MH07", "MH19")
#: Manholes elsewhere are not nearer to a simulated sewer than this.
_APART_M = 100.0
_CELL = ("device.battery", "device.rssi")
_COVER = ("manhole.tilt", "manhole.open")
_DEEP = (*_COVER, "manhole.level", "manhole.ch4", "manhole.h2s", "manhole.o2", *_CELL)


@dataclass(frozen=True, kw_only=True, slots=True)
class ManholePlan:
    """What the models of covers and of air need to know.

    Attributes:
        stands: Manhole -> its node of the drains; none for those whose sewer is not simulated. Drainage takes it to let
            water in at a manhole (`drainage.standing_on`).
        street: Valve well -> node of the drains whose water stands on the street at the well, if one is near.
        places: Chambers and manholes -> metres east and north.
        depths: Manhole -> metres from bottom to rim.
        deep: The deep manholes.
        gas: The gas network, whose leaks find their way into chambers.
    """

    stands: Mapping[str, str]
    street: Mapping[str, str]
    places: Mapping[str, Point]
    depths: Mapping[str, float]
    deep: tuple[str, ...]
    gas: GasPlan


def furnished(
    ground: Ground, drains: Drains, gas: GasPlan, wells: Mapping[str, Point]
) -> tuple[ManholePlan, tuple[Asset, ...], tuple[Instrument, ...]]:
    """Manholes of a ground: plan, assets, devices."""
    deep_count, on_sewers, elsewhere = _COUNTS[ground.scale]
    beside = [_nearest(drains, place) for place in wells.values()]
    first = list(dict.fromkeys(node for node, away in beside if away <= _ADJACENT_M))[:deep_count]
    left = _by_district(drains, first)
    deep, plain = [*first, *left[: deep_count - len(first)]], left[deep_count - len(first) :][:on_sewers]
    crossings = _elsewhere(ground, drains, elsewhere)
    placed = [("deep_manhole", n, node, drains.places[node]) for n, node in enumerate(deep, start=1)]
    placed += [("manhole", n, node, drains.places[node]) for n, node in enumerate(plain, start=1)]
    placed += [("manhole", n, "", ground.crossings[c]) for n, c in enumerate(crossings, start=len(plain) + 1)]
    assets = [_asset(ground, kind, n, drains.depths.get(node, _DEPTH_M), place) for kind, n, node, place in placed]
    on = list(zip(assets, placed, strict=True))
    plan = ManholePlan(
        stands={asset.id: node for asset, (_, _, node, _) in on if node},
        street={well: node for well, (node, away) in zip(wells, beside, strict=True) if away <= _ADJACENT_M},
        places={**wells, **{asset.id: place for asset, (_, _, _, place) in on}},
        depths={asset.id: drains.depths.get(node, _DEPTH_M) for asset, (_, _, node, _) in on},
        deep=tuple(asset.id for asset in assets if asset.kind == "deep_manhole"),
        gas=gas,
    )
    return plan, tuple(assets), tuple(_device(asset, n) for asset, (_, n, _, _) in on)


def _nearest(drains: Drains, place: Point) -> tuple[str, float]:
    return min(((node, math.dist(drains.places[node], place)) for node in drains.manholes), key=lambda x: (x[1], x[0]))


def _by_district(drains: Drains, taken: Sequence[str]) -> list[str]:
    """Nodes that are not taken yet: of each district in turn the next one."""
    rows = []
    for district in drains.districts:
        first = [district.node(name) for name in _FIRST]
        own = [node for node in drains.manholes if node.startswith(district.node(""))]
        rows.append([node for node in (*first, *(n for n in own if n not in first)) if node not in taken])
    return [row[k] for k in range(max(map(len, rows))) for row in rows if k < len(row)]


def _elsewhere(ground: Ground, drains: Drains, count: int) -> list[str]:
    """Crossings far from the simulated sewers and from each other."""
    if not count:
        return []
    sewers = [drains.places[node] for node in drains.manholes]
    apart = [c for c, place in ground.crossings.items() if min(math.dist(place, s) for s in sewers) > _APART_M]
    near = ground.nearest(*sewers[0])
    return spread(ground.crossings, [near], apart, count + 1)[1:]


def _asset(ground: Ground, kind: str, number: int, depth_m: float, place: Point) -> Asset:
    return standing(
        ground.spot(*place),
        network=NETWORK,
        kind=kind,
        number=number,
        names=("Deep manhole", "深井") if kind == "deep_manhole" else ("Manhole", "窨井"),
        tags={"depth_m": f"{depth_m:g}"},
    )


def _device(asset: Asset, number: int) -> Instrument:
    """A deep manhole reports every sample; a cover reports by exception."""
    deep = asset.kind == "deep_manhole"
    return Instrument(
        device=f"{asset.id}-d",
        asset=asset.id,
        model="MG-NB5" if deep else "MC-NB3",
        properties=_DEEP if deep else (*_COVER, *_CELL),
        heartbeat_s=60 if deep else 600,
        form="object" if deep else "senml",
        via=CARRIERS[number % len(CARRIERS)],
        battery=True,
    )
