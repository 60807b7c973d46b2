"""Storm water of the town: districts with a pump station each, laid along streets and solved by SWMM.

A district is the network of `drainage.inp`. Its nodes are known to other networks as `D1-MH05`; see `Plan`.
"""

from collections.abc import Mapping
from dataclasses import replace

from domain.registry import Asset, Link
from simulators.noise import level
from simulators.town import drainage_network as network
from simulators.town.drainage_network import District, Plan
from simulators.town.drainage_pumps import RATED_CURRENT_A
from simulators.town.drainage_solution import solve
from simulators.town.drainage_streets import Lie, lie
from simulators.town.ground import Ground, Point, Spot
from simulators.town.layout import CARRIERS, Instrument, Layout, lying, standing

__all__ = ["Plan", "lay", "solve", "standing_on"]

_NETWORK = "drainage"
#: How many level points and sewers of each district are in the registry.
_COUNTS = {"town": (5, 3), "test": (2, 1)}
#: Level points by number within their district: middle and lower main sewer, upper main sewer, a branch, and beside the
#: underpass.
_LEVEL_POINTS = ("MH06", "MH09", "MH03", "MH17", "MH11")
#: Where the branches begin that have a sewer of their own in the registry.
_SEWERS = ("MH07", "MH11")
#: Further districts of the full town: around these parts of the crossings, from west to east and south to north.
_QUARTERS = ((0.12, 0.5), (0.9, 0.5), (0.55, 0.12))
#: How far a seed moves the place that a district is laid around, metres.
_MOVED_M = 180.0
#: Places beside their node, metres.
_GAUGE_M, _STATION_M = 40.0, 12.0
_CELL = ("device.battery", "device.rssi")
_WELL = ("pump.wetwell.level", "pump.voltage")
_PUMP = (
    "pump.command",
    "pump.state",
    "pump.fault",
    "pump.current",
    "pump.winding.temperature",
    "pump.starts",
    "pump.hours",
)
#: Two duty pumps and one on standby; one supply, which a voltage relay watches.
_STATION_TAGS = {"duty_pumps": "2", "rated_current_a": f"{RATED_CURRENT_A:.0f}", "power_supplies": "1"}


def lay(ground: Ground, seed: int) -> Layout:
    """The districts of a ground: one at test scale, four at town scale. Number 1 is hydraulically the same in all."""
    lies = [
        lie(ground, place, shift=(1 + level("drainage", seed, number, "shift")) / 2)
        for number, place in enumerate(_around(ground, seed))
    ]
    districts = tuple(network.district(number, seed) for number in range(1, len(lies) + 1))
    assets: list[Asset] = []
    instruments: list[Instrument] = []
    stands: dict[str, str] = {}
    for of, found in zip(districts, lies, strict=True):
        for asset, node, devices in _furnished(ground, of, found, seed):
            assets.append(asset)
            instruments += devices
            stands |= {asset.id: node} if node else {}
    return Layout(
        network=_NETWORK,
        assets=tuple(assets),
        instruments=tuple(instruments),
        links=tuple(
            Link(from_asset=asset.id, relation="drains_to", to_asset=of.station)
            for asset in assets
            if asset.kind in ("sewer_point", "underpass")
            for of in districts
            if stands[asset.id].startswith(of.node(""))
        ),
        plan=Plan(
            districts=districts,
            nodes=tuple(of.node(node.id) for of in districts for node in network.nodes()),
            places={
                of.node(node): place
                for of, found in zip(districts, lies, strict=True)
                for node, place in sorted(found.places.items())
            },
            depths={of.node(node.id): node.depth_m for of in districts for node in network.nodes()},
            manholes=tuple(of.node(node.id) for of in districts for node in network.nodes() if node.id[:2] == "MH"),
            stands=stands,
        ),
    )


def standing_on(layout: Layout, places: Mapping[str, str]) -> Layout:
    """The layout when assets of other networks stand on its nodes: water can then be let in there.

    Args:
        layout: As it was laid.
        places: Asset (a manhole) -> node.
    """
    plan = layout.plan
    if not isinstance(plan, Plan):
        raise TypeError(f"the plan of {layout.network} is no plan of drainage")
    return replace(layout, plan=replace(plan, stands={**plan.stands, **places}))


