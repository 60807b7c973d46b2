"""Drinking water: the plant, its stations, mains and instruments, on EPANET."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.registry import Asset, Link
from simulators.noise import level
from simulators.town.ground import Ground, Point, along
from simulators.town.happenings import Happening
from simulators.town.layout import CARRIERS, FIBRE, Form, Instrument, Layout, lying, standing
from simulators.town.truth import Span, Truth
from simulators.town.water_flow import Flow, average
from simulators.town.water_net import OVERFLOW_M, Network, network
from simulators.town.water_sites import Sites, sites

NETWORK = "water"
#: The clear well of the plant runs over at this depth; ours.
CLEAR_WELL_OVERFLOW_M = 4.5
_CELL = ("device.battery", "device.rssi")
_NAMES: Mapping[str, tuple[str, str]] = {
    "treatment_plant": ("Water works", "自来水厂"),
    "booster_station": ("Booster station", "加压泵站"),
    "pressure_point": ("Pressure point", "管网测压点"),
    "district_meter": ("District meter", "分区计量表"),
    "quality_point": ("Water quality point", "水质监测点"),
    "water_main": ("Water main", "供水管道"),
}
#: Model, properties, form, whether it has a battery.
_MODELS: Mapping[str, tuple[str, tuple[str, ...], Form, bool]] = {
    "treatment_plant": (
        "RTU-W8",
        (
            "water.pressure",
            "water.flow",
            "water.cl2.free",
            "water.turbidity",
            "water.ph",
            "water.conductivity",
            "water.temperature",
            "water.tank.level",
        ),
        "object",
        False,
    ),
    "booster_station": (
        "RTU-W4",
        ("water.pressure", "water.flow", "water.tank.level", "water.pump.state"),
        "object",
        False,
    ),
    "pressure_point": ("PL-NB2", ("water.pressure", "water.noise", *_CELL), "object", True),
    "district_meter": ("DMA-4G", ("water.flow", "water.pressure", "device.battery"), "object", True),
    "quality_point": (
        "WQ-5",
        ("water.cl2.free", "water.turbidity", "water.ph", "water.temperature", "water.conductivity"),
        "senml",
        False,
    ),
}
_STATIONS = ("treatment_plant", "booster_station")
#: Metres beside the crossing.
_BESIDE: Mapping[str, Point] = {
    "treatment_plant": (-30.0, 40.0),
    "booster_station": (25.0, -20.0),
    "pressure_point": (-14.0, 11.0),
    "quality_point": (-18.0, 12.0),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the engine needs.

    Attributes:
        nodes: Asset -> the node at which it measures or at which things happen to it.
        pipes: District meter or main -> its pipe.
    """

    network: Network
    nodes: Mapping[str, str]
    pipes: Mapping[str, str]


