"""Samples of a device as a message: an object, an array, or a SenML pack (RFC 8428), as its firmware writes it."""

from collections.abc import Sequence

import msgspec

from domain.catalogue import properties
from domain.times import isoformat
from simulators.streets import COUNTY_CODE

Values = dict[str, float | bool]
#: UCUM -> the units registered for SenML, where the two differ; a record without unit means the registered one.
_SENML_UNITS = {"[pH]": "pH"}
_UNITS = {p.id: _SENML_UNITS.get(p.unit, p.unit) for p in properties()}
_json = msgspec.json.Encoder().encode


def encode(device: str, form: str, samples: Sequence[tuple[int, Values]]) -> bytes:
    """The payload of one or more samples, oldest first; times are microseconds since 1970, whole milliseconds."""
    if form == "senml":
        return _senml(device, samples)
    documents = [{"time": isoformat(time), "values": found} for time, found in samples]
    return _json(documents[0] if len(documents) == 1 and form == "object" else documents)


def _senml(device: str, samples: Sequence[tuple[int, Values]]) -> bytes:
    """The name of a record is urn:dev:{county}:{device}:{property}."""
    first = samples[0][0]
    pack: list[dict[str, object]] = []
    for time, found in samples:
        for name, value in found.items():
            record: dict[str, object] = {"n": name}
            if not pack:
                record |= {"bn": f"urn:dev:{COUNTY_CODE}:{device}:", "bt": first / 1e6}
            if time != first:
                record["t"] = (time - first) / 1e6
            if isinstance(value, bool):
                record["vb"] = value
            else:
                record |= {"u": _UNITS[name], "v": value}
            pack.append(record)
    return _json(pack)
