"""Street lighting of the town: cabinets at crossings, up to three feeders each, lamps along the streets.

Of the lamps on a feeder, some report: their controllers speak through the gateway of their cabinet.
"""

import math
from collections.abc import Mapping, Sequence

from domain.registry import Asset, Link
from simulators.noise import level
from simulators.town.drainage_network import Plan as DrainagePlan
from simulators.town.ground import Ground, Point
from simulators.town.happenings import Happening
from simulators.town.layout import CARRIERS, Instrument, Layout, standing
from simulators.town.lighting_plan import (
    LAMP_W,
    Cabinet,
    Feeder,
    LightingPlan,
    Meter,
    Monitored,
    Streets,
    near,
)
from simulators.town.truth import Span, Truth

_NETWORK = "lighting"
#: Cabinets and lamps that report, at each scale.
_COUNTS = {"town": (12, 90), "test": (2, 8)}
#: Metres from its crossing to a cabinet, from an underpass to its cabinet, and from the middle of a street to a pole.
_CABINET_M = (22.0, 20.0)
_BESIDE_M = (30.0, 25.0)
_POLE_M = (6.0, 6.0)
#: Least light on the road of a meter, lx: secondary roads of CJJ 45-2015, as the rules remember it.
_LEAST_LUX = "15"
_CABINET = (
    "light.voltage",
    "light.current",
    "light.power",
    "light.energy",
    "light.pf",
    "light.leak",
    "light.door",
)
_LAMP = ("light.state", "light.dim", "light.power", "light.voltage", "light.tilt")
#: Controllers of lamps report changes, and at the latest after this.
_LAMP_HEARTBEAT_S = 600


def lay(ground: Ground, seed: int, drainage: Layout | None = None) -> Layout:
    """The lighting of a town.

    Args:
        ground: Crossings and streets.
        seed: Decides where poles stand exactly.
        drainage: Where water may stand: the first cabinets stand beside underpasses. Without it nothing gets wet.
    """
    count, lamps = _COUNTS[ground.scale]
    streets = Streets(ground)
    underpasses, water = _water(drainage)
    sites = _sites(ground, streets, count, underpasses)
    shares = [lamps * (k + 1) // count - lamps * k // count for k in range(count)]
    assets: list[Asset] = []
    instruments: list[Instrument] = []
    links: list[Link] = []
    cabinets: list[Cabinet] = []
    first = 1
    for number, ((crossing, place), share) in enumerate(zip(sites, shares, strict=True), start=1):
        lines = streets.feeders(crossing, place)
        cabinet = _cabinet(number, place, lines, share, first, water)
        first += share
        cabinets.append(cabinet)
        assets.append(_standing_cabinet(ground, cabinet, number))
        instruments += [
            Instrument(device=cabinet.device, asset=cabinet.asset, model="LC-8", properties=_CABINET),
            Instrument(device=cabinet.gateway, asset=cabinet.asset, model="LG-4", properties=("gateway.online",)),
        ]
    number = 0
    for cabinet in cabinets:
        for feeder in cabinet.feeders:
            for lamp in feeder.monitored:
                number += 1
                assets.append(_pole(ground, seed, number, feeder, lamp))
                links.append(Link(from_asset=lamp.asset, relation="powered_by", to_asset=cabinet.asset))
                instruments.append(
                    Instrument(
                        device=lamp.device,
                        asset=lamp.asset,
                        model="SL-LW",
                        properties=_LAMP,
                        heartbeat_s=_LAMP_HEARTBEAT_S,
                        form="array",
                        via=cabinet.asset,
                    )
                )
    meters = _meters(ground, assets, cabinets, instruments)
    longitude, latitude = ground.degrees(*ground.centre)
    return Layout(
        network=_NETWORK,
        assets=tuple(assets),
        instruments=tuple(instruments),
        links=tuple(links),
        plan=LightingPlan(cabinets=tuple(cabinets), meters=meters, longitude=longitude, latitude=latitude),
    )


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int, truth: Truth | None = None) -> Truth:
    """What cabinets, lamps and light meters would read.

    Args:
        layout: As laid.
        span: When.
        happenings: Events of lighting, and cabinets that lose their supply.
        seed: Of what differs from cabinet to cabinet.
        truth: Of the drainage, whose field `drainage.street` says where water stands.
    """
    from simulators.town.lighting_model import solved

    plan = layout.plan
    if not isinstance(plan, LightingPlan):
        raise TypeError(f"the plan of {layout.network} is none of lighting")
    return solved(plan, span, happenings, seed, truth)


def _water(drainage: Layout | None) -> tuple[list[Point], dict[str, Point]]:
    """Where the underpasses are, and where every node that water may come out of is."""
    if drainage is None or not isinstance(drainage.plan, DrainagePlan):
        return [], {}
    plan = drainage.plan
    underpasses = [plan.places[plan.stands[asset.id]] for asset in drainage.of_kind("underpass")]
    return underpasses, {node: plan.places[node] for node in plan.nodes}


