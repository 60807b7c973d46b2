"""Where storm drains lie: along streets, all of a district in one place, marked with what the model has."""

import math
from collections import Counter
from itertools import combinations, pairwise

import pytest

from simulators.town import drainage
from simulators.town import drainage_network as network
from simulators.town.ground import Ground, Point, ground
from tests.support.storm_water import laid


def plan_of(scale: str, seed: int = 1) -> drainage.Plan:
    plan = laid(scale, seed).plan
    assert isinstance(plan, drainage.Plan)
    return plan


@pytest.mark.parametrize(
    ("scale", "counts", "streams"),
    [
        ("test", {"pump_station": 1, "sewer_point": 2, "underpass": 1, "rain_gauge": 1, "sewer": 1}, 36),
        ("town", {"pump_station": 4, "sewer_point": 20, "underpass": 4, "rain_gauge": 4, "sewer": 12}, 192),
    ],
)
def test_a_town_has_its_drains(scale: str, counts: dict[str, int], streams: int) -> None:
    layout = laid(scale)
    assert Counter(asset.kind for asset in layout.assets) == counts
    assert sum(len(one.properties) for one in layout.instruments) == streams


def from_street(here: Ground, place: Point) -> float:
    """Metres to the nearest street."""
    return min(_away(place, one, other) for way in here.ways for one, other in pairwise(way.line))


def _away(place: Point, one: Point, other: Point) -> float:
    (x, y), (ax, ay), (bx, by) = place, one, other
    length = (bx - ax) ** 2 + (by - ay) ** 2
    part = min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1) if length else 0
    return math.dist(place, (ax + part * (bx - ax), ay + part * (by - ay)))


@pytest.mark.parametrize("scale", ["test", "town"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_main_sewers_lie_in_streets_and_every_manhole_near_one(scale: str, seed: int) -> None:
    here, plan = ground("town" if scale == "town" else "test"), plan_of(scale, seed)
    for district in plan.districts:
        main = [plan.places[district.node(f"MH{number:02d}")] for number in range(1, 13)]
        assert max(from_street(here, place) for place in main) < 0.05
        # In a bend the straight line is shorter than the street.
        assert all(40 < math.dist(one, other) < 80.05 for one, other in pairwise(main))
        assert main[0] != main[-1]
        nodes = [plan.places[district.node(node.id)] for node in network.nodes()]
        assert max(from_street(here, place) for place in nodes) < 160
        assert min(math.dist(one, other) for one, other in combinations(nodes, 2)) > 13


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_district_lies_in_one_area_with_its_rain_gauge_and_far_from_the_others(seed: int) -> None:
    layout, plan = laid("town", seed), plan_of("town", seed)
    areas = {asset.id: asset.area for asset in layout.assets}
    for district in plan.districts:
        own = [asset for asset, node in plan.stands.items() if node.startswith(district.node(""))]
        assert {areas[asset] for asset in [*own, district.gauge]} == {areas[district.station]}
    wells = [plan.places[district.node("WW1")] for district in plan.districts]
    assert min(math.dist(one, other) for one, other in combinations(wells, 2)) > 1500
    assert math.dist(plan.places["D1-MH06"], ground("town").centre) < 400


def test_tags_are_those_of_the_model() -> None:
    layout, plan = laid("town"), plan_of("town")
    nodes = {node.id: node for node in network.nodes()}
    for asset in layout.of_kind("sewer_point"):
        node = plan.stands[asset.id].partition("-")[2]
        assert float(asset.tags["depth_m"]) == nodes[node].depth_m == plan.depths[plan.stands[asset.id]]
        assert float(asset.tags["pipe_crown_m"]) == network.below(node).diameter_m
    assert {asset.tags["duty_pumps"] for asset in layout.of_kind("pump_station")} == {"2"}


def test_the_first_district_is_the_same_at_both_scales_and_the_others_differ_but_are_balanced() -> None:
    town, test, other = plan_of("town"), plan_of("test"), plan_of("town", 2)
    assert test.districts == town.districts[:1] == other.districts[:1]
    assert town.districts[1:] != other.districts[1:]
    for district in town.districts:
        assert sum(c.area_ha for c in district.catchments) == pytest.approx(18.6, abs=0.01)
    assert laid("town") == drainage.lay(ground("town"), 1)
    assert town.places != other.places
    assert laid("test").assets[1].tags == laid("town").assets[1].tags


def test_every_level_point_and_underpass_drains_to_its_station() -> None:
    layout, plan = laid("town"), plan_of("town")
    links = {link.from_asset: link.to_asset for link in layout.links if link.relation == "drains_to"}
    assert set(links) == {a.id for a in layout.of_kind("sewer_point", "underpass")}
    for asset, station in links.items():
        assert plan.stands[asset].partition("-")[0] == plan.stands[station].partition("-")[0]


def test_assets_of_other_networks_can_stand_on_its_nodes() -> None:
    plan = drainage.standing_on(laid(), {"manhole-001": "D1-MH02"}).plan
    assert isinstance(plan, drainage.Plan)
    assert plan.stands == {**plan_of("test").stands, "manhole-001": "D1-MH02"}
    assert [node for node in plan.nodes if node in plan.manholes] == list(plan.manholes)
    assert len(plan.manholes) == 22
