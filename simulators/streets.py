"""The ground of the county: towns on street grids, with names in both languages. No place of this name exists.

Coordinates are WGS-84 degrees. Codes have the form of GB/T 2260 (county, six digits) and GB/T 10114 (towns, nine), in a
range that is not assigned.
"""

import math
from dataclasses import dataclass

COUNTY_CODE = "539900"
COUNTY_EN = "Wangchuan County"
COUNTY_ZH = "望川县"
_METRES_PER_DEGREE = 111_320.0
_BLOCK_M = 320.0

_ROADS = (
    ("Renmin Road", "人民路"),
    ("Jianshe Road", "建设路"),
    ("Wenhua Road", "文化路"),
    ("Hubin Road", "湖滨路"),
    ("Xinghua Road", "兴华路"),
    ("Qingnian Road", "青年路"),
)
_STREETS = (
    ("Zhongshan Street", "中山街"),
    ("Heping Street", "和平街"),
    ("Dongfeng Street", "东风街"),
    ("Yunling Street", "云岭街"),
    ("Xuefu Street", "学府街"),
    ("Longquan Street", "龙泉街"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Town:
    """A town: its south-west crossing, and how many roads (west to east) and streets (south to north) it has."""

    code: str
    name_en: str
    name_zh: str
    longitude: float
    latitude: float
    roads: int
    streets: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A point at or near a crossing, and how people call it."""

    longitude: float
    latitude: float
    name_en: str
    name_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A road or a street, with its points as longitude and latitude."""

    line: tuple[tuple[float, float], ...]
    name_en: str
    name_zh: str


TOWNS = (
    Town(
        code="539900100", name_en="Chengguan", name_zh="城关镇", longitude=101.862, latitude=25.128, roads=6, streets=6
    ),
    Town(code="539900101", name_en="Donghu", name_zh="东湖镇", longitude=101.921, latitude=25.121, roads=4, streets=4),
    Town(code="539900102", name_en="Nanqiao", name_zh="南桥镇", longitude=101.870, latitude=25.083, roads=4, streets=4),
    Town(code="539900200", name_en="Beishan", name_zh="北山乡", longitude=101.855, latitude=25.176, roads=3, streets=3),
)


def metres(latitude: float, east_m: float, north_m: float) -> tuple[float, float]:
    """Metres east and north as degrees of longitude and latitude."""
    return east_m / (_METRES_PER_DEGREE * math.cos(math.radians(latitude))), north_m / _METRES_PER_DEGREE


def crossing(town: Town, road: int, street: int) -> tuple[float, float]:
    """Longitude and latitude where a road meets a street."""
    east, north = metres(town.latitude, street * _BLOCK_M, road * _BLOCK_M)
    return town.longitude + east, town.latitude + north


def crossings(town: Town) -> list[tuple[int, int]]:
    """(road, street) of every crossing, the centre first."""
    middle = ((town.roads - 1) / 2, (town.streets - 1) / 2)
    found = [(road, street) for road in range(town.roads) for street in range(town.streets)]
    return sorted(found, key=lambda c: ((c[0] - middle[0]) ** 2 + (c[1] - middle[1]) ** 2, c))


def place(town: Town, number: int, east_m: float, north_m: float) -> Place:
    """The place of the nth thing of a kind: crossing by crossing, then round again half a block further along."""
    spots = crossings(town)
    lap, index = divmod(number, len(spots))
    road, street = spots[index]
    longitude, latitude = crossing(town, road, street)
    east, north = metres(latitude, east_m + (lap % 2) * _BLOCK_M / 2, north_m + (lap // 2) * _BLOCK_M / 2)
    road_en, road_zh = _ROADS[road]
    street_en, street_zh = _STREETS[street]
    if lap == 0:
        names = (f"{road_en} at {street_en}", f"{road_zh}{street_zh}口")
    elif lap == 1:
        names = (f"{road_en} east of {street_en}", f"{road_zh}{street_zh}以东")
    else:
        names = (f"{street_en} north of {road_en}", f"{street_zh}{road_zh}以北")
    return Place(
        longitude=round(longitude + east, 6),
        latitude=round(latitude + north, 6),
        name_en=f"{names[0]}, {town.name_en}",
        name_zh=f"{town.name_zh}{names[1]}",
    )


def road_line(town: Town, road: int) -> Way:
    """A road from its first crossing to its last."""
    name_en, name_zh = _ROADS[road]
    line = [crossing(town, road, street) for street in range(town.streets)]
    return Way(line=_rounded(line), name_en=name_en, name_zh=name_zh)


def street_line(town: Town, street: int) -> Way:
    """A street from its first crossing to its last."""
    name_en, name_zh = _STREETS[street]
    line = [crossing(town, road, street) for road in range(town.roads)]
    return Way(line=_rounded(line), name_en=name_en, name_zh=name_zh)


def _rounded(line: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((round(longitude, 6), round(latitude, 6)) for longitude, latitude in line)
