"""What goes wrong in the county, by script: one incident for each network in the first seconds, then again and again.

An incident bends the values of some devices for a while and lets them return. The script is a pure function of seed,
start and time, so that a run can be repeated and a test can know what must have happened.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulators.county import County, FieldDevice
from simulators.noise import key

#: Seconds since the incident began, and the healthy value -> the value.
Shape = Callable[[float, float], float]
#: Seconds from the beginning of one round of incidents to that of the next.
ROUND_S = 150.0
#: When in a round the incident of each network begins.
BEGINS_S = {"gas": 0.5, "lighting": 2.0, "manhole": 3.5, "drainage": 5.0, "water": 6.5}


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One thing that goes wrong."""

    network: str
    name: str
    #: Seconds since 1970 (UTC).
    begins_s: float
    lasts_s: float
    #: (device, property) -> how its value is bent.
    effects: dict[tuple[str, str], Shape]

    def runs(self, time_s: float) -> bool:
        """Whether it bends values at this instant."""
        return self.begins_s <= time_s < self.begins_s + self.lasts_s

    @property
    def devices(self) -> frozenset[str]:
        """Every device that sees it."""
        return frozenset(device for device, _ in self.effects)


def ramp(points: tuple[tuple[float, float], ...], elapsed_s: float, healthy: float) -> float:
    """Straight lines through (second, value); before the first and after the last point they lead to the healthy value.

    After the last point the value returns within 10 seconds.
    """
    last_s, last = points[-1]
    if elapsed_s >= last_s:
        part = min(1.0, (elapsed_s - last_s) / 10.0)
        return last + (healthy - last) * part
    before_s, before = 0.0, healthy
    for at_s, value in points:
        if elapsed_s < at_s:
            return before + (value - before) * (elapsed_s - before_s) / (at_s - before_s)
        before_s, before = at_s, value
    return last


def held(value: float, until_s: float, elapsed_s: float, healthy: float) -> float:
    """One value until an instant, the healthy value after it."""
    return value if elapsed_s < until_s else healthy


def _line(*points: tuple[float, float]) -> Shape:
    return partial(ramp, points)


def _hold(value: float, until_s: float) -> Shape:
    return partial(held, value, until_s)