def _around(ground: Ground, seed: int) -> list[Point]:
    """The places that the districts are laid around."""
    wanted = [ground.centre]
    if ground.scale == "town":
        easts, norths = (sorted(values) for values in zip(*ground.crossings.values(), strict=True))
        wanted += [(easts[int(len(easts) * x)], norths[int(len(norths) * y)]) for x, y in _QUARTERS]
    names = [("drainage", seed, number) for number in range(len(wanted))]
    return [
        (east + _MOVED_M * level(*name, "east"), north + _MOVED_M * level(*name, "north"))
        for (east, north), name in zip(wanted, names, strict=True)
    ]


def _furnished(ground: Ground, of: District, found: Lie, seed: int) -> list[tuple[Asset, str, tuple[Instrument, ...]]]:
    """What stands in a district: assets, the node that each is on, their devices."""
    points, sewers = _COUNTS[ground.scale]
    number = of.number

    def at(node: str, beside_m: float = 0.0) -> Spot:
        east, north = found.places[node]
        moved = [beside_m * level("drainage", seed, number, node, axis) for axis in ("east", "north")]
        return ground.spot(east + moved[0], north + moved[1])

    station = standing(
        at(network.WELL, _STATION_M),
        network=_NETWORK,
        kind="pump_station",
        number=number,
        names=("Drainage pump station", "排水泵站"),
        tags=dict(_STATION_TAGS),
    )
    pumps = tuple(
        Instrument(device=f"{station.id}-pump{k}", asset=station.id, model="PLC-P", properties=_PUMP)
        for k in range(1, len(network.PUMPS) + 1)
    )
    well = Instrument(device=f"{station.id}-well", asset=station.id, model="PLC-WW", properties=_WELL)
    placed = [(station, of.node(network.WELL), (well, *pumps))]
    for k, node in enumerate(_LEVEL_POINTS[:points]):
        own = points * (number - 1) + k + 1
        tags = {"pipe_crown_m": f"{network.below(node).diameter_m}", "depth_m": f"{_depth_m(node)}"}
        names = ("Sewer level point", "管道液位点")
        asset = standing(at(node), network=_NETWORK, kind="sewer_point", number=own, names=names, tags=tags)
        placed.append((asset, of.node(node), (_cell(asset, "RL-NB1", ("drain.level", "drain.velocity", *_CELL), own),)))
    for node, kind, names, model, properties in (
        ("UP1", "underpass", ("Underpass", "下穿通道"), "WD-4G", ("drain.road.depth", "device.battery")),
        ("MH06", "rain_gauge", ("Rain gauge", "雨量站"), "RG-LW", ("drain.rain", "drain.rain.depth", "device.battery")),
    ):
        spot = at(node, _GAUGE_M if kind == "rain_gauge" else 0.0)
        asset = standing(spot, network=_NETWORK, kind=kind, number=number, names=names)
        on = of.node(node) if kind == "underpass" else ""
        placed.append((asset, on, (_cell(asset, model, properties, number),)))
    for k, line in enumerate([found.main, *(found.branches[joint] for joint in _SEWERS)][:sewers]):
        own = sewers * (number - 1) + k + 1
        names = ("Sewer", "排水管道")
        placed.append((lying(ground, line, network=_NETWORK, kind="sewer", number=own, names=names), "", ()))
    return placed


def _cell(asset: Asset, model: str, properties: tuple[str, ...], number: int) -> Instrument:
    """A device with a battery that speaks through a carrier."""
    return Instrument(
        device=f"{asset.id}-d",
        asset=asset.id,
        model=model,
        properties=properties,
        form="array" if asset.kind == "sewer_point" else "object",
        via=CARRIERS[number % len(CARRIERS)],
        battery=True,
    )


def _depth_m(node: str) -> float:
    return next(n.depth_m for n in network.nodes() if n.id == node)
