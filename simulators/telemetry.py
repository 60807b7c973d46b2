"""What a device says: its values at an instant, bent by what goes wrong, as a message in the form of its firmware."""

import json
from collections.abc import Iterable

from domain.catalogue import properties
from domain.times import isoformat
from simulators.county import FieldDevice
from simulators.incidents import Incident
from simulators.ledger import Entry
from simulators.rhythms import healthy
from simulators.streets import COUNTY_CODE

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
#: UCUM -> the units registered for SenML, where the two differ; a record without unit means the registered one.
_SENML_UNITS = {"[pH]": "pH"}
_UNITS = {p.id: p.unit for p in properties()}
Values = dict[str, float | bool]


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


def entries(device: FieldDevice, samples: Iterable[tuple[int, Values]]) -> list[Entry]:
    """What the ledger remembers of these samples."""
    return [Entry(device.id, name, time, float(value)) for time, found in samples for name, value in found.items()]


def encode(device: FieldDevice, samples: list[tuple[int, Values]]) -> bytes:
    """The payload of one or more samples, oldest first, in the form of the device."""
    if device.hardware.form == "senml":
        return _senml(device, samples)
    documents = [{"time": isoformat(time), "values": found} for time, found in samples]
    single = len(documents) == 1 and device.hardware.form == "object"
    return json.dumps(documents[0] if single else documents, separators=(",", ":")).encode()


def _senml(device: FieldDevice, samples: list[tuple[int, Values]]) -> bytes:
    """RFC 8428; the name of a record is urn:dev:{county}:{device}:{property}."""
    first = samples[0][0]
    pack: list[dict[str, object]] = []
    for time, found in samples:
        for name, value in found.items():
            record: dict[str, object] = {"n": name}
            if not pack:
                record |= {"bn": f"urn:dev:{COUNTY_CODE}:{device.id}:", "bt": first / 1e6}
            if time != first:
                record["t"] = (time - first) / 1e6
            if isinstance(value, bool):
                record["vb"] = value
            else:
                record |= {"u": _SENML_UNITS.get(_UNITS[name], _UNITS[name]), "v": value}
            pack.append(record)
    return json.dumps(pack, separators=(",", ":")).encode()
