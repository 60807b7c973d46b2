"""What every day brings to the water network: use by the clock, and water as it leaves the plant."""

import math

import numpy as np

from simulators.noise import key, level, wander
from simulators.town.truth import Series

_ZONE_S = 8 * 3600
_DAY_S = 86_400
#: Use by the hour of the county's clock, relative to the mean. The highest hour is 1.54 times the mean; GB 50013 gives
#: 1.2 to 1.6 for towns. Peaks at breakfast, noon and after work; the shape is ours.
_NIGHT = (0.50, 0.42, 0.38, 0.38, 0.42, 0.62)
_MORNING = (1.05, 1.45, 1.38, 1.18, 1.10, 1.16)
_AFTERNOON = (1.20, 1.05, 0.98, 0.98, 1.05, 1.22)
_EVENING = (1.45, 1.52, 1.42, 1.22, 0.95, 0.68)
_HOURS = np.array((*_NIGHT, *_MORNING, *_AFTERNOON, *_EVENING))
_HOURS /= _HOURS.mean()
#: Patterns of use: one for each of these quarters of the town, so that no two minutes and no two places are the same.
QUARTERS = 4
#: A day's use differs from the mean by this part at most, and a quarter's minutes by that. Ours; GB 50013 allows
#: days of 1.1 to 1.5 times the mean over the whole year, while these are days of one season.
_DAYS, _MINUTES = 0.03, 0.05
_MINUTES_S = 600.0


def use(seed: int, quarter: int, time_s: float) -> float:
    """The factor of use of a quarter of the town at an instant (seconds since 1970)."""
    hour = ((time_s + _ZONE_S) % _DAY_S) / 3600
    before = int(hour)
    part = hour - before
    usual = float(_HOURS[before] * (1 - part) + _HOURS[(before + 1) % 24] * part)
    day = wander(key(seed, "water.use", quarter), time_s, _DAY_S)
    minutes = wander(key(seed, "water.use.minutes", quarter), time_s, _MINUTES_S)
    return usual * (1 + _DAYS * day) * (1 + _MINUTES * minutes)


def quarter(seed: int, node: str) -> int:
    """The pattern of a junction, from 1 on."""
    return 1 + key(seed, "water.quarter", node) % QUARTERS


#: Free chlorine with which water leaves the plant, mg/L: GB 5749-2022 asks for 0.3 after contact and allows 2; 0.75
#: leaves 0.05 at the ends with room to spare. It moves by the part beside it within hours.
_DOSE, _DOSE_MOVES = 0.75, 0.04


def dose(seed: int, time_s: float) -> float:
    """Free chlorine at the outlet of the plant when dosing works, mg/L."""
    return _DOSE * (1 + _DOSE_MOVES * wander(key(seed, "water.dose"), time_s, 4 * 3600))


def temperature(seed: int, device: str, times_s: Series) -> Series:
    """Water temperature, Cel: 16 in the mean, warmest at the end of July; pipes a metre deep follow slowly (ours)."""
    year = np.cos(2 * math.pi * (times_s / (365.25 * _DAY_S) - 0.57))
    day = np.cos(2 * math.pi * ((times_s + _ZONE_S) / _DAY_S - 16 / 24))
    return 16.0 + 6.0 * year + 0.25 * day + 0.4 * level(seed, device, "temperature")
