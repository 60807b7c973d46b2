"""The water network as it is laid: what stands where, and what feeds what."""

import math
import pickle
from collections import Counter

import pytest

from domain.catalogue import properties
from simulators.equipment import EQUIPMENT
from simulators.town.ground import Scale, ground
from simulators.town.layout import Layout
from simulators.town.water import lay
from simulators.town.water_flow import average
from simulators.town.water_net import network
from simulators.town.water_run import Plan

_SCALES: tuple[Scale, ...] = ("test", "town")


def _plan(layout: Layout) -> Plan:
    assert isinstance(layout.plan, Plan)
    return layout.plan


@pytest.mark.parametrize(
    ("scale", "counts"),
    [
        ("test", (1, 1, 4, 1, 4, 2)),
        ("town", (1, 4, 40, 8, 10, 25)),
    ],
)
def test_each_scale_has_its_assets(scale: Scale, counts: tuple[int, ...]) -> None:
    found = Counter(asset.kind for asset in lay(ground(scale), 1).assets)
    kinds = (
        "treatment_plant",
        "booster_station",
        "pressure_point",
        "district_meter",
        "quality_point",
        "water_main",
    )
    assert tuple(found[kind] for kind in kinds) == counts
    assert sum(found.values()) == sum(counts)


@pytest.mark.parametrize("scale", _SCALES)
def test_two_layouts_are_equal_and_travel_to_a_child_process(scale: Scale) -> None:
    one, other = lay(ground(scale), 1), lay(ground(scale), 1)
    assert one == other
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301  our own bytes


def test_another_seed_moves_things_by_metres_only() -> None:
    one, other = lay(ground("test"), 1), lay(ground("test"), 2)
    assert one != other
    assert _plan(one) == _plan(other)
    for here, there in zip(one.assets, other.assets, strict=True):
        assert math.dist((here.longitude, here.latitude), (there.longitude, there.latitude)) < 2e-4


@pytest.mark.parametrize("scale", _SCALES)
def test_instruments_measure_what_the_rules_know_of_their_kind(scale: Scale) -> None:
    layout = lay(ground(scale), 1)
    known = {e.kind: {name for h in e.devices for name in h.properties} for e in EQUIPMENT}
    # The town measures conductivity in the network, too.
    known["quality_point"].add("water.conductivity")
    kinds = {asset.id: asset.kind for asset in layout.assets}
    catalogue = {p.id for p in properties()}
    for instrument in layout.instruments:
        assert set(instrument.properties) == known[kinds[instrument.asset]]
        assert set(instrument.properties) <= catalogue


@pytest.mark.parametrize("scale", _SCALES)
def test_everything_hangs_on_the_plant(scale: Scale) -> None:
    layout = lay(ground(scale), 1)
    fed_by = {link.to_asset: link.from_asset for link in layout.links}
    assert {link.relation for link in layout.links} == {"feeds"}
    assert len(fed_by) == len(layout.links) == len(layout.assets) - 1
    for asset in layout.assets:
        path = [asset.id]
        while path[-1] in fed_by:
            path.append(fed_by[path[-1]])
            assert len(path) <= len(layout.assets)
        assert path[-1] == "treatment-plant-001"


@pytest.mark.parametrize("scale", _SCALES)
def test_the_first_quality_points_lie_one_after_another(scale: Scale) -> None:
    layout = lay(ground(scale), 1)
    plan = _plan(layout)
    flow = average(plan.network)
    for one, other in ((1, 2), (2, 3), (3, 4)):
        upper, lower = (plan.nodes[f"quality-point-{number:03d}"] for number in (one, other))
        assert upper in flow.path(lower)


@pytest.mark.parametrize("scale", _SCALES)
def test_a_burst_can_befall_every_place_that_is_named_for_it(scale: Scale) -> None:
    plan = _plan(lay(ground(scale), 1))
    junctions = {j.id for j in plan.network.junctions}
    assert {name for name, node in plan.nodes.items() if node not in junctions} == {"treatment-plant-001"}


@pytest.mark.parametrize("scale", _SCALES)
def test_each_district_has_pressure_points(scale: Scale) -> None:
    here = ground(scale)
    areas = Counter(asset.area for asset in lay(here, 1).of_kind("pressure_point"))
    assert set(areas) == {district.code for district in here.districts}
    if scale == "town":
        assert min(areas.values()) >= 8


@pytest.mark.parametrize("scale", _SCALES)
def test_the_flow_of_an_average_day_balances_at_every_node(scale: Scale) -> None:
    net = network(ground(scale))
    flow = average(net)
    ends = {p.id: (p.start, p.end) for p in net.pipes} | {p.id: (p.start, p.end) for p in net.pumps}
    left = {j.id: -j.demand_lps / 1000 for j in net.junctions}
    for name, rate in flow.rate.items():
        start, end = ends[name]
        left[start] = left.get(start, 0.0) - rate
        left[end] = left.get(end, 0.0) + rate
    given = -left.pop(net.source)
    assert given == pytest.approx(sum(j.demand_lps for j in net.junctions) / 1000, rel=1e-6)
    assert max(abs(value) for value in left.values()) < 1e-6


def test_a_zone_of_a_booster_station_hangs_on_its_pump_alone() -> None:
    net = network(ground("town"))
    neighbours: dict[str, set[str]] = {}
    for pipe in net.pipes:
        if pipe.state == "Open":
            neighbours.setdefault(pipe.start, set()).add(pipe.end)
            neighbours.setdefault(pipe.end, set()).add(pipe.start)
    for pump in net.pumps:
        if net.works is not None and pump.id in net.works.pumps:
            neighbours.setdefault(pump.start, set()).add(pump.end)
    reached, edge = {net.source}, [net.source]
    while edge:
        fresh = neighbours.get(edge.pop(), set()) - reached
        reached |= fresh
        edge += fresh
    assert len(net.boosters) == 4
    for station in net.boosters:
        assert station.suction in reached
        assert station.discharge not in reached
        assert not set(station.tanks) & reached
