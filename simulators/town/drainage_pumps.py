"""A pump station beside the hydraulics: its controller, its motors and their protection, its counters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulators.town.drainage_network import PUMPS, template

#: Supply: nominal volts between phases, and what each running pump takes off it (ours, for a transformer of 250 kVA).
NOMINAL_V, LOAD_DROP_V = 380.0, 1.5
#: Levels in the wet well at which the first, second and third pump start and stop, metres: those that the figures of
#: the tests were measured with. The first band holds 99 m3: at the worst inflow a pump starts 5.6 times an hour
#: (T = 4 V / Q), below the six of GB 50014-2021, 6.3.1.
LEVELS = ((1.9, 0.8), (2.5, 1.2), (3.2, 1.8))
#: A further pump starts when the level has stood above its own for 20 s: a wave must not start one. Ours, a usual
#: setting.
_WAITS_S = (0.0, 20.0, 20.0)

_GRAVITY = 9.81
_DENSITY = 1000.0
_MOTOR_KW, _MOTOR_EFFICIENCY, _POWER_FACTOR = 45.0, 0.92, 0.85
#: Efficiency of the pump: a parabola over the flow with its best point at 0.5 m3/s, nothing left at runout. It makes
#: the shaft power of the head-flow curve nearly flat (36 to 39 kW), as that of mixed-flow pumps is. Ours.
_BEST, _BEST_FLOW, _RUNOUT_FLOW = 0.78, 0.5, 0.8
#: Current at the nameplate power.
RATED_CURRENT_A = round(_MOTOR_KW * 1e3 / (_MOTOR_EFFICIENCY * math.sqrt(3) * NOMINAL_V * _POWER_FACTOR))
#: An induction motor without load still takes its magnetising current: 40 to 50 % for six and eight poles (makers'
#: catalogues).
_NO_LOAD = 0.45
#: A locked rotor takes what the soft starter allows: three times the rated current (IEC 60947-4-2 has two to five).
_LOCKED = 3.0
#: Thermal time constant of the motor, as its overload relay of class 30 has it: trips after 30 s at 7.2 times the
#: setting (IEC 60947-4-1), and above 1.1 times at last.
_TAU_S = 30 / math.log(7.2**2 / (7.2**2 - 1.1**2))
_TRIPS_S = _TAU_S * math.log(_LOCKED**2 / (_LOCKED**2 - 1.1**2))
#: Winding: that of the water when cold; 80 K above it at the rated current (class B rise, IEC 60034-1).
_WATER_C, _RISE_K = 18.0, 80.0

_CURVE = tuple((float(row[-2]), float(row[-1])) for row in template()["CURVES"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Spell:
    """Something that befalls a pump, or all of them (`pump` is None), for a while: seconds of the run."""

    kind: str
    pump: int | None
    since_s: float
    until_s: float

    def on(self, pump: int, now_s: float) -> bool:
        """Whether it concerns a pump now."""
        return self.pump in (None, pump) and self.since_s <= now_s < self.until_s


def flow_m3_s(lift_m: float) -> float:
    """What a sound pump moves at a lift, by its curve."""
    heads, flows = zip(*_CURVE, strict=True)
    return float(np.interp(lift_m, heads, flows))


def current_a(lift_m: float, volts: float) -> float:
    """Current of a sound pump: I = rho g Q H / (eta sqrt(3) U cos phi).

    Below the lowest head of the curve the flow does not grow any more; nor does the power change.
    """
    lift = max(lift_m, _CURVE[0][0])
    flow = flow_m3_s(lift)
    pump = _BEST * max(1 - ((flow - _BEST_FLOW) / (_RUNOUT_FLOW - _BEST_FLOW)) ** 2, 0.1)
    watts = _DENSITY * _GRAVITY * flow * lift / (pump * _MOTOR_EFFICIENCY)
    return watts / (math.sqrt(3) * volts * _POWER_FACTOR)


@dataclass(kw_only=True, slots=True)
class _Pump:
    command: bool = False
    state: bool = False
    fault: bool = False
    dry: bool = False
    locked: bool = False
    current_a: float = 0.0
    winding_c: float = _WATER_C
    starts: int = 0
    hours: float = 0.0
    #: Seconds that the rotor has been locked under voltage.
    locked_s: float = 0.0


@dataclass(kw_only=True, slots=True)
class _Duty:
    """The first, second or third pump that a level asks for, whichever it is."""

    on: bool = False
    #: Seconds that the level has stood above the start level.
    above_s: float = 0.0


class Station:
    """The controller, which asks for pumps by level, and the drives, which obey if they can.

    Levels ask for a first, second and third pump; the pumps without a fault take these duties in the order of their
    numbers. The controller has a battery and asks on when the supply fails. When an event ends, somebody has reset the
    fault of its drive.
    """

    def __init__(self, spells: Sequence[Spell]) -> None:
        self.pumps = tuple(_Pump() for _ in PUMPS)
        self._duties = tuple(_Duty() for _ in PUMPS)
        self._spells = spells

    @property
    def settings(self) -> tuple[float, ...]:
        """What moves water: 1 or 0 for each pump."""
        return tuple(float(pump.state and not (pump.dry or pump.locked)) for pump in self.pumps)

    def step(self, now_s: float, took_s: float, *, level_m: float, lift_m: float, volts: float) -> None:
        """Looks at the well and switches.

        Args:
            now_s: Seconds of the run.
            took_s: Seconds since the last step.
            level_m: Water in the wet well.
            lift_m: From the water in the well to that in the pressure pipe.
            volts: Supply without load; 0 if it has failed.
        """
        for pump in self.pumps:
            self._age(pump, took_s)
        for duty, (start, stop), waits_s in zip(self._duties, LEVELS, _WAITS_S, strict=True):
            duty.above_s = duty.above_s + took_s if level_m > start else 0.0
            if level_m > start and duty.above_s >= waits_s:
                duty.on = True
            elif level_m < stop:
                duty.on = False
        duties = iter(self._duties)
        for number, pump in enumerate(self.pumps):
            befalls = [spell.kind for spell in self._spells if spell.on(number, now_s)]
            _protect(pump, befalls)
            pump.command = not pump.fault and next(duties).on
            was, pump.state = pump.state, pump.command and volts > 0
            pump.starts += pump.state and not was
        running = sum(pump.state for pump in self.pumps)
        for pump in self.pumps:
            if not pump.state:
                pump.current_a = 0.0
            elif pump.locked:
                pump.current_a = _LOCKED * RATED_CURRENT_A
            elif pump.dry:
                pump.current_a = _NO_LOAD * RATED_CURRENT_A
            else:
                pump.current_a = current_a(lift_m, volts - LOAD_DROP_V * running)

    def volts(self, supply: float) -> float:
        """At the terminals, under the load that runs."""
        return max(supply - LOAD_DROP_V * sum(pump.state for pump in self.pumps), 0.0) if supply else 0.0

    @staticmethod
    def _age(pump: _Pump, took_s: float) -> None:
        """What a while in its state has done to a pump."""
        pump.hours += took_s / 3600 * pump.state
        pump.locked_s += took_s * (pump.state and pump.locked)
        settles_at = _WATER_C + _RISE_K * (pump.current_a / RATED_CURRENT_A) ** 2
        pump.winding_c = settles_at + (pump.winding_c - settles_at) * math.exp(-took_s / _TAU_S)


def _protect(pump: _Pump, befalls: Sequence[str]) -> None:
    """What befalls a pump, and what its protection makes of it: a drive with a fault is locked out."""
    pump.dry = "drainage.pump_no_flow" in befalls
    pump.locked = "drainage.pump_locked" in befalls
    if not pump.locked:
        pump.locked_s = 0.0
    pump.fault = "drainage.pump_trip" in befalls or pump.locked_s >= _TRIPS_S
