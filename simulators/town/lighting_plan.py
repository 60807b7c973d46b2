"""Street lighting as it lies in the ground: cabinets, the feeders of each, and the lamps along the streets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulators.town.ground import Ground, Point

#: Metres between two poles; ours, after poles of 10 m on one side of a secondary road.
SPACING_M = 30.0
#: The most lamps on one feeder, and the most feeders of a cabinet: one on each phase.
MOST_LAMPS = 60
MOST_FEEDERS = 3
#: A shorter stub is not worth a breaker.
_LEAST_LAMPS = 10
#: LED luminaire of a secondary road, watts at full light; ours, after common types.
LAMP_W = 60.0
#: Power factor of an LED driver under load; GB/T 31832-2015 asks for 0.9 at least, good drivers reach this.
POWER_FACTOR = 0.95
#: What driver and controller draw while the lamp is dark; ours, after common controllers.
STANDBY_W, STANDBY_FACTOR = 0.8, 0.9
#: The cabinet's own equipment: meter, controller, modem; ours.
OWN_W = 30.0
#: Copper of 35 mm2 at 20 degrees, ohm a kilometre of one conductor (IEC 60228, table 2); two conductors carry a loop.
RESISTANCE_OHM_KM = 0.524
#: Inductive reactance of such a cable, ohm a kilometre of one conductor: the usual figure for low voltage.
REACTANCE_OHM_KM = 0.08
#: Ratings of breakers, A (IEC 60898-1).
_RATINGS = (16, 20, 25, 32, 40, 50, 63, 80, 100, 125)
_NOMINAL_V = 220.0
#: Water this close to a thing reaches it; ours.
_REACH_M = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitored:
    """A lamp that reports."""

    asset: str
    #: Which lamp of the feeder, 0 is the one next to the cabinet.
    place: int
    #: Drainage nodes whose water stands at it.
    nodes: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """Its controller."""
        return f"{self.asset}-d"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feeder:
    """A two-wire cable on one phase, from lamp to lamp.

    Attributes:
        number: From 1; 1 is the longest.
        lamps: Where its lamps stand, metres; one every SPACING_M of cable.
        monitored: Those that report.
    """

    number: int
    lamps: tuple[Point, ...]
    monitored: tuple[Monitored, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cabinet:
    """A cabinet and what hangs on it."""

    asset: str
    #: Metres east and north.
    place: Point
    feeders: tuple[Feeder, ...]
    nodes: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """Its meter and controller."""
        return f"{self.asset}-d"

    @property
    def gateway(self) -> str:
        """The device through which its lamps speak."""
        return f"{self.asset}-gw"

    @property
    def lamps(self) -> int:
        """How many lamps it feeds."""
        return sum(len(feeder.lamps) for feeder in self.feeders)

    @property
    def rated_a(self) -> int:
        """Rating of its breaker: a quarter above the current of all its lamps at full light."""
        needed = 1.25 * (self.lamps * LAMP_W / POWER_FACTOR + OWN_W) / _NOMINAL_V
        return next((rating for rating in _RATINGS if rating >= needed), _RATINGS[-1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Meter:
    """A light meter under a lamp of a feeder."""

    asset: str
    cabinet: str
    feeder: int

    @property
    def device(self) -> str:
        """The instrument."""
        return f"{self.asset}-d"


@dataclass(frozen=True, kw_only=True, slots=True)
class LightingPlan:
    """All of the lighting, and where on Earth it is (degrees, for the sun)."""

    cabinets: tuple[Cabinet, ...]
    meters: tuple[Meter, ...]
    longitude: float
    latitude: float


class Streets:
    """Finds streets for feeders; a street carries one of them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._ways: dict[str, list[int]] = {}
        self._used: set[int] = set()
        for index, way in enumerate(ground.ways):
            for end in way.ends:
                self._ways.setdefault(end, []).append(index)

    def ways(self, crossing: str) -> int:
        """How many streets meet at a crossing."""
        return len(self._ways.get(crossing, ()))

    def reach(self, crossing: str) -> float:
        """Metres of street that meet at a crossing."""
        return sum(self._ground.ways[index].length_m for index in self._ways.get(crossing, ()))

    def feeders(self, crossing: str, cabinet: Point) -> list[tuple[Point, ...]]:
        """The lamps of up to MOST_FEEDERS feeders of a cabinet, through a crossing, the longest first."""
        found = []
        for _ in range(MOST_FEEDERS):
            lamps = self._walk(crossing, cabinet)
            if len(lamps) >= _LEAST_LAMPS:
                found.append(lamps)
        return sorted(found, key=lambda lamps: (-len(lamps), lamps))

    def _walk(self, start: str, cabinet: Point) -> tuple[Point, ...]:
        """Lamps along streets, straight on at each crossing, until the feeder is full or the street ends."""
        line = [cabinet, self._ground.crossings[start]]
        length, at = 0.0, ""
        while length < MOST_LAMPS * SPACING_M:
            free = [index for index in self._ways.get(at or start, ()) if index not in self._used]
            if not free:
                break
            # The longest street of the first crossing; then straight on.
            index = min(free, key=lambda i: (self._turn(line, at, i) if at else -self._ground.ways[i].length_m, i))
            at = at or start
            self._used.add(index)
            way = self._ground.ways[index]
            points = way.line if way.ends[0] == at else way.line[::-1]
            line += points[1:]
            length += way.length_m
            at = way.ends[1] if way.ends[0] == at else way.ends[0]
        return spaced(line, SPACING_M, MOST_LAMPS)

    def _turn(self, line: Sequence[Point], at: str, index: int) -> float:
        """How far a street bends away from the way so far, radians."""
        way = self._ground.ways[index]
        points = way.line if way.ends[0] == at else way.line[::-1]
        before, here, after = line[-2], line[-1], points[1]
        turn = math.atan2(after[1] - here[1], after[0] - here[0]) - math.atan2(here[1] - before[1], here[0] - before[0])
        return abs(math.remainder(turn, math.tau))


def spaced(line: Sequence[Point], spacing_m: float, most: int) -> tuple[Point, ...]:
    """Points every some metres of a polyline, the first one spacing from its begin."""
    found: list[Point] = []
    left = spacing_m
    for one, other in pairwise(line):
        length = math.dist(one, other)
        done = 0.0
        while length - done >= left and len(found) < most:
            done += left
            left = spacing_m
            part = done / length
            found.append((round(one[0] + (other[0] - one[0]) * part, 2), round(one[1] + (other[1] - one[1]) * part, 2)))
        left -= length - done
    return tuple(found)


def near(places: Mapping[str, Point], point: Point) -> tuple[str, ...]:
    """Names of the places whose water reaches a point, the nearest first."""
    found = sorted((math.dist(place, point), name) for name, place in places.items())
    return tuple(name for distance, name in found if distance <= _REACH_M)
