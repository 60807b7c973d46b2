"""Readings written in one line, as the tests of rules have them: `0x10 12x5 _x3 0..50x6 !7`.

| written | means |
|---|---|
| `12`, `12x5` | one value, five times the same |
| `_`, `_x3` | one sample that never came, three of them |
| `0..50x6` | six values from 0 to 50, evenly apart |
| `!7`, `!7x2` | a value that carries a flag of bad quality |
| `true`, `false` | 1 and 0 |
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

_NUMBER = r"-?\d+(?:\.\d+)?"
_PART = re.compile(rf"(?P<bad>!)?(?P<first>_|true|false|{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?(?:x(?P<count>\d+))?")
_WORDS = {"true": 1.0, "false": 0.0}
#: A test is read by people: a year of minutes is no test any more.
MOST = 200_000
_BARS = "▁▂▃▄▅▆▇█"


class Reading(NamedTuple):
    """One value of a series, and whether it is good."""

    value: float
    good: bool = True


#: One entry for each interval; None where no sample came.
Series = tuple[Reading | None, ...]


def parse(text: str) -> Series:
    """The readings of a line; ValueError with a remedy."""
    found: list[Reading | None] = []
    for part in text.split():
        found += _part(part)
        if len(found) > MOST:
            raise ValueError(f"more than {MOST} samples: make the series shorter, or the interval longer")
    if not found:
        raise ValueError("no values: write some, such as 0x10 12x5")
    return tuple(found)


def _part(part: str) -> list[Reading | None]:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is no part of a series: write VALUE, VALUExCOUNT, A..BxCOUNT, _xCOUNT or !VALUE")
    count = int(match["count"] or 1)
    if not 1 <= count <= MOST:
        raise ValueError(f"{part!r}: a count lies between 1 and {MOST}")
    good = match["bad"] is None
    if match["first"] == "_":
        if match["last"] or not good:
            raise ValueError(f"{part!r}: a missing sample has no value and no flag: write _ or _x{count}")
        return [None] * count
    first = _WORDS.get(match["first"])
    first = float(match["first"]) if first is None else first
    if match["last"] is None:
        return [Reading(first, good)] * count
    if match["first"] in _WORDS or count < 2:
        raise ValueError(f"{part!r}: a slope goes from one number to another in at least two samples: 0..50x6")
    last = float(match["last"])
    # Ten digits keep 0.1..0.3x3 at 0.2, as a person reckons it.
    return [Reading(round(first + (last - first) * n / (count - 1), 10), good) for n in range(count)]


def sparkline(series: Iterable[Reading | None], width: int = 60) -> str:
    """A series as a row of small bars; `·` where no sample came, `×` where one is doubtful."""
    cells = list(series)
    size = -(-len(cells) // width) if cells else 1
    values = [cell.value for cell in cells if cell is not None and cell.good]
    low, high = min(values, default=0.0), max(values, default=0.0)
    drawn = []
    for at in range(0, len(cells), size):
        known = [cell for cell in cells[at : at + size] if cell is not None]
        if not known:
            drawn.append("·")
        elif not all(cell.good for cell in known):
            drawn.append("×")
        else:
            # Of several in one place the one farthest from the bottom is drawn, so that no peak is lost.
            share = (max(cell.value for cell in known) - low) / (high - low) if high > low else 0.0
            drawn.append(_BARS[min(len(_BARS) - 1, int(share * len(_BARS)))])
    return "".join(drawn)
