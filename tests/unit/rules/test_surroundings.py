"""What stands around an asset: by links, by distance, by area, upstream."""

import math
import random
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.registry import Link
from domain.subject import WatchedAsset
from rules.fused import Where
from rules.surroundings import Surroundings


def asset(identifier: str, **fields: object) -> WatchedAsset:
    data: dict[str, Any] = {
        "id": identifier,
        "kind": "valve_well",
        "network": "gas",
        "area": "530102",
        "name_en": identifier,
        "name_zh": f"{identifier}号",
        "longitude": 102.7,
        "latitude": 25.0,
    }
    return WatchedAsset(**(data | fields))


def links(*rows: str) -> list[Link]:
    return [Link(from_asset=row.split()[0], relation=row.split()[1], to_asset=row.split()[2]) for row in rows]


TOWN = Surroundings(
    [
        asset("plant", kind="plant", network="water"),
        asset("main", kind="pipe", network="water"),
        asset("end", kind="pipe", network="water", tags={"material": "iron"}),
        asset("cabinet", kind="cabinet", network="lighting"),
        asset("substation", kind="substation", network="lighting", area="530103"),
        asset("lamp-1", kind="lamp", network="lighting"),
        asset("lamp-2", kind="lamp", network="lighting", tags={"road": "main"}),
    ],
    links(
        "plant feeds main",
        "main feeds end",
        "lamp-1 powered_by cabinet",
        "lamp-2 powered_by cabinet",
        "cabinet powered_by substation",
        "plant powered_by substation",
        "main adjacent_to cabinet",
        "end feeds nowhere",
    ),
)


@pytest.mark.parametrize(
    ("start", "where", "expected"),
    [
        ("lamp-1", {"place": "asset"}, ["lamp-1"]),
        ("lamp-1", {"place": "asset", "asset_kinds": ["cabinet"]}, []),
        ("lamp-1", {"place": "area", "asset_kinds": ["lamp"]}, ["lamp-1", "lamp-2"]),
        ("lamp-1", {"place": "everywhere", "asset_kinds": ["substation"]}, ["substation"]),
        ("lamp-1", {"place": "everywhere", "tags": {"road": "main"}}, ["lamp-2"]),
        ("cabinet", {"linked": ["powered_by"], "direction": "from"}, ["lamp-1", "lamp-2"]),
        ("cabinet", {"linked": ["powered_by"], "direction": "to"}, ["substation"]),
        ("cabinet", {"linked": ["powered_by"]}, ["lamp-1", "lamp-2", "substation"]),
        ("cabinet", {"linked": ["powered_by", "adjacent_to"]}, ["lamp-1", "lamp-2", "main", "substation"]),
        ("plant", {"linked": ["feeds"], "direction": "to"}, ["main"]),
        ("plant", {"linked": ["feeds"], "direction": "to", "hops": 2}, ["main", "end"]),
        ("plant", {"linked": ["feeds"], "hops": 20, "tags": {"material": "iron"}}, ["end"]),
        # Links are walked through assets that the filter leaves out.
        ("lamp-1", {"linked": ["powered_by"], "hops": 2, "asset_kinds": ["lamp"]}, ["lamp-2"]),
        ("nobody", {"place": "area"}, []),
    ],
)
def test_places_are_seen_from_the_subject(start: str, where: dict[str, Any], expected: list[str]) -> None:
    assert list(TOWN.around(start, Where.model_validate(where))) == expected


def test_upstream_is_everything_that_feeds_or_powers_through_others_too() -> None:
    assert TOWN.upstream("end") == ("main", "plant", "substation")
    assert TOWN.upstream("lamp-1") == ("cabinet", "substation")
    assert TOWN.upstream("substation") == ()
    assert TOWN.upstream("nobody") == ()


def test_a_ring_of_links_ends() -> None:
    ring = Surroundings([asset(name) for name in "abc"], links("a feeds b", "b feeds c", "c feeds a", "a powered_by a"))
    assert ring.upstream("a") == ("c", "b")
    assert ring.around("a", Where(linked=("feeds",), direction="to", hops=20)) == ("b", "c")


def test_areas_have_their_assets_in_the_order_of_their_ids() -> None:
    assert TOWN.areas == ("530102", "530103")
    assert TOWN.in_area("530103") == ("substation",)
    assert TOWN.in_area("530104") == ()
    assert TOWN.in_place("530103", Where(place="everywhere", asset_kinds=("lamp",))) == ("lamp-1", "lamp-2")


