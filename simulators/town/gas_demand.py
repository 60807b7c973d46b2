"""What customers draw: a curve of the day by the county's clock (UTC+8), and how each differs from it."""

from collections.abc import Sequence

import numpy as np

from simulators.noise import key, wander_each
from simulators.town.gas_plan import Sink
from simulators.town.truth import Series, Times

_ZONE_S, _DAY_S = 8 * 3600, 86_400
#: Kitchens and water heaters: meals in the morning, at noon and in the evening, and a night. Height over the base,
#: o'clock, hours of width. Ours, after the shape that city gas load curves have; heating is not in it.
_MEALS = ((0.30, 7.2, 1.7), (0.32, 11.8, 1.7), (0.50, 18.6, 2.0))
_NIGHT = (-0.32, 2.5, 3.2)
#: Works run by day.
_SHIFTS = ((0.25, 13.0, 4.5),)
#: Each customer's own ups and downs, and those that all have in common (weather); periods in seconds. Ours: small
#: enough that the sum of a town is the same within 2 % from day to day, as it is between neighbouring working days.
_OWN, _OWN_S = 0.05, 2400.0
_COMMON, _COMMON_S = 0.006, 21_600.0


def demand_m3h(sinks: Sequence[Sink], times: Times, seed: int) -> Series:
    """Demand of each sink at normal conditions, shape [times, sinks]."""
    seconds = times / 1e6
    hours = ((seconds + _ZONE_S) % _DAY_S) / 3600
    kitchens, shifts = _curve(hours, (*_MEALS, _NIGHT)), _curve(hours, _SHIFTS)
    common = 1 + _COMMON * wander_each(key(seed, "gas", "weather"), seconds, _COMMON_S)
    found = np.empty((len(times), len(sinks)))
    for column, sink in enumerate(sinks):
        own = 1 + _OWN * wander_each(key(seed, "gas", "demand", column, sink.junction), seconds, _OWN_S)
        found[:, column] = sink.mean_m3h * (sink.kitchens * kitchens + (1 - sink.kitchens) * shifts) * common * own
    return found


def _curve(hours: Series, humps: Sequence[tuple[float, float, float]]) -> Series:
    """One on average over the day, with humps; smooth across midnight."""
    grid = np.arange(0, 24, 0.25)
    return _humps(hours, humps) / float(_humps(grid, humps).mean())


def _humps(hours: Series, humps: Sequence[tuple[float, float, float]]) -> Series:
    total = np.ones_like(hours)
    for height, at, width in humps:
        away = np.abs(hours - at)
        away = np.minimum(away, 24 - away)
        total += height * np.exp(-0.5 * (away / width) ** 2)
    return total
