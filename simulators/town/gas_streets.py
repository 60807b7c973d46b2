"""Where gas mains run: a ring around the middle of the town and branches from it, all of them along streets."""

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulators.town.ground import Ground, Point, Way

#: A second main in the same street is avoided if the way round is less than this many times as long; ours.
_AGAIN = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A pipe from junction to junction along one or more streets."""

    ends: tuple[str, str]
    line: tuple[Point, ...]
    length_m: float
    ring: bool


class Streets:
    """The streets of a ground as a graph, and the mains that were laid in them so far.

    Attributes:
        places: Crossing, or place that was put into a street -> metres east and north.
    """

    def __init__(self, ground: Ground) -> None:
        self.places: dict[str, Point] = dict(ground.crossings)
        self._ways: dict[str, Way] = {way.id: way for way in ground.ways}
        #: Way id -> whether it belongs to the ring.
        self._laid: dict[str, bool] = {}
        self._leaving: dict[str, list[Way]] = {}
        self._index()

    def put(self, name: str, place: Point) -> None:
        """Makes a crossing in the street nearest to a place; the street becomes two. Before anything is laid."""
        way, number, spot = self._closest(place)
        del self._ways[way.id]
        self.places[name] = spot
        for part, ends, line in (
            ("a", (way.ends[0], name), (*way.line[: number + 1], spot)),
            ("b", (name, way.ends[1]), (spot, *way.line[number + 1 :])),
        ):
            length = sum(math.dist(one, other) for one, other in pairwise(line))
            self._ways[way.id + part] = Way(id=way.id + part, ends=ends, line=line, length_m=length)
        self._index()

    def reachable(self, crossing: str, radius_m: float) -> list[str]:
        """Crossings connected with one and not farther from it than so many metres."""
        middle = self.places[crossing]
        found, left = {crossing}, [crossing]
        while left:
            here = left.pop()
            for way in self._leaving[here]:
                other = _other(way, here)
                if other not in found:
                    found.add(other)
                    left.append(other)
        return [c for c, place in self.places.items() if c in found and math.dist(place, middle) <= radius_m]

    def through(self, stops: Sequence[str], *, ring: bool = False) -> None:
        """Lays a main from stop to stop."""
        for one, other in pairwise(stops):
            self._lay(self._way(one, {other}), ring=ring)

    def branch(self, crossing: str) -> None:
        """Lays a main from what has been laid to a crossing; nothing if it is on it."""
        joined = {end for way in self._ways.values() if way.id in self._laid for end in way.ends}
        self._lay(self._way(crossing, joined), ring=False)

    def stretches(self, junctions: Collection[str]) -> list[Stretch]:
        """The mains, from junction to junction: those asked for, forks and ends."""
        at: dict[str, list[Way]] = {}
        for way in self._ways.values():
            if way.id in self._laid:
                for end in way.ends:
                    at.setdefault(end, []).append(way)
        nodes = {crossing for crossing, ways in at.items() if len(ways) != 2 or crossing in junctions}
        done: set[str] = set()
        found = []
        for crossing, ways in at.items():
            if crossing in nodes:
                found += [self._followed(crossing, way, at, nodes, done) for way in ways if way.id not in done]
        return found

    def _index(self) -> None:
        self._leaving = {crossing: [] for crossing in self.places}
        for way in self._ways.values():
            for end in way.ends:
                self._leaving[end].append(way)

    def _closest(self, place: Point) -> tuple[Way, int, Point]:
        """The street nearest to a place: the way, the number of its piece, and the point on it."""
        best: tuple[float, Way, int, Point] | None = None
        for way in self._ways.values():
            for number, piece in enumerate(pairwise(way.line)):
                spot = _foot(*piece, place)
                away = math.dist(spot, place)
                if best is None or away < best[0]:
                    best = away, way, number, spot
        if best is None:
            raise ValueError("a ground without streets")
        return best[1:]

    def _followed(self, start: str, way: Way, at: dict[str, list[Way]], nodes: set[str], done: set[str]) -> Stretch:
        line: list[Point] = [self.places[start]]
        here, length, ring = start, 0.0, self._laid[way.id]
        while True:
            done.add(way.id)
            line += (way.line if way.ends[0] == here else way.line[::-1])[1:]
            length += way.length_m
            here = _other(way, here)
            if here in nodes:
                return Stretch(ends=(start, here), line=tuple(line), length_m=round(length, 1), ring=ring)
            way = next(other for other in at[here] if other.id not in done)

    def _lay(self, ways: Iterable[Way], *, ring: bool) -> None:
        for way in ways:
            self._laid.setdefault(way.id, ring)

    def _way(self, start: str, goals: Collection[str]) -> list[Way]:
        """The shortest way along streets to the nearest of some crossings; of equals the first by id."""
        queue = [(0.0, start)]
        best = {start: 0.0}
        came: dict[str, Way] = {}
        while queue:
            far, here = heapq.heappop(queue)
            if far > best[here]:
                continue
            if here in goals:
                return _back(here, came)
            for way in self._leaving[here]:
                other = _other(way, here)
                there = far + way.length_m * (_AGAIN if way.id in self._laid else 1.0)
                if there < best.get(other, math.inf):
                    best[other] = there
                    came[other] = way
                    heapq.heappush(queue, (there, other))
        raise ValueError(f"no street leads from {start} to the mains")


def spread(places: Mapping[str, Point], chosen: Sequence[str], candidates: Iterable[str], count: int) -> list[str]:
    """`chosen` and further crossings until there are `count`, each the farthest from those before it."""
    found = list(chosen)
    gap = {c: min(math.dist(places[c], places[f]) for f in found) for c in candidates if c not in found}
    while len(found) < count and gap:
        farthest = max(gap, key=lambda c: (gap[c], c))
        found.append(farthest)
        del gap[farthest]
        gap = {other: min(metres, math.dist(places[other], places[farthest])) for other, metres in gap.items()}
    return found


def circle(
    places: Mapping[str, Point], middle: Point, candidates: Collection[str], radius_m: float, count: int
) -> list[str]:
    """Crossings around a place, as evenly in angle and as near to the radius as streets allow."""
    found: list[str] = []
    for k in range(count):
        angle = math.tau * k / count
        goal = middle[0] + radius_m * math.cos(angle), middle[1] + radius_m * math.sin(angle)
        nearest = min(candidates, key=lambda c: (math.dist(places[c], goal), c))
        if nearest not in found:
            found.append(nearest)
    return found


def _foot(one: Point, other: Point, place: Point) -> Point:
    """The point of a straight piece that is nearest to a place."""
    east, north = other[0] - one[0], other[1] - one[1]
    square = east * east + north * north
    part = ((place[0] - one[0]) * east + (place[1] - one[1]) * north) / square if square else 0.0
    part = min(max(part, 0.0), 1.0)
    return round(one[0] + east * part, 2), round(one[1] + north * part, 2)


def _other(way: Way, end: str) -> str:
    return way.ends[1] if way.ends[0] == end else way.ends[0]


def _back(crossing: str, came: dict[str, Way]) -> list[Way]:
    """The ways by which a crossing was reached, the first one first."""
    ways = []
    while crossing in came:
        way = came[crossing]
        ways.append(way)
        crossing = _other(way, crossing)
    return ways[::-1]