def distance(one: WatchedAsset, other: WatchedAsset) -> float:
    """Great circle by the haversine formula."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(h)))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(102.7, 25.0), (179.9995, 0.0), (10.0, 89.999), (-70.0, -53.1)]),
    st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=2, max_size=30),
    st.floats(1, 3000),
)
def test_within_a_distance_are_those_of_the_great_circle_the_nearest_first(
    middle: tuple[float, float], places: list[tuple[float, float]], within: float
) -> None:
    assets = [
        asset(
            f"{number:03}",
            longitude=(middle[0] + east + 180) % 360 - 180,
            latitude=min(90.0, middle[1] + north),
        )
        for number, (east, north) in enumerate(places)
    ]
    own = assets[0]
    found = Surroundings(assets).around(own.id, Where(within_m=within))
    far = {other.id: distance(own, other) for other in assets}
    # On the very border the two ways of reckoning may differ by less than a millimetre.
    assert {i for i in far if far[i] <= within - 0.001} <= set(found) <= {i for i in far if far[i] <= within + 0.001}
    assert all(far[a] <= far[b] + 0.001 for a, b in pairwise(found))
    assert found[0] == own.id or far[found[0]] < 0.001


def test_the_neighbours_of_ten_thousand_assets_are_found_in_a_few_seconds() -> None:
    rng = random.Random(3)
    assets = [
        asset(f"a{n:05}", longitude=102.6 + rng.random() * 0.2, latitude=24.9 + rng.random() * 0.2)
        for n in range(10_000)
    ]
    town = Surroundings(assets)
    began = time.process_time()
    found = {own.id: town.around(own.id, Where(within_m=50)) for own in assets}
    assert time.process_time() - began < 5
    own = assets[17]
    assert set(found[own.id]) == {other.id for other in assets if distance(own, other) <= 50}
    assert town.around(own.id, Where(within_m=50)) is found[own.id]


WHERES = (
    Where.model_validate({"place": "area"}),
    Where.model_validate({"place": "everywhere"}),
    Where.model_validate({"within_m": 5000}),
    Where.model_validate({"linked": ["feeds", "powered_by"], "direction": "either", "hops": 9}),
    Where.model_validate({"place": "everywhere", "asset_kinds": ["pipe"]}),
    Where.model_validate({"place": "asset"}),
)


def around_all(town: Surroundings, ids: list[str]) -> dict[tuple[str, int], tuple[str, ...]]:
    found = {(one, number): town.around(one, where) for one in ids for number, where in enumerate(WHERES)}
    found |= {(one, -1): town.upstream(one) for one in ids}
    areas = {town.assets[one].area for one in ids}
    places = {
        (a, n): town.in_place(a, w) for a in areas for n, w in enumerate(WHERES) if w.place in {"area", "everywhere"}
    }
    return found | places


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_what_is_real_and_an_exercise_never_see_each_other(seed: int) -> None:
    rng = random.Random(seed)
    kinds, ids = ("pipe", "cabinet", "lamp"), [f"a{n}" for n in range(12)]
    areas = ("530102", "530103")
    real = [
        asset(one, kind=rng.choice(kinds), area=rng.choice(areas), longitude=102.7 + rng.random() / 50) for one in ids
    ]
    marked = {"530102": "990000007102", "530103": "990000007103"}
    # The twin stands at the very same places.
    twin = [
        asset(f"exercise-7-{one.id}", kind=one.kind, area=marked[one.area], longitude=one.longitude) for one in real
    ]
    own = links(*(f"{rng.choice(ids)} {rng.choice(('feeds', 'powered_by'))} {rng.choice(ids)}" for _ in range(12)))
    theirs = [
        Link(from_asset=f"exercise-7-{x.from_asset}", relation=x.relation, to_asset=f"exercise-7-{x.to_asset}")
        for x in own
    ]
    # Links that the schema would refuse lead nowhere.
    across = links(
        *(f"a{n} feeds exercise-7-a{n}" for n in range(12)), *(f"exercise-7-a{n} feeds a{n}" for n in range(12))
    )
    alone = around_all(Surroundings(real, own), ids)
    both = Surroundings([*real, *twin], [*own, *theirs, *across])
    assert around_all(both, ids) == alone
    seen = around_all(both, [f"exercise-7-{one}" for one in ids])
    assert all(one.startswith("exercise-7-") for found in seen.values() for one in found)
    assert sorted(map(len, seen.values())) == sorted(map(len, alone.values()))
