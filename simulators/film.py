"""An incident in the town as a short film: an animated SVG that plays in any browser and in a README, without scripts.

Streets are drawn once. What spreads is drawn over them, picture by picture: contaminant or lost pressure in the mains,
water on the streets, and every alert as a ring where it stands, with its line in the list beside the map.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.times import to_datetime
from simulators.town.ground import Ground, Point
from simulators.town.truth import Series, Truth

Language = Literal["en", "zh"]
_WIDTH, _HEIGHT, _LIST = 760.0, 560.0, 400.0
_MARGIN = 28.0
_ZONE = ZoneInfo("Asia/Shanghai")
#: GB/T-like order of the four levels; the colours are those of the dashboards.
_LEVELS = {"red": "#f2495c", "orange": "#ff9830", "yellow": "#fade2a", "blue": "#5794f2"}
_PAPER, _STREET, _INK, _FAINT = "#111722", "#35425a", "#e6e9ef", "#8d97a8"
#: Contaminant: from a street to the full colour, in steps of a third of a decade from 0.01 mg/L on; ours.
_SPREAD = ("#4a3350", "#70385f", "#993d6c", "#c4447a", "#ee4b8a")
_LEAST_MG_L = 0.02
#: Pressure lost against the first picture, in metres of water.
_FALL = ("#33455c", "#35587c", "#3871a8", "#3f8fd6", "#59b4ff")
_LEAST_M = 1.0
#: Water on a street, metres: a circle's area grows with the depth.
_LEAST_DEPTH_M = 0.02
_LINES = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """An alert on the map; times in microseconds since 1970 (UTC)."""

    longitude: float
    latitude: float
    level: str
    since: int
    until: int | None
    text: str


def film(
    ground: Ground,
    truth: Truth,
    pins: Sequence[Pin],
    *,
    title: str,
    pictures: NDArray[np.int64],
    standing: dict[str, Point],
    language: Language = "en",
    seconds: float = 18.0,
) -> str:
    """The SVG.

    Args:
        ground: Streets.
        truth: Fields of the engines over the whole span.
        pins: Alerts.
        title: What is written over the map.
        pictures: Indices into the span, one for each picture.
        standing: Drainage node -> where it is, in metres.
        language: Of the words.
        seconds: How long the film plays before it begins again.
    """
    times = truth.span.times[pictures]
    sheet = _Sheet(ground, times, seconds)
    pieces = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + _LIST:g} {_HEIGHT:g}" '
            f'font-family="system-ui, -apple-system, Segoe UI, Noto Sans CJK SC, sans-serif" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="10" fill="{_PAPER}"/>',
        sheet.streets(),
        *_mains(sheet, truth, pictures),
        *_puddles(sheet, truth, pictures, standing),
        *(piece for pin in pins for piece in sheet.ring(pin)),
        f'<text x="{_MARGIN:g}" y="34" fill="{_INK}" font-size="19" font-weight="600">{escape(title)}</text>',
        *sheet.clock(),
        *sheet.listed(sorted(pins, key=lambda pin: pin.since), language),
        "</svg>",
    ]
    return "\n".join(pieces) + "\n"


class _Sheet:
    """Where things lie on the paper, and when each is seen."""

    def __init__(self, ground: Ground, times: NDArray[np.int64], seconds: float) -> None:
        self.ground = ground
        self.times = times
        self._seconds = seconds
        width, height = ground.size_m
        self._scale = min((_WIDTH - 2 * _MARGIN) / width, (_HEIGHT - 120) / height)
        self._top = 64 + ((_HEIGHT - 120) - height * self._scale) / 2
        self._west, self._south = ground.degrees(0.0, 0.0)
        east, north = ground.degrees(*ground.size_m)
        self._per_degree = width / (east - self._west), height / (north - self._south)

    def place(self, point: Point) -> Point:
        """Metres on the ground as a place on the paper."""
        x = _MARGIN + point[0] * self._scale
        return round(x, 1), round(self._top + (self.ground.size_m[1] - point[1]) * self._scale, 1)

    def line(self, points: Iterable[Point]) -> str:
        """The data of a path."""
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in map(self.place, points))

    def streets(self) -> str:
        data = "".join(self.line(way.line) for way in self.ground.ways)
        return f'<path d="{data}" fill="none" stroke="{_STREET}" stroke-width="1.6" stroke-linecap="round"/>'

    def steps(self, attribute: str, values: Sequence[str]) -> str:
        """An animation that jumps from value to value, picture by picture; only where something changes."""
        kept = [0] + [k for k in range(1, len(values)) if values[k] != values[k - 1]]
        keys = ";".join(f"{k / len(values):.4g}" for k in kept)
        listed = ";".join(values[k] for k in kept)
        return (
            f'<animate attributeName="{attribute}" calcMode="discrete" dur="{self._seconds:g}s" '
            f'repeatCount="indefinite" keyTimes="{keys}" values="{listed}"/>'
        )

    def seen(self, since: int, until: int | None) -> list[bool]:
        return [since <= time and (until is None or time < until) for time in self.times.tolist()]

    def ring(self, pin: Pin) -> list[str]:
        shown = self.seen(pin.since, pin.until)
        if not any(shown):
            return []
        east = (pin.longitude - self._west) * self._per_degree[0]
        north = (pin.latitude - self._south) * self._per_degree[1]
        x, y = self.place((east, north))
        colour = _LEVELS.get(pin.level, _INK)
        visible = self.steps("opacity", ["1" if on else "0" for on in shown])
        return [
            (
                f'<g opacity="0">{visible}<circle cx="{x:g}" cy="{y:g}" r="4" fill="{colour}"/>'
                f'<circle cx="{x:g}" cy="{y:g}" r="9" fill="none" stroke="{colour}" stroke-width="2">'
                '<animate attributeName="r" values="5;14" dur="1.2s" repeatCount="indefinite"/>'
                '<animate attributeName="stroke-opacity" values="1;0" dur="1.2s" repeatCount="indefinite"/>'
                "</circle></g>"
            )
        ]

    def clock(self) -> list[str]:
        """The local time of each picture, and how far the film is."""
        pieces = []
        for index, time in enumerate(self.times.tolist()):
            shown = self.steps("opacity", ["1" if k == index else "0" for k in range(len(self.times))])
            words = to_datetime(time).astimezone(_ZONE).strftime("%H:%M")
            pieces.append(
                f'<text x="{_MARGIN:g}" y="{_HEIGHT - 20:g}" fill="{_INK}" font-size="22" opacity="0" '
                f'font-variant-numeric="tabular-nums">{shown}{words}</text>'
            )
        length = _WIDTH - 2 * _MARGIN - 80
        pieces.append(
            f'<rect x="{_MARGIN + 80:g}" y="{_HEIGHT - 29:g}" width="{length:g}" height="3" fill="{_STREET}"/>'
            f'<rect x="{_MARGIN + 80:g}" y="{_HEIGHT - 29:g}" width="0" height="3" fill="{_FAINT}">'
            f'<animate attributeName="width" from="0" to="{length:g}" dur="{self._seconds:g}s" '
            'repeatCount="indefinite"/></rect>'
        )
        return pieces

    def listed(self, pins: Sequence[Pin], language: Language) -> list[str]:
        """The alerts as lines, each from when it is raised; the first ones if there are many."""
        seen = [pin for pin in pins if any(self.seen(pin.since, None))]
        head = "告警" if language == "zh" else "Alerts"
        pieces = [f'<text x="{_WIDTH + 10:g}" y="34" fill="{_FAINT}" font-size="15">{head}</text>']
        for number, pin in enumerate(seen[:_LINES]):
            y = 66 + number * 31
            shown = self.steps("opacity", ["1" if on else "0" for on in self.seen(pin.since, None)])
            time = to_datetime(pin.since).astimezone(_ZONE).strftime("%H:%M")
            pieces.append(
                f'<g opacity="0">{shown}<circle cx="{_WIDTH + 15:g}" cy="{y - 4:g}" r="5" '
                f'fill="{_LEVELS.get(pin.level, _INK)}"/><text x="{_WIDTH + 28:g}" y="{y:g}" fill="{_FAINT}" '
                f'font-size="12.5">{time}</text><text x="{_WIDTH + 68:g}" y="{y:g}" fill="{_INK}" font-size="12.5">'
                f"{escape(_short(pin.text))}</text></g>"
            )
        if len(seen) > _LINES:
            more = len(seen) - _LINES
            words = f"另有 {more} 条" if language == "zh" else f"and {more} more"
            y = 66 + _LINES * 31
            shown = self.steps("opacity", ["1" if on else "0" for on in self.seen(seen[_LINES].since, None)])
            pieces.append(
                f'<text x="{_WIDTH + 28:g}" y="{y:g}" fill="{_FAINT}" font-size="12.5" opacity="0">{shown}'
                f"{words}</text>"
            )
        return pieces


def _mains(sheet: _Sheet, truth: Truth, pictures: NDArray[np.int64]) -> Iterable[str]:
    """Mains in which something spreads: a contaminant if there is one, otherwise lost pressure."""
    if "water.contaminant" in truth.fields:
        things, values = truth.things["water.contaminant"], truth.fields["water.contaminant"][pictures]
        colours, least, step = _SPREAD, _LEAST_MG_L, 10 ** (2 / 3)
    elif "water.pressure" in truth.fields:
        things, pressure = truth.things["water.pressure"], truth.fields["water.pressure"]
        values = _lost(pressure, pictures)
        colours, least, step = _FALL, _LEAST_M, 2.0
    else:
        return
    column = {thing: number for number, thing in enumerate(things)}
    for way in sheet.ground.ways:
        if not all(end in column for end in way.ends):
            continue
        worst = np.maximum(values[:, column[way.ends[0]]], values[:, column[way.ends[1]]])
        if worst.max() < least:
            continue
        shown = [_colour(float(value), colours, least, step) for value in worst]
        yield (
            f'<path d="{sheet.line(way.line)}" fill="none" stroke="{_STREET}" stroke-width="2.6" '
            f'stroke-linecap="round">{sheet.steps("stroke", shown)}</path>'
        )


def _lost(pressure: Series, pictures: NDArray[np.int64]) -> Series:
    """How much lower each node is than the whole town is at that time: the day's own rise and fall is taken out."""
    shown = pressure[pictures]
    swing = np.median(shown - shown[0], axis=1, keepdims=True)
    return np.asarray(shown[0] + swing - shown, dtype=np.float64)


