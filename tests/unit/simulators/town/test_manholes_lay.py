"""Manholes as they are laid: on nodes of the drains, deep ones beside valve wells."""

import math
from collections import Counter

import pytest

from simulators.county import distance_m
from simulators.town.drainage_network import Plan as Drains
from simulators.town.ground import Scale
from tests.support.gas_town import laid, manhole_plan

SCALES: tuple[Scale, ...] = ("test", "town")


@pytest.mark.parametrize(
    ("scale", "counts"),
    [("test", {"deep_manhole": 4, "manhole": 4}), ("town", {"deep_manhole": 20, "manhole": 50})],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_town_has_as_many_of_each_as_promised(scale: Scale, counts: dict[str, int], seed: int) -> None:
    layout = laid(scale, seed)[2]
    assert Counter(asset.kind for asset in layout.assets) == counts


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_three_deep_manholes_are_beside_the_first_three_valve_wells(scale: Scale, seed: int) -> None:
    _, gases, layout = laid(scale, seed)
    known = {asset.id: asset for asset in (*gases.assets, *layout.assets)}
    for number in ("001", "002", "003"):
        assert distance_m(known[f"valve-well-{number}"], known[f"deep-manhole-{number}"]) <= 45


@pytest.mark.parametrize("scale", SCALES)
def test_every_deep_manhole_stands_on_a_node_of_the_drains_and_has_its_depth(scale: Scale) -> None:
    drains, _, layout = laid(scale)
    plan = manhole_plan(scale)
    assert isinstance(drains.plan, Drains)
    assert len(set(plan.stands.values())) == len(plan.stands)
    for asset in layout.of_kind("deep_manhole"):
        node = plan.stands[asset.id]
        assert math.dist(plan.places[asset.id], drains.plan.places[node]) < 1
        assert float(asset.tags["depth_m"]) == drains.plan.depths[node]


def test_at_town_scale_there_are_manholes_far_from_the_simulated_sewers() -> None:
    plan = manhole_plan("town")
    drains = laid("town")[0].plan
    assert isinstance(drains, Drains)
    far = [name for name in plan.places if name.startswith("manhole") and name not in plan.stands]
    assert len(far) >= 10
    assert min(math.dist(plan.places[name], drains.places[node]) for name in far for node in drains.manholes) > 45


@pytest.mark.parametrize("scale", SCALES)
def test_covers_report_by_exception_and_deep_manholes_every_sample(scale: Scale) -> None:
    for one in laid(scale)[2].instruments:
        deep = one.asset.startswith("deep")
        assert one.heartbeat_s == (60 if deep else 600)
        assert ("manhole.h2s" in one.properties) == deep
        assert {"manhole.tilt", "manhole.open", "device.battery", "device.rssi"} <= set(one.properties)
