"""Drinking water: the plant, its stations, mains and instruments, on EPANET."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from domain.registry import Asset, Link
from simulators.noise import level
from simulators.town.ground import Ground, Point, along
from simulators.town.happenings import Happening, of_domains
from simulators.town.layout import CARRIERS, FIBRE, Form, Instrument, Layout, lying, standing
from simulators.town.truth import Series, Span, Truth
from simulators.town.water_events import Events
from simulators.town.water_flow import Flow, average
from simulators.town.water_net import OVERFLOW_M, Network, network
from simulators.town.water_run import Grid, Plan, run
from simulators.town.water_signals import Signals, Waters
from simulators.town.water_sites import sites

NETWORK = "water"
PLANT = "treatment-plant-001"
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
        plan=_plan(ground, net, flow, nodes, pipes),
    )


def _plan(ground: Ground, net: Network, flow: Flow, nodes: dict[str, str], pipes: dict[str, str]) -> Plan:
    stations = tuple(name for name in nodes if name.startswith("booster-station-"))
    # The meter of the plant stands behind its filters: no sediment lies there that could be stirred up.
    analysers = [node for name, node in nodes.items() if name.startswith("quality-point-")]
    beside = {
        node: tuple(p.id for p in net.pipes if node in (p.start, p.end) and p.state == "Open") for node in analysers
    }
    meters = {name: pipe for name, pipe in pipes.items() if name.startswith("district-meter-")}
    watched = [*net.outlet, *(pump.id for pump in net.pumps), *meters.values()]
    watched += [name for names in beside.values() for name in names]
    return Plan(
        network=net,
        nodes=nodes,
        pipes=pipes,
        spots={node: ground.crossings[_crossing(net, ground, node)] for node in net.nodes},
        crossings=frozenset(ground.crossings),
        plant=PLANT,
        stations=stations,
        turns={name: 1.0 if flow.rate[pipe] >= 0 else -1.0 for name, pipe in meters.items()},
        beside=beside,
        watched=tuple(dict.fromkeys(watched)),
    )


def _crossing(net: Network, ground: Ground, node: str) -> str:
    """Where a node lies; those that are not the library's lie at the other end of their pipe."""
    if node in ground.crossings:
        return node
    return next(p.start if p.end == node else p.end for p in net.pipes if node in (p.start, p.end))


def _lower(net: Network, flow: Flow, name: str) -> str:
    """The end of a pipe to which its water flows."""
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
    """Each is fed by the next that measures upstream, along the way of most of the water; stations by the plant."""
    at: dict[str, list[str]] = {}
    for asset in assets:
        if asset.kind != "water_main":
            at.setdefault(nodes[asset.id], []).append(asset.id)
    links = []
    for asset in assets:
        if asset.kind == "treatment_plant":
            continue
        source = PLANT if asset.kind == "booster_station" else _upstream(asset.id, nodes, at, flow)
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
    return PLANT


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int) -> Truth:
    """What is true in the network over a span.

    Args:
        layout: As `lay` laid it.
        span: Instants; the run begins days before, so that tanks and chlorine have settled.
        happenings: Those of water and of power; others are left alone.
        seed: Decides the use of each day.
    """
    plan = layout.plan
    if not isinstance(plan, Plan):
        raise TypeError(f"a layout of water with a plan of {type(plan).__name__}")
    events = Events(nodes=plan.nodes, happenings=of_domains(happenings, "water", "power"))
    main = run(plan, span, events, seed)
    contaminant, used, stirred = None, None, None
    for injection in events.injections:
        found = run(plan, span, events, seed, tracer=injection).quality
        contaminant = _sum(contaminant, found)
        used = _sum(used, np.float32(injection["demand_cl2"]) * found)
    for disturbance in events.disturbances:
        stirred = _sum(stirred, run(plan, span, events, seed, tracer=disturbance).quality)
    # The contaminant takes its chlorine at once: what is left is what would be there without it, less that.
    free = main.quality if used is None else np.maximum(main.quality - used, 0.0)
    waters = Waters(main=main, contaminant=contaminant, stirred=stirred, free=free)
    signals = Signals(plan, waters, events, seed)
    read = {
        (instrument.device, observed): series
        for instrument in layout.instruments
        for observed, series in signals.of(instrument).items()
    }
    fields = {"water.pressure": main.pressure, "water.chlorine": free}
    if contaminant is not None:
        fields["water.contaminant"] = contaminant
    nodes = plan.network.nodes
    kept = [i for i, node in enumerate(nodes) if node in plan.crossings]
    return Truth(
        span=span,
        signals=read,
        # Four bytes a number are enough for maps, and a day of the whole town stays small.
        fields={name: cast("Series", values[main.lead :, kept]) for name, values in fields.items()},
        things=dict.fromkeys(fields, tuple(nodes[i] for i in kept)),
    )


def _sum(one: Grid | None, other: Grid) -> Grid:
    return other if one is None else one + other
