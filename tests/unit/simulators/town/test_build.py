"""The town as a whole: the same from the same seed, of the promised size, and a registry that the platform takes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domain.registry import Registry
from domain.registry_folder import read, write
from simulators.town.build import build, registry
from simulators.town.ground import Scale, along, ground


@pytest.mark.parametrize(
    ("scale", "assets", "datastreams"), [("test", (40, 60), (150, 260)), ("town", (350, 450), (1350, 1750))]
)
def test_a_town_has_the_size_of_its_scale(scale: Scale, assets: tuple[int, int], datastreams: tuple[int, int]) -> None:
    town = registry(build(scale))
    assert assets[0] <= len(town.assets) <= assets[1]
    assert datastreams[0] <= len(town.datastreams) <= datastreams[1]
    assert {asset.network for asset in town.assets} == {"water", "drainage", "gas", "lighting", "manhole"}


@pytest.mark.parametrize("scale", ["test", "town"])
def test_the_registry_is_one_that_can_be_imported(scale: Scale, tmp_path: Path) -> None:
    town = registry(build(scale))
    write(town, tmp_path)
    again = read(tmp_path)
    for kind in ("assets", "devices", "datastreams", "links"):
        assert sorted(getattr(again, kind), key=repr) == sorted(getattr(town, kind), key=repr)


def test_the_same_seed_is_the_same_town_and_another_seed_another() -> None:
    assert registry(build("town", 3)) == registry(build("town", 3))
    places = {asset.id: (asset.longitude, asset.latitude) for asset in registry(build("town", 3)).assets}
    moved = [a for a in registry(build("town", 4)).assets if places.get(a.id) != (a.longitude, a.latitude)]
    assert len(moved) > len(places) / 4


def test_networks_share_streets_and_hang_together() -> None:
    town = registry(build("town"))
    kinds = {asset.id: asset.kind for asset in town.assets}
    links = Counter((kinds[link.from_asset], link.relation, kinds[link.to_asset]) for link in town.links)
    for wanted in (
        ("valve_well", "adjacent_to", "deep_manhole"),
        ("pump_station", "powered_by", "cabinet"),
        ("lamp", "powered_by", "cabinet"),
        ("underpass", "drains_to", "pump_station"),
        ("underpass", "adjacent_to", "cabinet"),
        ("deep_manhole", "drains_to", "pump_station"),
    ):
        assert links[wanted] > 0, wanted
    assert _far_from_streets(town) == []


def _far_from_streets(town: Registry) -> list[str]:
    """Things more than 200 m from every street, as far as a side sewer reaches: nothing stands in the open field."""
    here = ground("town")
    points = [along(way.line, metre) for way in here.ways for metre in range(0, int(way.length_m) + 60, 60)]
    streets = np.array([here.degrees(*point) for point in points])
    per_degree = 111_320.0 * np.array([np.cos(np.radians(25.1)), 1.0])
    return [
        asset.id
        for asset in town.assets
        if np.hypot(*((streets - (asset.longitude, asset.latitude)) * per_degree).T).min() > 200
    ]


def test_another_sampling_keeps_how_often_a_device_may_be_silent() -> None:
    slow, fast = build("test"), build("test", sample_s=5)
    assert {one.sample_s for one in fast.instruments} == {5}
    for before, after in zip(slow.instruments, fast.instruments, strict=True):
        assert after.heartbeat_s / after.sample_s == before.heartbeat_s / before.sample_s


def test_every_name_is_there_in_both_languages_and_tells_things_apart() -> None:
    assets = registry(build("town")).assets
    assert len({asset.name_en for asset in assets}) == len({asset.name_zh for asset in assets}) == len(assets)
    assert all(asset.name_zh.isascii() is False and asset.name_en.isascii() for asset in assets)
