"""What a device of the county says: its values at an instant, bent by what goes wrong."""

from collections.abc import Iterable

from domain.catalogue import properties
from simulators.county import FieldDevice
from simulators.incidents import Incident
from simulators.message import Values
from simulators.rhythms import healthy

RANGES = {p.id: (p.minimum, p.maximum) for p in properties()}
SWITCHES = frozenset(p.id for p in properties() if p.type == "boolean")
#: Digits after the point; instruments do not report more than they can resolve.
DIGITS = {
    "water.pressure": 3,
    "water.cl2.free": 3,
    "water.turbidity": 3,
    "gas.cathodic": 3,
    "device.battery": 3,
    "pump.hours": 2,
    "light.energy": 2,
}


def values(seed: int, device: FieldDevice, incidents: Iterable[Incident], time: int) -> Values:
    """What a device reads at an instant (microseconds since 1970), within the range of each instrument."""
    time_s = time / 1e6
    found: Values = {}
    for name in device.hardware.properties:
        value = healthy(seed, device.id, name, time_s)
        for incident in incidents:
            shape = incident.effects.get((device.id, name))
            if shape is not None:
                value = shape(time_s - incident.begins_s, value)
        low, high = RANGES[name]
        value = round(min(max(value, low), high), DIGITS.get(name, 2))
        found[name] = value >= 0.5 if name in SWITCHES else value
    return found
