"""The ground of the town: crossings and streets, which every network shares, with addresses in both languages.

Streets are where the water mains of an EPANET network lie: ky4, a real town of 959 junctions at real scale, or Net3 for
tests. Crossings keep the ids of its nodes. East and north are metres from the south-west corner; the corner has a place
in WGS-84 in a county that does not exist (`simulators.streets`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from simulators.streets import metres
from simulators.town.inp import library_network, sections

Scale = Literal["town", "test"]
Point = tuple[float, float]
#: South-west corner of the town, degrees.
_LONGITUDE, _LATITUDE = 101.790, 25.090
#: EPANET network and metres in a unit of its map: ky4 is drawn in feet; Net3 is schematic, and this is the median of
#: pipe length over drawn length.
_MAPS: Mapping[Scale, tuple[str, float]] = {"town": ("ky4", 0.3048), "test": ("Net3", 225.0)}
#: Subdistricts from west to east; codes of the form of GB/T 10114 (nine digits) in an unassigned range.
_DISTRICTS = (
    ("539900001", "Chengxi", "城西街道"),
    ("539900002", "Chengzhong", "城中街道"),
    ("539900003", "Chengdong", "城东街道"),
)
#: From south to north; each is a band of the map.
_ROADS = (
    ("Binjiang Road", "滨江路"),
    ("Nanhuan Road", "南环路"),
    ("Jianshe Road", "建设路"),
    ("Renmin Road", "人民路"),
    ("Wenhua Road", "文化路"),
    ("Xinghua Road", "兴华路"),
    ("Hubin Road", "湖滨路"),
    ("Beihuan Road", "北环路"),
)
#: From west to east.
_STREETS = (
    ("Xiguan Street", "西关街"),
    ("Longquan Street", "龙泉街"),
    ("Heping Street", "和平街"),
    ("Zhongshan Street", "中山街"),
    ("Xuefu Street", "学府街"),
    ("Dongfeng Street", "东风街"),
    ("Yunling Street", "云岭街"),
    ("Dongguan Street", "东关街"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class District:
    """A subdistrict: a strip of the town."""

    code: str
    name_en: str
    name_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A stretch of street between two crossings: the line in metres, and its real length."""

    id: str
    ends: tuple[str, str]
    line: tuple[Point, ...]
    length_m: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A place with its address."""

    east_m: float
    north_m: float
    longitude: float
    latitude: float
    district: District
    name_en: str
    name_zh: str


class Ground:
    """Crossings, streets and addresses of a town. Two of the same scale are equal.

    Attributes:
        crossings: Id of an EPANET junction, reservoir or tank -> metres east and north, in the order of the file.
        ways: Streets, in the order of the pipes of the file.
    """

    def __init__(self, scale: Scale) -> None:
        self.scale: Scale = scale
        name, unit_m = _MAPS[scale]
        self.source = library_network(name)
        found = sections(self.source.read_text(encoding="latin-1"))
        raw = {row[0]: (float(row[1]), float(row[2])) for row in found["COORDINATES"]}
        west, south = min(x for x, _ in raw.values()), min(y for _, y in raw.values())

        def on_ground(x: float, y: float) -> Point:
            return round((x - west) * unit_m, 2), round((y - south) * unit_m, 2)

        self.crossings: dict[str, Point] = {node: on_ground(*place) for node, place in raw.items()}
        bends: dict[str, list[Point]] = {}
        for row in found.get("VERTICES", []):
            bends.setdefault(row[0], []).append(on_ground(float(row[1]), float(row[2])))
        self.ways = tuple(self._way(row[0], row[1], row[2], bends.get(row[0], [])) for row in found["PIPES"])
        self.size_m = max(x for x, _ in self.crossings.values()), max(y for _, y in self.crossings.values())
        # Bands hold as many crossings each: dense quarters have narrow bands, as towns have.
        self._easts = _bounds([x for x, _ in self.crossings.values()], len(_STREETS))
        self._norths = _bounds([y for _, y in self.crossings.values()], len(_ROADS))
        self._borders = _bounds([x for x, _ in self.crossings.values()], len(_DISTRICTS))

    @property
    def districts(self) -> tuple[District, ...]:
        """The subdistricts, from west to east."""
        return tuple(District(code=code, name_en=en, name_zh=zh) for code, en, zh in _DISTRICTS)

    @property
    def centre(self) -> Point:
        """The middle of the crossings (medians): the densest part of the town."""
        easts, norths = sorted(x for x, _ in self.crossings.values()), sorted(y for _, y in self.crossings.values())
        return easts[len(easts) // 2], norths[len(norths) // 2]

    def at(self, crossing: str, east_m: float = 0.0, north_m: float = 0.0) -> Spot:
        """The place of a crossing, or some metres beside it; KeyError for no crossing."""
        east, north = self.crossings[crossing]
        return self.spot(east + east_m, north + north_m)

    def spot(self, east_m: float, north_m: float) -> Spot:
        """Any place, with its address: the road and the street of its band."""
        longitude, latitude = self.degrees(east_m, north_m)
        road_en, road_zh = _ROADS[_band(self._norths, north_m)]
        street_en, street_zh = _STREETS[_band(self._easts, east_m)]
        return Spot(
            east_m=east_m,
            north_m=north_m,
            longitude=longitude,
            latitude=latitude,
            district=self.districts[_band(self._borders, east_m)],
            name_en=f"{road_en} at {street_en}",
            name_zh=f"{road_zh}{street_zh}口",
        )

    def degrees(self, east_m: float, north_m: float) -> Point:
        """Longitude and latitude (WGS-84), to a decimetre."""
        east, north = metres(_LATITUDE, east_m, north_m)
        return round(_LONGITUDE + east, 6), round(_LATITUDE + north, 6)

    def nearest(self, east_m: float, north_m: float) -> str:
        """The crossing closest to a place; of equals the first by id."""
        return min(self.crossings, key=lambda c: (math.dist(self.crossings[c], (east_m, north_m)), c))

    def _way(self, name: str, start: str, end: str, bends: list[Point]) -> Way:
        line = (self.crossings[start], *bends, self.crossings[end])
        length = sum(math.dist(one, other) for one, other in pairwise(line))
        return Way(id=name, ends=(start, end), line=line, length_m=length)


@lru_cache(maxsize=2)
def ground(scale: Scale) -> Ground:
    """The ground of a scale; read once."""
    return Ground(scale)


def along(line: tuple[Point, ...], distance_m: float) -> Point:
    """The point of a polyline some metres from its begin; its end if it is shorter."""
    left = distance_m
    for one, other in pairwise(line):
        length = math.dist(one, other)
        if left <= length and length > 0:
            part = left / length
            return one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part
        left -= length
    return line[-1]


def _bounds(values: list[float], count: int) -> list[float]:
    ordered = sorted(values)
    return [ordered[len(ordered) * k // count] for k in range(1, count)]


def _band(bounds: list[float], value: float) -> int:
    return sum(value >= bound for bound in bounds)
