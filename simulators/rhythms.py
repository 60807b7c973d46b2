"""What every property of a healthy county does through the day: pure functions of seed, datastream and time.

The time is one instant or an array of them; the values are one or as many.

A day runs by the clock of the county (UTC+8). Peaks of demand are in the morning and the evening; lamps burn from dusk
to dawn; counters only rise.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulators.noise import key, level, wander, wander_each

Series = NDArray[np.float64]
#: One number, or one for each instant.
Signal = float | Series

_ZONE_S = 8 * 3600
_DAY_S = 86_400
#: Counters count from here (2024-01-01), so that they are small and still rise.
_INSTALLED_S = 1_704_067_200
_PUMP_CYCLE_S = 900.0
_PUMP_RUNS = 0.4


class Moment:
    """One datastream at one instant: what its rhythm may depend on."""

    __slots__ = ("device", "seed", "stream", "time_s")

    def __init__(self, seed: int, device: str, property_: str, time_s: Signal) -> None:
        self.seed = seed
        self.device = device
        self.stream = key(seed, device, property_)
        self.time_s = time_s

    @property
    def hour(self) -> Signal:
        """Hour of the day by the county's clock, 0 to 24."""
        return ((self.time_s + _ZONE_S) % _DAY_S) / 3600

    def wander(self, period_s: float) -> Signal:
        """Smooth noise from -1 to 1 of this datastream."""
        if isinstance(self.time_s, np.ndarray):
            return wander_each(self.stream, self.time_s, period_s)
        return wander(self.stream, self.time_s, period_s)

    def own(self, trait: str) -> Signal:
        """A constant from -1 to 1 of this device."""
        return level(self.seed, self.device, trait)

    @property
    def demand(self) -> Signal:
        """Use of water and gas from 0 (night) to 1 (evening)."""
        hour = self.hour
        return _at_most(
            1.0, 0.15 + 0.75 * _bump(hour, 7.5, 1.6) + 0.45 * _bump(hour, 12.2, 1.8) + 0.85 * _bump(hour, 19.0, 2.2)
        )

    @property
    def sun(self) -> Signal:
        """Height of the sun from 0 to 1."""
        hour = self.hour
        if isinstance(hour, np.ndarray):
            return np.where((hour > 6.5) & (hour < 19), np.maximum(0.0, np.sin((hour - 6.5) / 12.5 * math.pi)), 0.0)
        return max(0.0, math.sin((hour - 6.5) / 12.5 * math.pi)) if 6.5 < hour < 19 else 0.0

    @property
    def lit(self) -> Signal:
        """1 while lamps burn, 0 by day."""
        hour = self.hour
        if isinstance(hour, np.ndarray):
            return np.asarray((hour < 6.7) | (hour >= 18.8), dtype=np.float64)
        return float(not 6.7 <= hour < 18.8)

    @property
    def station_phase(self) -> Signal:
        """How far a pump station is ahead of others, in cycles; the same for all devices of a station."""
        return 0.5 * level(self.seed, self.device.rpartition("-")[0], "phase")

    @property
    def pump_phase(self) -> Signal:
        """Where a pump station is between two emptyings, 0 to 1."""
        return (self.time_s / _PUMP_CYCLE_S + self.station_phase) % 1.0

    @property
    def pumping(self) -> Signal:
        """1 while this pump empties the wet well; the two pumps of a station take turns."""
        cycles = self.time_s / _PUMP_CYCLE_S + self.station_phase
        mine = 0 if self.device.endswith("pump1") else 1
        return _one_if((self.pump_phase >= 1 - _PUMP_RUNS) & (cycles // 1 % 2 == mine))


def _one_if(condition: bool | NDArray[np.bool_]) -> Signal:  # noqa: FBT001
    return condition.astype(np.float64) if isinstance(condition, np.ndarray) else float(condition)


def _at_least(least: float, value: Signal) -> Signal:
    return np.maximum(least, value) if isinstance(value, np.ndarray) else max(least, value)


def _at_most(most: float, value: Signal) -> Signal:
    return np.minimum(most, value) if isinstance(value, np.ndarray) else min(most, value)


def _magnitude(value: Signal) -> Signal:
    return np.abs(value) if isinstance(value, np.ndarray) else abs(value)


def _either(which: Signal, one: Signal, other: Signal) -> Signal:
    """The one where `which` is 1, the other where it is 0."""
    return np.where(which > 0, one, other) if isinstance(which, np.ndarray) else one if which else other


def _bump(hour: Signal, centre: float, width: float) -> Signal:
    if isinstance(hour, np.ndarray):
        gap = np.abs(hour - centre)
        bumps: Series = np.exp(-0.5 * (np.minimum(gap, 24 - gap) / width) ** 2)
        return bumps
    away = min(abs(hour - centre), 24 - abs(hour - centre))
    return math.exp(-0.5 * (away / width) ** 2)


def _wet_well(m: Moment) -> Signal:
    phase, filled = m.pump_phase, 1 - _PUMP_RUNS
    fill = _either(_one_if(phase < filled), phase / filled, (1 - phase) / _PUMP_RUNS)
    return 1.1 + 0.8 * fill + 0.02 * m.wander(20)


def _lamp_power(m: Moment) -> Signal:
    return _either(m.lit, 1.48 * _dim(m) + 1.5 * m.wander(60), 0.8 + 0.1 * m.wander(60))


def _dim(m: Moment) -> Signal:
    return m.lit * _either(_one_if(m.hour < 5.5), 60.0, 100.0)


def _cabinet_current(m: Moment) -> Signal:
    return (24.0 + 4.0 * m.own("size")) * _dim(m) / 100 + 0.6 + 0.2 * m.wander(60)


_RHYTHMS: dict[str, Callable[[Moment], Signal]] = {
    "gas.pressure.mp": lambda m: 310 + 10 * m.own("set") - 18 * m.demand + 1.5 * m.wander(45),
    "gas.pressure.lp": lambda m: 2.6 + 0.1 * m.own("set") - 0.25 * m.demand + 0.03 * m.wander(30),
    "gas.flow": lambda m: 60 + (420 + 120 * m.own("size")) * m.demand + 12 * m.wander(40),
    "gas.temperature": lambda m: 14 + 5 * m.sun + 0.6 * m.wander(600),
    "gas.ch4.chamber": lambda m: _at_least(0.0, 0.7 + 0.4 * m.own("place") + 0.5 * m.wander(90)),
    "gas.ch4.station": lambda m: _at_least(0.0, 0.4 + 0.3 * m.wander(60)),
    "gas.cathodic": lambda m: -1.05 + 0.1 * m.own("soil") + 0.02 * m.wander(120),
    "gas.well.water": lambda m: 0.0,  # noqa: ARG005
    "gas.valve.state": lambda m: 1.0,  # noqa: ARG005
    "water.pressure": lambda m: 0.36 + 0.03 * m.own("height") - 0.05 * m.demand + 0.006 * m.wander(25),
    "water.flow": lambda m: 25 + (190 + 60 * m.own("size")) * m.demand + 5 * m.wander(30),
    "water.cl2.free": lambda m: 0.42 + 0.08 * m.own("distance") - 0.05 * m.sun + 0.03 * m.wander(180),
    "water.turbidity": lambda m: 0.28 + 0.08 * m.own("pipe") + 0.06 * m.wander(120),
    "water.ph": lambda m: 7.4 + 0.12 * m.own("pipe") + 0.05 * m.wander(300),
    "water.conductivity": lambda m: 320 + 12 * m.wander(300),
    "water.temperature": lambda m: 16.5 + 1.5 * m.sun + 0.3 * m.wander(600),
    "water.tank.level": lambda m: 3.6 - 1.1 * m.demand + 0.04 * m.wander(120),
    "water.pump.state": lambda m: 1.0,  # noqa: ARG005
    "water.noise": lambda m: 22 + 14 * m.demand + 4 * m.wander(15),
    "drain.rain": lambda m: _at_least(0.0, 3.0 * m.wander(1800) - 1.8),
    "drain.level": lambda m: 0.32 + 0.18 * m.demand + 0.04 * m.wander(60),
    "drain.velocity": lambda m: 0.55 + 0.3 * m.demand + 0.08 * m.wander(40),
    "drain.road.depth": lambda m: _at_least(0.0, 0.3 * m.wander(120)),
    "pump.wetwell.level": _wet_well,
    "pump.state": lambda m: m.pumping,
    "pump.fault": lambda m: 0.0,  # noqa: ARG005
    "pump.current": lambda m: m.pumping * (41 + 1.2 * m.wander(10)),
    "pump.voltage": lambda m: 388 + 4 * m.wander(40),
    "pump.winding.temperature": lambda m: 42 + 9 * m.pump_phase + 2 * m.wander(120),
    "pump.starts": lambda m: (m.time_s - _INSTALLED_S) // (2 * _PUMP_CYCLE_S),
    "pump.hours": lambda m: (m.time_s - _INSTALLED_S) / 3600 * _PUMP_RUNS / 2,
    "manhole.tilt": lambda m: _magnitude(1.2 + 0.8 * m.own("seat") + 0.5 * m.wander(4)),
    "manhole.open": lambda m: 0.0,  # noqa: ARG005
    "manhole.level": lambda m: 0.25 + 0.1 * m.demand + 0.03 * m.wander(60),
    "manhole.ch4": lambda m: _at_least(0.0, 1.2 + 0.8 * m.wander(120)),
    "manhole.h2s": lambda m: _at_least(0.0, 1.0 + 0.7 * m.wander(150)),
    "manhole.o2": lambda m: 20.6 + 0.15 * m.wander(200),
    "light.voltage": lambda m: 226 - 3 * m.lit + 3 * m.wander(45),
    "light.current": _cabinet_current,
    "light.power": lambda m: (
        _lamp_power(m) if m.device.startswith("lamp") else 0.95 * 224 * _cabinet_current(m) + 8 * m.wander(30)
    ),
    "light.energy": lambda m: 1200 + (m.time_s - _INSTALLED_S) / 3600 * 2.4,
    "light.pf": lambda m: 0.95 + 0.01 * m.wander(60),
    "light.leak": lambda m: 8 + 3 * m.own("age") + 1.5 * m.wander(30),
    "light.door": lambda m: 0.0,  # noqa: ARG005
    "light.state": lambda m: m.lit,
    "light.dim": _dim,
    "light.tilt": lambda m: _magnitude(0.8 + 0.4 * m.own("pole") + 0.3 * m.wander(8)),
    "light.lux": lambda m: 25 + 60_000 * m.sun**1.5 * (0.8 + 0.2 * m.wander(120)),
    "device.battery": lambda m: 3.55 + 0.08 * m.own("age") + 0.01 * m.wander(600),
    "device.rssi": lambda m: -82 + 10 * m.own("place") + 3 * m.wander(20),
}


def of(moment: Moment, property_: str) -> Signal:
    """The healthy value at a moment, which may stand for many devices at once."""
    return _RHYTHMS[property_](moment)


def healthy(seed: int, device: str, property_: str, time_s: float) -> float:
    """The value when nothing is wrong; switches are 0 or 1. KeyError for a property that the county has nowhere."""
    return float(_RHYTHMS[property_](Moment(seed, device, property_, time_s)))


def healthy_series(seed: int, device: str, property_: str, times_s: Series) -> Series:
    """`healthy` at many instants."""
    return np.broadcast_to(_RHYTHMS[property_](Moment(seed, device, property_, times_s)), times_s.shape)