def lay(ground: Ground, seed: int) -> Layout:
    """The network of a ground: where things stand is the ground's; the seed moves each by some metres."""
    net = network(ground)
    flow = average(net)
    places = sites(ground, net, flow)
    nodes: dict[str, str] = {}
    pipes: dict[str, str] = {}
    assets: list[Asset] = []

    def stand(kind: str, number: int, node: str, tags: dict[str, str] | None = None) -> None:
        east, north = (
            metres + 4.0 * level(seed, kind, number, axis) for metres, axis in zip(_BESIDE[kind], "xy", strict=True)
        )
        asset = standing(
            ground.at(_crossing(net, ground, node), east, north),
            network=NETWORK,
            kind=kind,
            number=number,
            names=_NAMES[kind],
            tags=tags,
        )
        assets.append(asset)
        nodes[asset.id] = node

    stand("treatment_plant", 1, net.source, {"overflow_level_m": f"{CLEAR_WELL_OVERFLOW_M}"})
    for number, station in enumerate(net.boosters, start=1):
        tags = {"duty_pumps": "1", "supply_sources": "1", "overflow_level_m": f"{OVERFLOW_M}"}
        stand("booster_station", number, station.discharge, tags)
    for number, node in enumerate(places.pressure, start=1):
        stand("pressure_point", number, node)
    ways = {way.id: way for way in ground.ways}
    for number, name in enumerate(places.meters, start=1):
        way = ways[name]
        east, north = along(way.line, way.length_m / 2)
        asset = standing(
            ground.spot(east + 3.0 * level(seed, name, "x"), north + 3.0 * level(seed, name, "y")),
            network=NETWORK,
            kind="district_meter",
            number=number,
            names=_NAMES["district_meter"],
        )
        assets.append(asset)
        nodes[asset.id], pipes[asset.id] = _lower(net, flow, name), name
    for number, node in enumerate(places.quality, start=1):
        stand("quality_point", number, node)
    instruments = tuple(_instrument(asset) for asset in assets)
    for number, name in enumerate(places.mains, start=1):
        asset = lying(
            ground, ways[name].line, network=NETWORK, kind="water_main", number=number, names=_NAMES["water_main"]
        )
        assets.append(asset)
        nodes[asset.id], pipes[asset.id] = _lower(net, flow, name), name
    return Layout(
        network=NETWORK,
        assets=tuple(assets),
        instruments=instruments,
        links=_links(assets, nodes, flow),
        plan=Plan(network=net, nodes=nodes, pipes=pipes),
    )


def _crossing(net: Network, ground: Ground, node: str) -> str:
    """Where a node lies; those that are not the library's lie at the other end of their pipe."""
    if node in ground.crossings:
        return node
    return next(p.start if p.end == node else p.end for p in net.pipes if node in (p.start, p.end))


def _lower(net: Network, flow: Flow, name: str) -> str:
    """The end of a pipe to which its water flows, if it is a junction."""
    pipe = next(p for p in net.pipes if p.id == name)
    return pipe.end if flow.rate[name] >= 0 else pipe.start


def _instrument(asset: Asset) -> Instrument:
    model, observed, form, battery = _MODELS[asset.kind]
    number = int(asset.id.rpartition("-")[2])
    return Instrument(
        device=f"{asset.id}-d",
        asset=asset.id,
        model=model,
        properties=observed,
        form=form,
        via=FIBRE if asset.kind in _STATIONS else CARRIERS[number % len(CARRIERS)],
        battery=battery,
    )


def _links(assets: Sequence[Asset], nodes: Mapping[str, str], flow: Flow) -> tuple[Link, ...]:
    """What feeds what: the next that measures upstream, along the way of most of the water; stations hang on the plant."""
    at: dict[str, list[str]] = {}
    for asset in assets:
        if asset.kind != "water_main":
            at.setdefault(nodes[asset.id], []).append(asset.id)
    links = []
    for asset in assets:
        if asset.kind == "treatment_plant":
            continue
        source = "treatment-plant-001" if asset.kind == "booster_station" else _upstream(asset.id, nodes, at, flow)
        links.append(Link(from_asset=source, relation="feeds", to_asset=asset.id))
    return tuple(links)


def _upstream(asset: str, nodes: Mapping[str, str], at: Mapping[str, list[str]], flow: Flow) -> str:
    path = flow.path(nodes[asset])
    here = at.get(path[0], [])
    # Of several at one node the one that was laid first comes first.
    if asset not in here and here:
        return here[-1]
    if asset in here and here.index(asset) > 0:
        return here[here.index(asset) - 1]
    for node in path[1:]:
        if node in at:
            return at[node][-1]
    return "treatment-plant-001"


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int) -> Truth:
    """What is true in the network over a span.

    Args:
        layout: As `lay` laid it.
        span: Instants; the run begins days before, so that tanks and chlorine have settled.
        happenings: Those of water and of power; others are left alone.
        seed: Decides the use of each day.
    """
    raise NotImplementedError
