"""Rain: Chicago storms, how they reach the districts of the town, and what a rain gauge makes of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.town.happenings import Happening
from simulators.town.truth import Series

STORM = "drainage.storm"
_MINUTE = 60_000_000
#: Storm formula i = A / (t + b)^n, t in minutes (the form of GB 50014-2021 for Chinese cities, where b is 5 to 15 and n
#: 0.6 to 0.8). These two are ours; they give the hyetographs that the figures of the tests were measured with.
_B, _N = 10.0, 0.72
#: A cell spreads from where it breaks at some 30 km/h and rains less around its core. Ours.
_SPREAD_M_S, _FADES_M = 8.0, 30_000.0


def fallen(minutes: NDArray[np.float64], *, depth_mm: float, lasts_min: float, peak: float) -> NDArray[np.float64]:
    """Millimetres that have fallen some minutes after the begin of a Chicago storm.

    Keifer and Chu (1957), "Synthetic storm pattern for drainage design": around its peak, every duration holds the rain
    that the storm formula gives to it. Before the peak the depth left is r a t / (t/r + b)^n with t minutes to the
    peak, and likewise after it; the integral is closed, so that each minute has exactly its share.
    """
    peak_min = peak * lasts_min
    before = np.clip(peak_min - minutes, 0.0, peak_min)
    after = np.clip(minutes - peak_min, 0.0, lasts_min - peak_min)
    whole = lasts_min / (lasts_min + _B) ** _N
    sofar = peak * whole - before / (before / peak + _B) ** _N + after / (after / (1 - peak) + _B) ** _N
    return np.asarray(depth_mm * sofar / whole, dtype=np.float64)


def rain_mm(instants: NDArray[np.int64], storms: Sequence[Happening], *, off_m: float = 0.0) -> Series:
    """Millimetres that all storms have brought to a place up to each instant (microseconds since 1970, UTC).

    Args:
        instants: When.
        storms: Events `drainage.storm`.
        off_m: Distance of the place from where storms break: later and less there.
    """
    total = np.zeros(len(instants))
    late = off_m / _SPREAD_M_S * 1e6
    for storm in storms:
        minutes = (instants - storm.since - late) / _MINUTE
        total += fallen(
            minutes,
            depth_mm=storm["depth"] * math.exp(-off_m / _FADES_M),
            lasts_min=storm["minutes"],
            peak=storm["peak"],
        )
    return total


def intensity_mm_h(instants: NDArray[np.int64], storms: Sequence[Happening], *, off_m: float = 0.0) -> Series:
    """Rain of the minute before each instant, as a gauge reports it."""
    minute = rain_mm(instants, storms, off_m=off_m) - rain_mm(instants - _MINUTE, storms, off_m=off_m)
    # Rounding of sums leaves less than nothing of a dry minute.
    return np.where(minute > 1e-9, minute, 0.0) * 60.0
