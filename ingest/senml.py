"""SenML JSON packs (RFC 8428) -> entries (pure).

Names resolve to a property, alone or behind the device's identifier (`device:property`, `device/property`). Times at or
above 2**28 are absolute; smaller ones count from the arrival, so a redelivery of such a message has another time: only
packs with absolute times are stored exactly once.
"""

import math
from typing import Any

from domain.observation import Rejection, RejectReason
from domain.times import EARLIEST, LATEST, MICROS_PER_SECOND
from ingest.entry import BadPayloadError, Decoded, Entry

#: RFC 8428, 4.5.3: smaller times are relative to now.
ABSOLUTE_FROM = 2**28
VERSION = 10
#: RFC 8428, 4.2, update time. A promise outside of this is none: one of years would end the watch over the device.
PROMISE_S = (1.0, 31 * 86_400.0)
_VALUES = ("v", "vb", "vs", "vd")
_BASE_NUMBERS = ("bt", "bv", "bs", "t", "v", "s", "ut", "bver")
#: SenML unit (RFC 8428, 12.1; RFC 8798) -> the UCUM unit of our datastreams, where the two differ.
UCUM = {"pH": "[pH]", "l/s": "L/s", "m3/s": "m3/s", "mm/h": "mm/h", "S/m": "S/m", "/": "1", "count": "1", "kWh": "kW.h"}


def decode_pack(document: list[dict[str, Any]], *, device: str, received: int) -> Decoded:
    """The entries of a pack; raises BadPayloadError when the pack as a whole breaks the RFC."""
    base: dict[str, Any] = {}
    decoded = Decoded([], [])
    for index, record in enumerate(document):
        _check_labels(record, index)
        base |= {key: record[key] for key in ("bn", "bt", "bu", "bv", "bs") if key in record}
        if record.get("bver", VERSION) > VERSION:
            raise BadPayloadError(RejectReason.BAD_SENML, f"record {index}: version {record['bver']} is not understood")
        found = [key for key in _VALUES if key in record]
        if not found and "n" not in record and "s" not in record and len(record) > 0:
            # A record of base fields alone sets the scene for those that follow.
            continue
        try:
            decoded.entries.append(_entry(record, base, found, device=device, received=received))
        except BadPayloadError as exc:
            wrong = exc.rejection
            decoded.rejections.append(Rejection(wrong.reason, f"record {index}: {wrong.detail}"))
    if not decoded.entries and not decoded.rejections:
        raise BadPayloadError(RejectReason.BAD_SENML, "the pack has no value")
    return decoded


def _check_labels(record: dict[str, Any], index: int) -> None:
    if getattr(record, "twice", ()):
        raise BadPayloadError(RejectReason.DUPLICATE_KEY, f"record {index}: {record.twice[0]!r} stands twice")  # type: ignore[attr-defined]
    for key, value in record.items():
        if key.endswith("_"):
            raise BadPayloadError(RejectReason.BAD_SENML, f"record {index}: {key!r} must be understood and is not")
        if key in _BASE_NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadPayloadError(RejectReason.BAD_SENML, f"record {index}: {key} must be a number")
        if key in {"n", "bn", "u", "bu"} and not isinstance(value, str):
            raise BadPayloadError(RejectReason.BAD_SENML, f"record {index}: {key} must be text")


def _entry(record: dict[str, Any], base: dict[str, Any], found: list[str], *, device: str, received: int) -> Entry:
    if "s" in record or "bs" in base:
        raise BadPayloadError(RejectReason.BAD_SENML, "sums (s, bs) are not observations: send the value (v)")
    if len(found) > 1:
        raise BadPayloadError(RejectReason.BAD_SENML, f"more than one value: {', '.join(found)}")
    if not found and "bv" not in base:
        raise BadPayloadError(RejectReason.BAD_SENML, "no value")
    if found and found[0] in {"vs", "vd"}:
        raise BadPayloadError(RejectReason.WRONG_TYPE, f"{found[0]} is text or data, expected v or vb")
    value: float | bool
    if found == ["vb"]:
        if not isinstance(record["vb"], bool):
            raise BadPayloadError(RejectReason.BAD_SENML, "vb must be true or false")
        value = record["vb"]
    else:
        value = base.get("bv", 0) + record.get("v", 0)
    name = _property(str(base.get("bn", "")) + str(record.get("n", "")), device)
    unit = record.get("u", base.get("bu"))
    promise = record.get("ut")
    return Entry(
        name,
        _instant(record, base, received),
        value,
        UCUM.get(unit, unit) if unit is not None else None,
        float(promise) if promise is not None and PROMISE_S[0] <= promise <= PROMISE_S[1] else None,
    )


def _property(name: str, device: str) -> str:
    for separator in ":/":
        head, found, tail = name.rpartition(separator)
        if found and (head == device or head.endswith((f":{device}", f"/{device}"))):
            return tail
    return name


def _instant(record: dict[str, Any], base: dict[str, Any], received: int) -> int:
    seconds: float = base.get("bt", 0) + record.get("t", 0)
    if not math.isfinite(seconds) or not EARLIEST <= seconds * MICROS_PER_SECOND <= LATEST:
        raise BadPayloadError(RejectReason.BAD_TIME, f"time {seconds} is not a time")
    if seconds < ABSOLUTE_FROM:
        return received + round(seconds * MICROS_PER_SECOND)
    return round(seconds * MICROS_PER_SECOND)
