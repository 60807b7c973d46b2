"""The gas network as it is laid: along streets, beside sewers, all of it fed."""

import math
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from domain.registry import Asset
from simulators.county import distance_m
from simulators.town import gas
from simulators.town.drainage_network import Plan as Drains
from simulators.town.ground import Point, Scale, ground
from simulators.town.layout import Layout
from tests.support.gas_town import gas_plan, laid, manhole_plan

SCALES: tuple[Scale, ...] = ("test", "town")


def assets(layout: Layout, *kinds: str) -> list[Asset]:
    return list(layout.of_kind(*kinds))


def by_id(layouts: tuple[Layout, ...]) -> dict[str, Asset]:
    return {asset.id: asset for layout in layouts for asset in layout.assets}


@pytest.mark.parametrize(
    ("scale", "junctions", "counts"),
    [
        ("test", range(17, 25), {"regulator_station": 1, "valve_well": 4, "test_post": 1, "gas_main": 2}),
        ("town", range(40, 63), {"regulator_station": 5, "valve_well": 40, "test_post": 12, "gas_main": 20}),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_town_has_as_many_of_each_as_promised(
    scale: Scale, junctions: range, counts: dict[str, int], seed: int
) -> None:
    layout = laid(scale, seed)[1]
    assert Counter(asset.kind for asset in layout.assets) == counts
    assert len(gas_plan(scale, seed).places) in junctions
    assert len({asset.id for asset in layout.assets}) == len(layout.assets)


@pytest.mark.parametrize("scale", SCALES)
def test_mains_lie_in_streets(scale: Scale) -> None:
    pieces = [piece for way in ground(scale).ways for piece in pairwise(way.line)]
    for main in gas_plan(scale).mains[::4]:
        for place in main.line:
            assert min(_away(piece, place) for piece in pieces) < 0.1
        assert main.length_m == pytest.approx(sum(math.dist(*piece) for piece in pairwise(main.line)), abs=0.1)


@pytest.mark.parametrize("scale", SCALES)
def test_every_junction_can_be_reached_from_the_first_gate(scale: Scale) -> None:
    plan = gas_plan(scale)
    reached, before = {plan.gates[0].junction}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {end for main in plan.mains if set(main.ends) & reached for end in main.ends}
    assert reached == set(plan.places)


def test_the_ring_is_closed_so_that_a_broken_main_does_not_cut_the_town_off() -> None:
    for scale in SCALES:
        plan = gas_plan(scale)
        assert len(plan.mains) > len(plan.places) - 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_three_wells_stand_beside_a_sewer_manhole(scale: Scale, seed: int) -> None:
    drains, layout, _ = laid(scale, seed)
    assert isinstance(drains.plan, Drains)
    for number in (1, 2, 3):
        well = gas_plan(scale, seed).holes[f"valve-well-{number:03d}"]
        assert min(math.dist(well, drains.plan.places[node]) for node in drains.plan.manholes) < 20
    assert layout.of_kind("valve_well")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_main_has_works_a_station_and_covers_close_enough_to_tell_of_an_excavator(
    scale: Scale, seed: int
) -> None:
    _, layout, manholes = laid(scale, seed)
    known = by_id((layout, manholes))
    main, station = known["gas-main-001"], known["regulator-station-001"]
    assert gas_plan(scale, seed).works["gas-main-001"] == "gas-main-001-works"
    assert distance_m(main, station) < 300
    assert any(distance_m(cover, station) < 300 for cover in manholes.assets)
    chamber = manhole_plan(scale, seed).places["deep-manhole-001"]
    assert math.dist(gas_plan(scale, seed).holes["gas-main-001"], chamber) < 45


@pytest.mark.parametrize("scale", SCALES)
def test_a_station_feeds_every_well_post_and_main_and_a_gate_every_other_station(scale: Scale) -> None:
    layout = laid(scale)[1]
    fed = Counter(link.to_asset for link in layout.links if link.relation == "feeds")
    gates = {gate.station for gate in gas_plan(scale).gates}
    assert fed == {asset.id: 1 for asset in layout.assets if asset.id not in gates}
    servers = {link.from_asset for link in layout.links}
    assert servers <= {asset.id for asset in assets(layout, "regulator_station")}


def test_stations_say_the_pressure_that_they_are_set_to() -> None:
    assert {asset.tags["set_pressure_kpa"] for asset in assets(laid("town")[1], "regulator_station")} == {"300"}


def test_the_same_seed_lays_the_same_network_and_another_one_another() -> None:
    here = ground("town")
    assert gas.lay(here, 1) == gas.lay(here, 1)
    assert gas.lay(here, 1) != gas.lay(here, 2)


def test_laying_needs_no_engine() -> None:
    """The registry of a town is made in a moment, and where engines are not installed."""
    asked = (
        "import sys; from simulators.town import gas, manholes; from simulators.town.ground import ground;"
        "gas.lay(ground('test'), 1); sys.exit('pandapipes' in sys.modules or 'pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", asked], check=True)


def _away(piece: tuple[Point, Point], place: Point) -> float:
    """Metres from a straight piece."""
    one, other = piece
    length = math.dist(one, other)
    if not length:
        return math.dist(one, place)
    part = ((place[0] - one[0]) * (other[0] - one[0]) + (place[1] - one[1]) * (other[1] - one[1])) / length**2
    part = min(max(part, 0.0), 1.0)
    return math.dist(place, (one[0] + part * (other[0] - one[0]), one[1] + part * (other[1] - one[1])))