def _colour(value: float, colours: Sequence[str], least: float, step: float) -> str:
    if value < least:
        return _STREET
    return colours[min(int(math.log(value / least) / math.log(step)), len(colours) - 1)]


def _puddles(sheet: _Sheet, truth: Truth, pictures: NDArray[np.int64], standing: dict[str, Point]) -> Iterable[str]:
    if "drainage.street" not in truth.fields:
        return
    depths = truth.fields["drainage.street"][pictures]
    for number, node in enumerate(truth.things["drainage.street"]):
        if node not in standing or depths[:, number].max() < _LEAST_DEPTH_M:
            continue
        x, y = sheet.place(standing[node])
        radii = [f"{22 * math.sqrt(depth):.1f}" if depth >= _LEAST_DEPTH_M else "0" for depth in depths[:, number]]
        yield (
            f'<circle cx="{x:g}" cy="{y:g}" r="0" fill="#3fa7ff" fill-opacity="0.45">{sheet.steps("r", radii)}</circle>'
        )


def _short(text: str, most: int = 42) -> str:
    """Cut to what fits; a Chinese character is as wide as two letters."""
    width = 0
    for index, letter in enumerate(text):
        width += 2 if ord(letter) > 0x2E80 else 1
        if width > most:
            return text[:index].rstrip() + "…"
    return text
