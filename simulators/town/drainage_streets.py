"""Where a drainage district lies: its main sewer along streets of the town, its branches in side streets or lanes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from domain.errors import ConfigurationError
from simulators.town.ground import Ground, Point, Way, along

#: Manholes of a main sewer stand 80 m apart and those of a branch 75 m: the conduits of the template (`drainage.inp`).
_SPACING_M, _BRANCH_M, _UNDERPASS_M = 80.0, 75.0, 70.0
_MAIN = tuple(f"MH{number:02d}" for number in range(1, 13))
#: Where each branch joins the main sewer, its manholes from there on, and its side in the template (1: left of the
#: flow).
_BRANCHES = (
    ("MH03", ("MH13", "MH14"), 1),
    ("MH05", ("MH15", "MH16"), -1),
    ("MH07", ("MH17", "MH18"), 1),
    ("MH09", ("MH19", "MH20"), -1),
    ("MH11", ("MH21", "MH22"), 1),
)
#: Below the last manhole: wet well, end of the pressure pipe, river outfall; metres along the main sewer.
_STATION = (("WW1", 905.0), ("PD1", 920.0), ("OF1", 980.0))
_LENGTH_M = _STATION[-1][1]
#: A sewer does not double back: streets are followed up to this turn.
_SHARPEST = math.radians(60)
#: A branch follows a side street that begins this near to its manhole; else it lies in a lane across.
_CORNER_M = 45.0
#: Two nodes are never nearer than this, or the streets of the district would cross themselves.
_APART_M = 14.0
#: What stands beside a node is in its subdistrict too; those are strips from west to east.
_BESIDE_M = 45.0
#: How many crossings around the wanted place may begin a main sewer.
_TRIED = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Lie:
    """A district on the ground.

    Attributes:
        places: Node of the template -> metres east and north.
        main: The street of the main sewer, in the direction of the flow.
        branches: Node where a branch joins -> its line, from the main sewer outwards.
    """

    places: dict[str, Point]
    main: tuple[Point, ...]
    branches: dict[str, tuple[Point, ...]]

    @property
    def middle(self) -> Point:
        """Half way down the main sewer."""
        return self.places["MH06"]


def lie(ground: Ground, wanted: Point, shift: float = 0.0) -> Lie:
    """The district nearest to a place: its main sewer follows streets that go on without a sharp turn.

    All of it lies in one subdistrict, so that its rain gauge is in the area of everything that it rains on.

    Args:
        ground: The ground.
        wanted: Where its middle should be.
        shift: From 0 to 1: how much of what the streets are longer than the sewer lies above its first manhole.

    Raises:
        ConfigurationError: No chain of streets there is long enough.
    """
    leaving = _leaving(ground)
    starts = sorted(ground.crossings, key=lambda c: (math.dist(ground.crossings[c], wanted), c))[:_TRIED]
    best: tuple[float, Lie] | None = None
    for start in starts:
        for line, passed in _chains(leaving, start):
            found = _laid(_shifted(line, shift), leaving, passed)
            off = math.dist(found.middle, wanted)
            if (best is None or off < best[0]) and _possible(ground, found):
                best = off, found
    if best is None:
        raise ConfigurationError("simulators", [f"no street for a main sewer near {wanted}"])
    return best[1]


_Leaving = dict[str, list[tuple[Way, str, tuple[Point, ...]]]]


def _leaving(ground: Ground) -> _Leaving:
    """Crossing -> streets that leave it: way, crossing at the other end, line from here."""
    found: _Leaving = {crossing: [] for crossing in ground.crossings}
    for way in ground.ways:
        one, other = way.ends
        found[one].append((way, other, way.line))
        found[other].append((way, one, way.line[::-1]))
    return found


def _chains(leaving: _Leaving, start: str) -> Iterator[tuple[tuple[Point, ...], tuple[str, ...]]]:
    """Lines of streets from a crossing on, long enough for a main sewer, with the crossings that they pass."""
    pending: list[tuple[tuple[Point, ...], tuple[str, ...], float]] = [((), (start,), 0.0)]
    while pending:
        line, passed, length = pending.pop()
        if length >= _LENGTH_M:
            yield line, passed
            continue
        for way, other, piece in leaving[passed[-1]]:
            if other not in passed and (not line or _turn(line, piece) <= _SHARPEST):
                pending.append((line + piece[bool(line) :], (*passed, other), length + way.length_m))


def _turn(line: tuple[Point, ...], piece: tuple[Point, ...]) -> float:
    """Radians between the end of a line and the begin of the next."""
    turn = _bearing(piece[0], piece[1]) - _bearing(line[-2], line[-1])
    return abs((turn + math.pi) % (2 * math.pi) - math.pi)


def _bearing(one: Point, other: Point) -> float:
    return math.atan2(other[1] - one[1], other[0] - one[0])


def _laid(line: tuple[Point, ...], leaving: _Leaving, passed: tuple[str, ...]) -> Lie:
    places = {node: along(line, number * _SPACING_M) for number, node in enumerate(_MAIN)}
    places |= {node: along(line, distance) for node, distance in _STATION}
    corners = [piece for crossing in passed[1:-1] for _, other, piece in leaving[crossing] if other not in passed]
    branches: dict[str, tuple[Point, ...]] = {}
    for joint, nodes, side in _BRANCHES:
        branch = _side_street(places[joint], corners) or _lane(line, places, joint, side * 2 * _BRANCH_M)
        branches[joint] = branch
        places |= {node: along(branch, (number + 1) * _BRANCH_M) for number, node in enumerate(nodes)}
    # Opposite to the last branch: the underpass, which drains to the same manhole.
    ramp = _lane(line, places, "MH11", -_UNDERPASS_M)
    if math.dist(ramp[1], along(branches["MH11"], _UNDERPASS_M)) < _UNDERPASS_M:
        ramp = _lane(line, places, "MH11", _UNDERPASS_M)
    places["UP1"] = ramp[1]
    rounded = {node: (round(east, 2), round(north, 2)) for node, (east, north) in places.items()}
    return Lie(places=rounded, main=_cut(line, _LENGTH_M), branches=branches)


def _side_street(joint: Point, corners: list[tuple[Point, ...]]) -> tuple[Point, ...] | None:
    """The street that leaves the main one beside a manhole, if it is long enough for a branch."""
    near = [piece for piece in corners if math.dist(piece[0], joint) <= _CORNER_M and _length(piece) >= 2 * _BRANCH_M]
    return min(near, key=lambda piece: math.dist(piece[0], joint), default=None)


def _lane(line: tuple[Point, ...], places: dict[str, Point], joint: str, across_m: float) -> tuple[Point, ...]:
    """A lane across the main sewer; metres to the left of the flow, negative ones to the right."""
    number = _MAIN.index(joint)
    bearing = _bearing(along(line, (number - 1) * _SPACING_M), along(line, (number + 1) * _SPACING_M)) + math.pi / 2
    east, north = places[joint]
    return (east, north), (east + across_m * math.cos(bearing), north + across_m * math.sin(bearing))


def _shifted(line: tuple[Point, ...], shift: float) -> tuple[Point, ...]:
    """A line without its begin, as far as it is longer than a main sewer."""
    left = shift * (_length(line) - _LENGTH_M)
    for number, (one, other) in enumerate(pairwise(line), start=1):
        length = math.dist(one, other)
        if left < length:
            return (along((one, other), left), *line[number:])
        left -= length
    return line


def _length(line: tuple[Point, ...]) -> float:
    return sum(math.dist(one, other) for one, other in pairwise(line))


def _cut(line: tuple[Point, ...], length_m: float) -> tuple[Point, ...]:
    """The first metres of a line."""
    kept, left = [line[0]], length_m
    for one, other in pairwise(line):
        length = math.dist(one, other)
        if length >= left:
            kept.append(along((one, other), left))
            break
        kept.append(other)
        left -= length
    return tuple(kept)


def _possible(ground: Ground, found: Lie) -> bool:
    places = found.places.values()
    edges = min(east for east, _ in places) - _BESIDE_M, max(east for east, _ in places) + _BESIDE_M
    return (
        len({ground.spot(east, 0.0).district.code for east in edges}) == 1
        and min(math.dist(one, other) for one, other in combinations(places, 2)) >= _APART_M
    )