class Script:
    """Every incident of a county that starts at an instant.

    Args:
        county: Where it happens.
        start_s: When the first round begins, seconds since 1970 (UTC).
    """

    def __init__(self, county: County, start_s: float) -> None:
        self._county = county
        self._start_s = start_s
        self._rounds: dict[int, tuple[Incident, ...]] = {}

    def running(self, time_s: float) -> tuple[Incident, ...]:
        """The incidents that bend values at an instant."""
        number = int((time_s - self._start_s) // ROUND_S)
        return tuple(
            incident for n in (number - 1, number) if n >= 0 for incident in self.round(n) if incident.runs(time_s)
        )

    def round(self, number: int) -> tuple[Incident, ...]:
        """The incidents of one round, one for each network."""
        if number not in self._rounds:
            # Only the last rounds are needed again.
            self._rounds = {n: r for n, r in self._rounds.items() if n >= number - 1}
            self._rounds[number] = tuple(self._incident(network, number) for network in BEGINS_S)
        return self._rounds[number]

    def _incident(self, network: str, number: int) -> Incident:
        kinds = _KINDS[network]
        turn, kind = divmod(number, len(kinds))
        name, make = kinds[kind]
        lasts_s, effects = make(self._county, turn)
        return Incident(
            network=network,
            name=name,
            begins_s=self._start_s + number * ROUND_S + BEGINS_S[network],
            lasts_s=lasts_s,
            effects=effects,
        )


_Made = tuple[float, dict[tuple[str, str], Shape]]
_Make = Callable[[County, int], _Made]


def _pick(county: County, turn: int, kind: str, suffix: str = "") -> FieldDevice:
    """The device whose turn it is: every one of a kind comes once before the first comes again."""
    devices = list(county.of_kind(kind, suffix))
    # A repeatable order, not secrecy.
    random.Random(key(county.seed, kind, suffix)).shuffle(devices)  # noqa: S311
    return devices[turn % len(devices)]


def _gas_leak(county: County, turn: int) -> _Made:
    """Methane fills a valve well and seeps into the chambers beside it."""
    well = _pick(county, turn, "valve_well")
    beside = [link for link in county.registry.links if link.from_asset == well.asset]
    chambers = {link.to_asset for link in beside if link.relation == "adjacent_to"}
    effects: dict[tuple[str, str], Shape] = {
        (well.id, "gas.ch4.chamber"): _line((1, 12), (10, 22), (20, 34), (30, 58), (45, 61), (60, 18))
    }
    for device in county.of_kind("deep_manhole"):
        if device.asset in chambers:
            effects[device.id, "manhole.ch4"] = _line((15, 4), (35, 14), (50, 12))
    return 75.0, effects


def _water_burst(county: County, turn: int) -> _Made:
    """A main breaks: pressure falls at a point, its district draws more."""
    point = _pick(county, turn, "pressure_point")
    effects: dict[tuple[str, str], Shape] = {
        (point.id, "water.pressure"): _line((2, 0.17), (8, 0.08), (45, 0.07), (55, 0.25)),
        (point.id, "water.noise"): _line((2, 82), (50, 80)),
    }
    for meter in county.of_kind("district_meter"):
        if meter.area == point.area:
            effects[meter.id, "water.flow"] = _line((5, 420), (50, 430))
    return 70.0, effects


def _chlorine_loss(county: County, turn: int) -> _Made:
    """A dosing pump fails: chlorine falls below its limit and turbidity rises."""
    point = _pick(county, turn, "quality_point")
    return 80.0, {
        (point.id, "water.cl2.free"): _line((3, 0.08), (6, 0.03), (60, 0.02)),
        (point.id, "water.turbidity"): _line((10, 1.3), (55, 1.5)),
    }


def _pumps_trip(county: County, turn: int) -> _Made:
    """Both pumps of a station trip and the wet well fills."""
    well = _pick(county, turn, "pump_station", "well")
    effects: dict[tuple[str, str], Shape] = {
        (well.id, "pump.wetwell.level"): _line((5, 2.4), (20, 4.2), (40, 5.6), (55, 2.2)),
        (well.id, "pump.voltage"): _hold(0.0, 45),
    }
    for suffix in ("pump1", "pump2"):
        pump = well.id.removesuffix("well") + suffix
        effects |= {
            (pump, "pump.fault"): _hold(1.0, 45),
            (pump, "pump.state"): _hold(0.0, 45),
            (pump, "pump.current"): _hold(0.0, 45),
        }
    return 70.0, effects


def _underpass_floods(county: County, turn: int) -> _Made:
    """A cloudburst fills an underpass."""
    underpass = _pick(county, turn, "underpass")
    effects: dict[tuple[str, str], Shape] = {
        (underpass.id, "drain.road.depth"): _line((2, 7), (10, 17), (20, 27), (35, 43), (50, 20))
    }
    for gauge in county.of_kind("rain_gauge"):
        if gauge.area == underpass.area:
            effects[gauge.id, "drain.rain"] = _line((2, 48), (30, 55), (40, 8))
    return 75.0, effects


def _cover_open(county: County, turn: int) -> _Made:
    """Somebody lifts a manhole cover."""
    cover = _pick(county, turn, "manhole")
    return 60.0, {
        (cover.id, "manhole.open"): _hold(1.0, 45),
        (cover.id, "manhole.tilt"): _line((0.5, 34), (40, 38), (45, 12)),
    }


def _sewer_gas(county: County, turn: int) -> _Made:
    """Hydrogen sulfide gathers in a deep manhole and takes the place of the air."""
    chamber = _pick(county, turn, "deep_manhole")
    return 80.0, {
        (chamber.id, "manhole.h2s"): _line((3, 12), (20, 24), (45, 36), (60, 8)),
        (chamber.id, "manhole.o2"): _line((10, 19.0), (45, 17.8), (60, 20.0)),
    }


def _residual_current(county: County, turn: int) -> _Made:
    """The insulation of a loop fails: current flows where people walk."""
    cabinet = _pick(county, turn, "cabinet")
    return 65.0, {(cabinet.id, "light.leak"): _line((1, 45), (10, 130), (25, 340), (40, 330), (50, 40))}


def _cabinet_fails(county: County, turn: int) -> _Made:
    """A cabinet stands open and its loop has no voltage."""
    cabinet = _pick(county, turn, "cabinet")
    return 60.0, {
        (cabinet.id, "light.door"): _hold(1.0, 45),
        (cabinet.id, "light.voltage"): _line((2, 150), (4, 0), (45, 0)),
        (cabinet.id, "light.current"): _line((2, 0), (45, 0)),
    }


_KINDS: dict[str, tuple[tuple[str, _Make], ...]] = {
    "gas": (("gas_leak", _gas_leak),),
    "water": (("water_burst", _water_burst), ("chlorine_loss", _chlorine_loss)),
    "drainage": (("underpass_floods", _underpass_floods), ("pumps_trip", _pumps_trip)),
    "manhole": (("cover_open", _cover_open), ("sewer_gas", _sewer_gas)),
    "lighting": (("residual_current", _residual_current), ("cabinet_fails", _cabinet_fails)),
}
