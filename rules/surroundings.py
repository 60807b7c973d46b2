"""What stands around an asset: what links lead to, what lies near, what shares its area, what feeds it.

What is real sees nothing of an exercise, and an exercise sees nothing but itself, whichever way a rule looks. This is
the place that sees to it.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.exercise_mark import exercise_of
from domain.registry import Link
from domain.subject import WatchedAsset
from rules.fused import Where

#: The mean radius of the earth.
_EARTH_M = 6_371_008.8
_Cell = tuple[int, int, int]
_Key = tuple[object, ...]
_Steps = Callable[[str], Iterable[str]]


class _Neighbourhood:
    """Places on a sphere, in cubes whose sides are one distance: whatever is within it lies in 27 of them."""

    def __init__(self, points: NDArray[np.float64], within_m: float) -> None:
        self._points = points
        self._within_m = within_m
        self._cells: dict[_Cell, list[int]] = defaultdict(list)
        for number, (x, y, z) in enumerate(np.floor(points * (_EARTH_M / within_m)).astype(np.int64).tolist()):
            self._cells[x, y, z].append(number)

    def near(self, number: int) -> list[int]:
        """The numbers of all places within the distance, the nearest first, itself included."""
        x, y, z = (math.floor(part) for part in (self._points[number] * (_EARTH_M / self._within_m)).tolist())
        found = [
            other
            for i in (x - 1, x, x + 1)
            for j in (y - 1, y, y + 1)
            for k in (z - 1, z, z + 1)
            for other in self._cells.get((i, j, k), ())
        ]
        numbers = np.array(sorted(found))
        chords = np.linalg.norm(self._points[numbers] - self._points[number], axis=1)
        distances = 2 * np.arcsin(np.minimum(chords / 2, 1.0)) * _EARTH_M
        order = np.argsort(distances, kind="stable")
        return [int(numbers[at]) for at in order if distances[at] <= self._within_m]


class Surroundings:
    """Assets, and how they stand to each other. Answers are remembered.

    Args:
        assets: Every registered asset.
        links: Every link between them; those to assets that are not registered lead nowhere.
    """

    def __init__(self, assets: Iterable[WatchedAsset], links: Iterable[Link] = ()) -> None:
        self.assets = {asset.id: asset for asset in sorted(assets, key=lambda a: a.id)}
        self._order = tuple(self.assets)
        self._number = {identifier: number for number, identifier in enumerate(self._order)}
        areas: dict[str, list[str]] = defaultdict(list)
        for asset in self.assets.values():
            areas[asset.area].append(asset.id)
        self._areas = {area: tuple(areas[area]) for area in sorted(areas)}
        self._to: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._from: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._world = {asset.id: asset.exercise for asset in self.assets.values()}
        known = {
            link
            for link in links
            if link.from_asset in self.assets
            and link.to_asset in self.assets
            and self._world[link.from_asset] == self._world[link.to_asset]
        }
        for link in sorted(known, key=lambda one: (one.from_asset, one.relation, one.to_asset)):
            self._to[link.from_asset, link.relation].append(link.to_asset)
            self._from[link.to_asset, link.relation].append(link.from_asset)
        self._points = _on_sphere(list(self.assets.values()))
        self._neighbourhoods: dict[float, _Neighbourhood] = {}
        self._known: dict[_Key, tuple[str, ...]] = {}

    @property
    def areas(self) -> tuple[str, ...]:
        """The codes of all areas in which assets stand."""
        return tuple(self._areas)

    def in_area(self, code: str) -> tuple[str, ...]:
        """The ids of the assets of one area."""
        return self._areas.get(code, ())

    def around(self, asset_id: str, where: Where) -> tuple[str, ...]:
        """The ids of the assets that a leaf looks at, seen from one asset: the nearest first, then by id.

        By links, the asset itself is not among them; within a distance, it is.
        """
        own = self.assets.get(asset_id)
        if own is None:
            return ()
        if where.place in {"area", "everywhere"}:
            return self.in_place(own.area, where)
        key = (asset_id, *_key(where))
        if key not in self._known:
            if where.linked is not None:
                found = self._linked(asset_id, where)
            elif where.within_m is not None:
                near = self._near(asset_id, where.within_m)
                found = [one for one in near if self._world[one] == self._world[asset_id]]
            else:
                found = [asset_id]
            self._known[key] = self._fitting(found, where)
        return self._known[key]

    def in_place(self, area: str, where: Where) -> tuple[str, ...]:
        """The ids of the assets that a leaf looks at, seen from an area: its own, or those of every area."""
        world = exercise_of(area)
        key = (world if where.place == "everywhere" else area, *_key(where))
        if key not in self._known:
            found = self._order if where.place == "everywhere" else self.in_area(area)
            self._known[key] = self._fitting([one for one in found if self._world[one] == world], where)
        return self._known[key]

    def upstream(self, asset_id: str) -> tuple[str, ...]:
        """The ids of everything that feeds or powers an asset, directly or through others; the nearest first."""
        key = ("upstream", asset_id)
        if key not in self._known:
            self._known[key] = tuple(
                self._reached(
                    asset_id,
                    lambda here: [*self._from.get((here, "feeds"), ()), *self._to.get((here, "powered_by"), ())],
                )
            )
        return self._known[key]

    def _linked(self, asset_id: str, where: Where) -> list[str]:
        def steps(here: str) -> list[str]:
            found: list[str] = []
            for relation in where.linked or ():
                if where.direction in {"to", "either"}:
                    found += self._to.get((here, relation), ())
                if where.direction in {"from", "either"}:
                    found += self._from.get((here, relation), ())
            return found

        return self._reached(asset_id, steps, where.hops)

    @staticmethod
    def _reached(start: str, steps: _Steps, hops: int | None = None) -> list[str]:
        """Everything that steps lead to, without the start, in the order of their number, then by id."""
        seen = {start}
        found: list[str] = []
        border = [start]
        while border and (hops is None or hops > 0):
            border = sorted({there for here in border for there in steps(here)} - seen)
            seen.update(border)
            found += border
            hops = None if hops is None else hops - 1
        return found

    def _near(self, asset_id: str, within_m: float) -> list[str]:
        if within_m not in self._neighbourhoods:
            self._neighbourhoods[within_m] = _Neighbourhood(self._points, within_m)
        return [self._order[number] for number in self._neighbourhoods[within_m].near(self._number[asset_id])]

    def _fitting(self, found: Sequence[str], where: Where) -> tuple[str, ...]:
        if where.asset_kinds is None and not where.tags:
            return tuple(found)
        return tuple(
            one
            for one in found
            if (where.asset_kinds is None or self.assets[one].kind in where.asset_kinds)
            and all(self.assets[one].tags.get(key) == value for key, value in where.tags.items())
        )


def _key(where: Where) -> _Key:
    return (
        where.place,
        where.linked,
        where.within_m,
        where.direction,
        where.hops,
        where.asset_kinds,
        tuple(sorted(where.tags.items())),
    )


def _on_sphere(assets: Sequence[WatchedAsset]) -> NDArray[np.float64]:
    """The places on a sphere of radius 1: there are no poles to mind, and no date line."""
    east = np.radians(np.array([asset.longitude for asset in assets], dtype=np.float64))
    north = np.radians(np.array([asset.latitude for asset in assets], dtype=np.float64))
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)
