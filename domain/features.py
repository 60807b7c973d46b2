"""Assets as GeoJSON (RFC 7946): points and lines, longitude before latitude, degrees WGS-84."""

import itertools
import json
import math
from pathlib import Path
from typing import Any, Never

from domain.registry import Asset
from domain.tables import read_text, text_problem

_REQUIRED = ("id", "network", "kind", "name_en", "name_zh", "area")
#: How deep the coordinates of each geometry are nested.
_DEPTH = {"Point": 0, "LineString": 1, "MultiLineString": 2}
_WGS84 = ("CRS84", "4326")
#: Longitude and latitude of China with a margin: a position outside whose mirror image lies inside was swapped.
_CHINA = ((73.0, 136.0), (3.0, 54.5))

Position = list[float]


def read_assets(path: Path, problems: list[str]) -> list[tuple[str, Asset]]:
    """The assets of a feature collection, each with where it stands; problems name the feature's index and id."""
    text = read_text(path, problems)
    if text is None:
        return []
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        line = getattr(exc, "lineno", None)
        where = f"{path.name}:{line}" if line else path.name
        problems.append(f"{where}: not JSON: {getattr(exc, 'msg', None) or exc}: mend it with a JSON editor")
        return []
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        problems.append(f"{path.name}: not a GeoJSON FeatureCollection with a list of features: export it as one")
        return []
    crs = document.get("crs")
    if crs is not None and not any(name in json.dumps(crs) for name in _WGS84):
        problems.append(f"{path.name}: crs is {json.dumps(crs)}: convert the coordinates to WGS-84 and leave crs out")
    assets = []
    for index, feature in enumerate(document["features"]):
        asset = _asset(f"{path.name}: feature {index}", feature, problems)
        if asset is not None:
            assets.append(asset)
    return assets


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a number of JSON")


def _asset(where: str, feature: Any, problems: list[str]) -> tuple[str, Asset] | None:  # noqa: ANN401
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        problems.append(f"{where}: not a feature with properties: give it {', '.join(_REQUIRED)}")
        return None
    given = feature["properties"]
    where = f"{where} (id {given.get('id')!r})"
    texts = {name: _text(where, name, given.get(name), problems) for name in _REQUIRED}
    tags = _tags(where, given, problems)
    lines = _lines(where, feature.get("geometry"), problems)
    # Without a usable geometry the rest is checked all the same, so that one look finds every problem.
    kind = feature["geometry"]["type"] if lines else "Point"
    lines = lines or [[[0.0, 0.0]]]
    longitude, latitude = middle(lines)
    coordinates: Any = {"Point": lines[0][0], "LineString": lines[0], "MultiLineString": lines}[kind]
    return where, Asset(
        **texts,
        geometry={"type": kind, "coordinates": coordinates},
        longitude=longitude,
        latitude=latitude,
        tags=tags,
    )


def _text(where: str, name: str, value: Any, problems: list[str]) -> str:  # noqa: ANN401
    if isinstance(value, int) and not isinstance(value, bool) and name in ("id", "area"):
        value = str(value)
    if not isinstance(value, str):
        problems.append(f"{where}: {name} is {'missing' if value is None else 'not a text'}: give it a text")
        return ""
    text: str = value.strip()
    wrong = text_problem(text)
    if wrong:
        problems.append(f"{where}: {name} {wrong}")
    return text


def _tags(where: str, given: dict[str, Any], problems: list[str]) -> dict[str, str]:
    """Every further property that has a value is kept as a text."""
    tags = {}
    for name, value in given.items():
        if name in _REQUIRED or value is None:
            continue
        if isinstance(value, dict | list):
            problems.append(f"{where}: property {name!r} is nested: give it a text or a number")
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        wrong = text_problem(name) or (text and text_problem(text))
        if wrong:
            problems.append(f"{where}: property {name!r} {wrong}")
        tags[name] = text
    return dict(sorted(tags.items()))


def _lines(where: str, geometry: Any, problems: list[str]) -> list[list[Position]]:  # noqa: ANN401
    """The geometry as a list of lines (a point: one line of one position); empty if it cannot be used."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    depth = _DEPTH.get(str(kind))
    if depth is None:
        problems.append(f"{where}: geometry {kind!r}: draw it as one of {', '.join(_DEPTH)}")
        return []
    lines = geometry.get("coordinates")
    for _ in range(2 - depth):
        lines = [lines]
    shaped = isinstance(lines, list) and lines and all(isinstance(line, list) and line for line in lines)
    if not shaped or (depth > 0 and any(len(line) < 2 for line in lines)):
        problems.append(f"{where}: coordinates do not form a {kind}: a line has two positions or more")
        return []
    result = []
    for line in lines:
        positions = []
        for position in line:
            wrong = _position_problem(position)
            if wrong:
                problems.append(f"{where}: position {json.dumps(position)} {wrong}")
                return []
            positions.append([float(number) for number in position])
        result.append(positions)
    return result


def _position_problem(position: Any) -> str | None:  # noqa: ANN401
    numbers = isinstance(position, list) and len(position) in (2, 3)
    if not numbers or any(isinstance(n, bool) or not isinstance(n, int | float) for n in position):
        return "is not [longitude, latitude]: give two numbers"
    longitude, latitude = position[:2]
    if not all(abs(n) < 1e6 for n in position):
        return "is not finite: give degrees"
    if abs(latitude) > 90 >= abs(longitude) or (not _in_china(longitude, latitude) and _in_china(latitude, longitude)):
        return "looks swapped: GeoJSON wants [longitude, latitude]"
    if abs(longitude) > 180 or abs(latitude) > 90:
        return "lies outside WGS-84 (longitude -180 to 180, latitude -90 to 90): convert it to degrees"
    return None


def _in_china(longitude: float, latitude: float) -> bool:
    (west, east), (south, north) = _CHINA
    return west <= longitude <= east and south <= latitude <= north


def middle(lines: list[list[Position]]) -> tuple[float, float]:
    """The point itself, or the point half-way along the first line."""
    line = lines[0]
    lengths = [math.dist(a[:2], b[:2]) for a, b in itertools.pairwise(line)]
    left = sum(lengths) / 2
    for start, end, length in zip(line, line[1:], lengths, strict=False):
        if left <= length and length > 0:
            share = left / length
            return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        left -= length
    return line[0][0], line[0][1]


def write_assets(path: Path, assets: tuple[Asset, ...]) -> None:
    """Writes one feature a line, so that a change of one asset is a change of one line."""
    lines = []
    for asset in sorted(assets, key=lambda a: a.id):
        properties = {name: getattr(asset, name) for name in _REQUIRED} | dict(sorted(asset.tags.items()))
        geometry = {"type": asset.geometry["type"], "coordinates": asset.geometry["coordinates"]}
        feature = {"type": "Feature", "properties": properties, "geometry": geometry}
        lines.append(json.dumps(feature, ensure_ascii=False))
    body = ",\n".join(lines)
    text = f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n'
    path.write_text(text, encoding="utf-8", newline="")
