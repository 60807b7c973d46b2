"""Payload bytes -> entries (pure). Shapes: an object, a list of objects, a SenML JSON pack.

The usual message goes through msgspec straight into `Plain`. Whatever does not fit there is read again, slowly and with
care, to find out entry by entry what is good and what is wrong.
"""

import json
import math
from datetime import datetime
from typing import Any

import msgspec

from domain.observation import Rejection, RejectReason
from domain.times import EARLIEST, EPOCH, LATEST, MICROS_PER_SECOND
from ingest.entry import BadPayloadError, Decoded, Entry
from ingest.senml import decode_pack


class Plain(msgspec.Struct, gc=False):
    """{"time": RFC 3339 with zone or epoch milliseconds, "values": {property: number or boolean}}."""

    time: datetime | int
    values: dict[str, float | bool]


decode_plain = msgspec.json.Decoder(Plain).decode
#: Any integer of so many digits is below the greatest double (about 1.8e308), sums of two and milliseconds included.
_EXACT_DIGITS = 300


def micros_of(time: datetime | int) -> int:
    """The instant of a plain message; raises BadPayloadError for a time without zone or beyond the calendar."""
    if isinstance(time, int):
        if not EARLIEST <= time * 1000 <= LATEST:
            raise BadPayloadError(RejectReason.BAD_TIME, f"time {time} is not epoch milliseconds")
        return time * 1000
    if time.tzinfo is None:
        raise BadPayloadError(RejectReason.BAD_TIME, f"time {time} has no zone: add Z or an offset such as +08:00")
    return round((time - EPOCH).total_seconds() * MICROS_PER_SECOND)


def is_plain(payload: bytes, message: Plain) -> bool:
    """Whether a decoded `Plain` was the whole truth: no key beside it, none twice, nothing escaped.

    JSON with a key twice decodes without complaint to the last value. `time`, `values` and each property have two
    quotation marks, a time as text two more: any other count is worth a second look.
    """
    return payload.count(b'"') == (4 if message.time.__class__ is int else 6) + 2 * len(message.values)


class _Pairs(dict[str, Any]):
    """An object that remembers the keys it was given twice."""

    twice: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> _Pairs:
    result = _Pairs(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        result.twice = tuple(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
    return result


def _integer(text: str) -> int | float:
    # Python refuses to convert thousands of digits, and arithmetic with what no double can hold.
    return int(text) if len(text) <= _EXACT_DIGITS else float(text)


def parse(payload: bytes) -> Any:  # noqa: ANN401
    """JSON as Python values, keys given twice remembered; raises BadPayloadError."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadPayloadError(RejectReason.BAD_ENCODING, f"not UTF-8 at byte {exc.start}") from None
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_int=_integer)
    except RecursionError:
        raise BadPayloadError(RejectReason.BAD_JSON, "nested too deeply") from None
    except ValueError as exc:
        raise BadPayloadError(RejectReason.BAD_JSON, str(exc) if text.strip() else "the payload is empty") from None


def decode_carefully(payload: bytes, *, device: str, received: int) -> Decoded:
    """Any payload, entry by entry; raises BadPayloadError when nothing in it can be used.

    `received` is the instant of arrival: SenML counts times below 2**28 from it (RFC 8428, 4.5.3).
    """
    document = parse(payload)
    if isinstance(document, dict):
        return _object(document)
    if not isinstance(document, list) or not document:
        raise BadPayloadError(
            RejectReason.BAD_SHAPE, "expected an object with time and values, a list of them, or a SenML pack"
        )
    if all(isinstance(item, dict) and "values" not in item and "time" not in item for item in document):
        return decode_pack(document, device=device, received=received)
    decoded = Decoded([], [])
    for index, item in enumerate(document):
        try:
            if not isinstance(item, dict):
                raise BadPayloadError(RejectReason.BAD_SHAPE, "expected an object with time and values")  # noqa: TRY301
            one = _object(item)
        except BadPayloadError as exc:
            wrong = exc.rejection
            decoded.rejections.append(Rejection(wrong.reason, f"item {index}: {wrong.detail}"))
        else:
            decoded.entries.extend(one.entries)
            decoded.rejections.extend(Rejection(r.reason, f"item {index}: {r.detail}") for r in one.rejections)
    return decoded


def _object(document: dict[str, Any]) -> Decoded:
    if getattr(document, "twice", ()):
        raise BadPayloadError(RejectReason.DUPLICATE_KEY, f"key {document.twice[0]!r} stands twice")  # type: ignore[attr-defined]
    if "time" not in document:
        raise BadPayloadError(
            RejectReason.BAD_TIME if "values" in document else RejectReason.BAD_SHAPE, "the object has no time"
        )
    values = document.get("values")
    if not isinstance(values, dict) or not values:
        raise BadPayloadError(RejectReason.BAD_SHAPE, "values must be an object with at least one property")
    time = instant(document["time"])
    entries: list[Entry] = []
    rejections = [
        Rejection(RejectReason.DUPLICATE_KEY, f"property {key!r} stands twice") for key in getattr(values, "twice", ())
    ]
    twice = set(getattr(values, "twice", ()))
    for prop, value in values.items():
        if prop in twice:
            continue
        if isinstance(value, bool | int | float):
            entries.append(Entry(prop, time, value))
        else:
            rejections.append(
                Rejection(RejectReason.WRONG_TYPE, f"{prop} is {_kind(value)}, expected a number or a boolean")
            )
    return Decoded(entries, rejections)


def instant(time: Any) -> int:  # noqa: ANN401
    """An RFC 3339 text with zone or epoch milliseconds as microseconds; raises BadPayloadError."""
    shown = repr(time)[:60] if isinstance(time, str | int | float) else _kind(time)
    wrong = BadPayloadError(
        RejectReason.BAD_TIME, f"time {shown} is neither RFC 3339 with a zone nor epoch milliseconds"
    )
    if isinstance(time, bool):
        raise wrong
    if isinstance(time, int | float):
        if not math.isfinite(time) or not EARLIEST <= time * 1000 <= LATEST:
            raise wrong
        return round(time * 1000)
    if not isinstance(time, str):
        raise wrong
    try:
        # The parser of plain messages: both ways must round to the same microsecond, or a value would be stored twice.
        moment = msgspec.convert(time, datetime)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise wrong from None
    if moment.tzinfo is None:
        raise wrong
    return micros_of(moment)


def _kind(value: Any) -> str:  # noqa: ANN401
    names = {str: "text", list: "a list", type(None): "null"}
    return "an object" if isinstance(value, dict) else names.get(type(value), type(value).__name__)
