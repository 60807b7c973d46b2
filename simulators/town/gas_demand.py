"""What customers draw: a curve of the day by the county's clock (UTC+8), and how each differs from it."""

from collections.abc import Sequence

import numpy as np

from simulators.noise import key, wander_each
from simulators.town.gas_plan import Sink
from simulators.town.truth import Series, Times

_ZONE_S, _DAY_S = 8 * 3600, 86_400
#: Kitchens and water heaters: meals in the morning, at noon and in the evening. Height over the base, o'clock, hours of
#: width. Ours, after the shape of city load curves; heating is not in it.
_MEALS = ((0.10, 7.5, 1.5), (0.06, 12.0, 1.6), (0.22, 18.6, 2.0))
#: Awake and at work from about the first hour to the second; what the night draws of it; hours that each change takes.
_DAY_HOURS, _NIGHT, _CHANGE_H = (5.6, 22.2), 0.68, 0.7
#: Each customer's own ups and downs, and those that all have in common (weather); periods in seconds. Ours: small
#: enough that a town draws the same within 2 % from one working day to the next.
_OWN, _OWN_S = 0.04, 2400.0
_COMMON, _COMMON_S = 0.004, 21_600.0


def demand_m3h(sinks: Sequence[Sink], times: Times, seed: int) -> Series:
    """Demand of each sink at normal conditions, shape [times, sinks]."""
    seconds = times / 1e6
    hours = ((seconds + _ZONE_S) % _DAY_S) / 3600
    kitchens, shifts = _curve(hours, _MEALS), _curve(hours, ())
    common = 1 + _COMMON * wander_each(key(seed, "gas", "weather"), seconds, _COMMON_S)
    found = np.empty((len(times), len(sinks)))
    for column, sink in enumerate(sinks):
        own = 1 + _OWN * wander_each(key(seed, "gas", "demand", column, sink.junction), seconds, _OWN_S)
        found[:, column] = sink.mean_m3h * (sink.kitchens * kitchens + (1 - sink.kitchens) * shifts) * common * own
    return found


def _curve(hours: Series, meals: Sequence[tuple[float, float, float]]) -> Series:
    """One on average over the day: a night, a day, and the meals on top of it."""
    return _shape(hours, meals) / float(_shape(np.arange(0, 24, 0.25), meals).mean())


def _shape(hours: Series, meals: Sequence[tuple[float, float, float]]) -> Series:
    begin, end = _DAY_HOURS
    awake = 1 / (1 + np.exp((begin - hours) / _CHANGE_H)) - 1 / (1 + np.exp((end - hours) / _CHANGE_H))
    total = _NIGHT + (1 - _NIGHT) * awake
    for height, at, width in meals:
        total += height * np.exp(-0.5 * ((hours - at) / width) ** 2)
    return np.asarray(total, dtype=np.float64)
