"""What instruments are like: noise, deadband and digits of every property.

`floor` and `part` make the standard deviation of the noise: floor + part * |true value|. Standards state the largest
permissible error of an instrument, not its noise. Noise here is about a tenth of that error where one is named, else
of what its makers commonly promise; all figures without a source are ours. A quantity that is exactly nothing while its
cause is off (current, rain, voltage) has no floor: rules that look for nothing shall find it.

`deadband` is the change that a device that reports by exception reports at once: several times the noise, and less
than any threshold that matters (ours).
"""

from dataclasses import dataclass

import numpy as np

from domain.catalogue import properties
from simulators.telemetry import DIGITS

PROPERTIES = {p.id: p for p in properties()}
SWITCHES = frozenset(p.id for p in properties() if p.type == "boolean")
#: A device's own state, which no engine knows.
OWN = frozenset({"device.battery", "device.rssi"})
#: Of these the truth is exactly nothing only while water covers the detector: then it repeats its zero, without noise.
BLINDED = frozenset({"gas.ch4.chamber", "manhole.ch4", "manhole.h2s"})
#: Between two instants of the truth these keep the earlier value; everything else goes in a straight line.
HELD = SWITCHES | {"pump.starts", "pump.current", "light.dim", "light.current", "light.power"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Character:
    """In the unit of the property."""

    floor: float = 0.0
    part: float = 0.0
    deadband: float = 0.0
    digits: int = 2


#: Property -> floor, part, deadband.
_TABLE: dict[str, tuple[float, float, float]] = {
    # Transmitters of class 0.5: 0.5 % of the span is their largest error (IEC 61298-2 says how it is found).
    "gas.pressure.mp": (0.3, 0.0, 3.0),
    "gas.pressure.lp": (0.01, 0.0, 0.1),
    "water.pressure": (0.0008, 0.0, 0.01),
    # Meters for gas and water, OIML R 137 class 1 and R 49 class 2: largest errors of 1 % and 2 %.
    "gas.flow": (0.0, 0.002, 5.0),
    "water.flow": (0.05, 0.003, 3.0),
    # GB 15322.1: largest error 5 %LEL; laser sensors are far better near zero.
    "gas.ch4.chamber": (0.15, 0.01, 1.0),
    "gas.ch4.station": (0.15, 0.01, 1.0),
    "manhole.ch4": (0.2, 0.01, 1.5),
    "manhole.h2s": (0.15, 0.01, 1.0),
    "manhole.co": (0.5, 0.01, 4.0),
    "manhole.o2": (0.04, 0.0, 0.3),
    "gas.temperature": (0.1, 0.0, 1.0),
    "gas.cathodic": (0.003, 0.0, 0.02),
    # Water quality on line (ours).
    "water.cl2.free": (0.004, 0.005, 0.04),
    "water.cl2.total": (0.004, 0.005, 0.04),
    "water.turbidity": (0.006, 0.01, 0.08),
    "water.ph": (0.01, 0.0, 0.08),
    "water.conductivity": (0.5, 0.001, 6.0),
    "water.temperature": (0.04, 0.0, 0.3),
    "water.tank.level": (0.003, 0.0, 0.03),
    "water.noise": (0.8, 0.0, 5.0),
    # Levels by ultrasound or radar: makers promise 2 to 10 mm.
    "drain.level": (0.003, 0.0, 0.03),
    "drain.road.depth": (0.15, 0.0, 1.0),
    "pump.wetwell.level": (0.003, 0.0, 0.03),
    "drain.flow": (0.0, 0.01, 20.0),
    "drain.velocity": (0.008, 0.0, 0.06),
    "drain.rain": (0.0, 0.02, 1.0),
    "drain.rain.depth": (0.0, 0.0, 0.2),
    "drain.conductivity": (4.0, 0.0, 40.0),
    "drain.cod": (3.0, 0.01, 30.0),
    # Instrument transformers and meters of class 0.5 (IEC 61869-2) and 1 (IEC 62053-21).
    "pump.current": (0.0, 0.004, 1.0),
    "pump.current.a": (0.0, 0.004, 1.0),
    "pump.current.b": (0.0, 0.004, 1.0),
    "pump.current.c": (0.0, 0.004, 1.0),
    "pump.current.imbalance": (0.0, 0.05, 2.0),
    "pump.voltage": (0.0, 0.001, 4.0),
    "light.voltage": (0.0, 0.001, 3.0),
    "light.current": (0.0, 0.004, 0.5),
    "light.power": (0.0, 0.005, 3.0),
    "light.pf": (0.002, 0.0, 0.02),
    "light.leak": (0.2, 0.005, 2.0),
    "light.lux": (0.1, 0.01, 10.0),
    "pump.winding.temperature": (0.15, 0.0, 1.0),
    "pump.vibration": (0.0, 0.03, 0.5),
    "light.tilt": (0.04, 0.0, 0.4),
    "manhole.tilt": (0.08, 0.0, 0.8),
    "light.dim": (0.0, 0.0, 1.0),
    "light.energy": (0.0, 0.0, 1.0),
    "pump.hours": (0.0, 0.0, 0.1),
    "pump.starts": (0.0, 0.0, 0.5),
    "device.battery": (0.002, 0.0, 0.05),
    "device.rssi": (0.8, 0.0, 10.0),
}
#: A switch reports every change.
_SWITCH = Character(deadband=0.5, digits=0)


def character(name: str) -> Character:
    """What instruments of a property are like; one that stands in no table is exact and reports every change."""
    if name in SWITCHES:
        return _SWITCH
    floor, part, deadband = _TABLE.get(name, (0.0, 0.0, 0.0))
    return Character(floor=floor, part=part, deadband=deadband, digits=DIGITS.get(name, 2))


def deadbands(names: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The deadbands of several properties."""
    return np.array([character(name).deadband for name in names], dtype=np.float64)