def _sites(ground: Ground, streets: Streets, count: int, underpasses: Sequence[Point]) -> list[tuple[str, Point]]:
    """Crossing and place of each: beside the underpasses (else in the centre), then by district, far apart."""
    candidates = sorted(name for name in ground.crossings if streets.ways(name) > 1)
    sites: list[tuple[str, Point]] = []
    for east, north in underpasses[:count]:
        place = east + _BESIDE_M[0], north + _BESIDE_M[1]
        free = [c for c in candidates if c not in {crossing for crossing, _ in sites}]
        sites.append((min(free, key=lambda c: (math.dist(ground.crossings[c], place), c)), place))
    if not sites:
        middle = min(candidates, key=lambda c: (math.dist(ground.crossings[c], ground.centre), c))
        sites.append((middle, _offset(ground, middle)))
    while len(sites) < count:
        held = [ground.at(crossing).district.code for crossing, _ in sites]
        code = min((d.code for d in ground.districts), key=lambda code: (held.count(code), code))
        own = [c for c in candidates if ground.at(c).district.code == code]
        busy = sorted(own, key=lambda c: (-streets.ways(c), -streets.reach(c), c))[: len(own) // 3 + 1]
        chosen = max(busy, key=lambda c: (min(math.dist(ground.crossings[c], place) for _, place in sites), c))
        sites.append((chosen, _offset(ground, chosen)))
    return sites


def _offset(ground: Ground, crossing: str) -> Point:
    east, north = ground.crossings[crossing]
    return east + _CABINET_M[0], north + _CABINET_M[1]


def _cabinet(
    number: int,
    place: Point,
    lines: Sequence[tuple[Point, ...]],
    share: int,
    first: int,
    water: Mapping[str, Point],
) -> Cabinet:
    feeders = []
    left, lamp = share, first
    for index, lamps in enumerate(lines):
        mine = min(len(lamps), -(-left // (len(lines) - index)))
        left -= mine
        # Evenly along the feeder, its end among them: there the voltage is lowest.
        spots = [len(lamps) * (k + 1) // mine - 1 for k in range(mine)]
        feeders.append(
            Feeder(
                number=index + 1,
                lamps=lamps,
                monitored=tuple(
                    Monitored(asset=f"lamp-{lamp + k:03d}", place=spot, nodes=near(water, lamps[spot]))
                    for k, spot in enumerate(spots)
                ),
            )
        )
        lamp += mine
    return Cabinet(
        asset=f"cabinet-{number:03d}",
        place=place,
        feeders=tuple(feeders),
        nodes=near(water, place),
    )


def _standing_cabinet(ground: Ground, cabinet: Cabinet, number: int) -> Asset:
    return standing(
        ground.spot(*cabinet.place),
        network=_NETWORK,
        kind="cabinet",
        number=number,
        names=("Lighting cabinet", "路灯控制柜"),
        tags={
            "rated_current_a": str(cabinet.rated_a),
            "feeders": str(len(cabinet.feeders)),
            "lamps": str(cabinet.lamps),
        },
    )


def _pole(ground: Ground, seed: int, number: int, feeder: Feeder, lamp: Monitored) -> Asset:
    east, north = feeder.lamps[lamp.place]
    beside = [metre + level(seed, lamp.asset, axis) for metre, axis in zip(_POLE_M, "xy", strict=True)]
    tags = {"feeder": str(feeder.number), "rated_power_w": f"{LAMP_W:g}"}
    if feeder.number == 1:
        # The longest feeder of a cabinet follows the main road.
        tags["road"] = "main"
    return standing(
        ground.spot(east + beside[0], north + beside[1]),
        network=_NETWORK,
        kind="lamp",
        number=number,
        names=("Street lamp", "路灯"),
        tags=tags,
    )


def _meters(
    ground: Ground, assets: list[Asset], cabinets: Sequence[Cabinet], instruments: list[Instrument]
) -> tuple[Meter, ...]:
    """A light meter in each district that has a cabinet, under the first lamp of its first cabinet."""
    meters: list[Meter] = []
    known: set[str] = set()
    for cabinet, asset in zip(cabinets, list(assets), strict=False):
        if asset.area in known:
            continue
        known.add(asset.area)
        number = len(meters) + 1
        east, north = cabinet.feeders[0].lamps[0]
        post = standing(
            ground.spot(east, north),
            network=_NETWORK,
            kind="light_meter",
            number=number,
            names=("Light meter", "照度计"),
            tags={"least_lux": _LEAST_LUX},
        )
        assets.append(post)
        meters.append(Meter(asset=post.id, cabinet=cabinet.asset, feeder=1))
        instruments.append(
            Instrument(
                device=meters[-1].device,
                asset=post.id,
                model="LX-LW",
                properties=("light.lux", "device.battery"),
                via=CARRIERS[number % len(CARRIERS)],
                battery=True,
            )
        )
    return tuple(meters)
