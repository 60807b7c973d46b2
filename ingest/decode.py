"""Messages -> one batch (pure): decoded, looked up, checked against time window and physical range.

Never raises for any bytes: whatever cannot be stored becomes a dead letter with its reason and the raw payload.
"""

import math
from collections import Counter
from dataclasses import dataclass

import msgspec
import numpy as np

from domain.observation import Quality, Rejection, RejectReason
from domain.times import isoformat
from domain.topics import parse as parse_topic
from ingest.entry import BadPayloadError, Entry
from ingest.message import decode_carefully, decode_plain, is_plain, micros_of
from storage.batches import Batch, DeadLetter
from storage.catalog import Catalog, DeviceStreams

#: Dead letters that one message may become; further entries are counted in one more letter for each reason.
LETTERS_PER_MESSAGE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is admitted."""

    lateness_micros: int
    skew_micros: int
    payload_bytes: int


class _Columns:
    """The growing columns of a batch."""

    __slots__ = (
        "catalog",
        "dead_letters",
        "further",
        "letters_of",
        "payloads",
        "promises",
        "received",
        "sources",
        "streams",
        "times",
        "topics",
        "values",
    )

    def __init__(self, catalog: Catalog, topics: list[str], payloads: list[bytes], received: int) -> None:
        self.catalog = catalog
        self.topics = topics
        self.payloads = payloads
        self.received = received
        self.streams: list[int] = []
        self.times: list[int] = []
        self.values: list[float] = []
        self.sources: list[int] = []
        #: By datastream: the time of the entry that promised last, and the promise.
        self.promises: dict[int, tuple[int, float]] = {}
        self.dead_letters: list[DeadLetter] = []
        #: Messages that became dead letters, by source; and what came beyond the letters they may become.
        self.letters_of = Counter[int]()
        self.further = Counter[tuple[int, str | None, RejectReason]]()

    def reject(self, source: int, device: str | None, rejection: Rejection) -> None:
        if self.letters_of[source] >= LETTERS_PER_MESSAGE:
            self.further[source, device, rejection.reason] += 1
            return
        self.letters_of[source] += 1
        self.dead_letters.append(DeadLetter(self.topics[source], device, rejection, self.payloads[source]))

    def summarise(self) -> None:
        """One letter for all that a message and a reason have beyond those that stand on their own."""
        for (source, device, reason), entries in self.further.items():
            rejection = Rejection(reason, f"and {entries} more entries of this message")
            self.dead_letters.append(
                DeadLetter(self.topics[source], device, rejection, self.payloads[source], entries=entries)
            )

    def add(self, source: int, stream: int, time: int, value: float) -> None:
        self.streams.append(stream)
        self.times.append(time)
        self.values.append(value)
        self.sources.append(source)


def decode(topics: list[str], payloads: list[bytes], *, catalog: Catalog, limits: Limits, now: int) -> Batch:
    """The batch of these messages; `now` is the instant of arrival in microseconds."""
    columns = _Columns(catalog, topics, payloads, now)
    by_topic = catalog.by_topic
    for source, payload in enumerate(payloads):
        device = by_topic.get(topics[source])
        if device is None:
            columns.reject(source, None, _explain_topic(topics[source], catalog))
        elif len(payload) > limits.payload_bytes:
            detail = f"{len(payload)} bytes, {limits.payload_bytes} are admitted"
            columns.reject(source, device.device, Rejection(RejectReason.TOO_LARGE, detail))
        elif not _plain(columns, source, device, payload):
            _careful(columns, source, device, payload)
    return _check(columns, limits, now)


def _plain(columns: _Columns, source: int, device: DeviceStreams, payload: bytes) -> bool:
    """Takes the usual message, whole or not at all; False leaves it to the careful way."""
    try:
        message = decode_plain(payload)
        time = micros_of(message.time)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadPayloadError, OverflowError):
        return False
    values = message.values
    if not values or not is_plain(payload, message):
        return False
    streams = device.streams
    found = []
    for prop, value in values.items():
        stream = streams.get(prop)
        if stream is None:
            return False
        if value.__class__ is bool:
            if stream > 0:
                return False
            stream = -stream
        elif stream < 0:
            if value not in {0.0, 1.0}:
                return False
            stream = -stream
        found.append(stream)
    columns.streams += found
    columns.values += values.values()
    columns.times += [time] * len(found)
    columns.sources += [source] * len(found)
    return True


def _careful(columns: _Columns, source: int, device: DeviceStreams, payload: bytes) -> None:
    try:
        decoded = decode_carefully(payload, device=device.device, received=columns.received)
    except BadPayloadError as exc:
        columns.reject(source, device.device, exc.rejection)
        return
    for rejection in decoded.rejections:
        columns.reject(source, device.device, rejection)
    for entry in decoded.entries:
        checked = _resolve(entry, device)
        if isinstance(checked, Rejection):
            columns.reject(source, device.device, checked)
        else:
            columns.add(source, checked, entry.time, float(entry.value))
            if entry.promise_s is not None:
                promised = (entry.time, entry.promise_s)
                columns.promises[checked] = max(promised, columns.promises.get(checked, promised))


def _resolve(entry: Entry, device: DeviceStreams) -> int | Rejection:
    """The datastream of an entry, or why there is none."""
    stream = device.streams.get(entry.property)
    if stream is None:
        known = ", ".join(sorted(device.streams)[:5]) or "none"
        return Rejection(
            RejectReason.UNKNOWN_PROPERTY, f"{device.device} has no {entry.property[:80]!r}; registered: {known}"
        )
    unit = device.units[entry.property]
    if entry.unit is not None and entry.unit != unit:
        return Rejection(RejectReason.WRONG_UNIT, f"{entry.property} comes in {entry.unit!r}, registered is {unit!r}")
    if isinstance(entry.value, bool) != (stream < 0) and not (stream < 0 and entry.value in {0, 1}):
        expected = "true or false" if stream < 0 else "a number"
        return Rejection(
            RejectReason.WRONG_TYPE, f"{entry.property} is {entry.value!r}"[:120] + f", expected {expected}"
        )
    try:
        finite = math.isfinite(float(entry.value))
    except OverflowError:
        finite = False
    if not finite:
        return Rejection(RejectReason.NOT_FINITE, f"{entry.property} is not a finite number")
    return abs(stream)


def _explain_topic(topic: str, catalog: Catalog) -> Rejection:
    parts = parse_topic(topic)
    if parts is None:
        return Rejection(RejectReason.BAD_TOPIC, "expected lifeline/{area}/{network}/{device}/telemetry")
    if parts.device not in catalog.topic_of:
        return Rejection(RejectReason.UNKNOWN_DEVICE, f"device {parts.device!r} is not registered")
    return Rejection(RejectReason.BAD_TOPIC, f"device {parts.device!r} publishes on {catalog.topic_of[parts.device]}")


def _check(columns: _Columns, limits: Limits, now: int) -> Batch:
    """Time window and physical range, on whole columns."""
    streams = np.array(columns.streams, dtype=np.int32)
    values = np.array(columns.values, dtype=np.float64)
    times = np.array(columns.times, dtype=np.int64)
    sources = np.array(columns.sources, dtype=np.int32)
    catalog = columns.catalog
    outside = (values < catalog.minimum[streams]) | (values > catalog.maximum[streams])
    qualities = np.where(outside, np.int16(Quality.OUT_OF_RANGE), np.int16(Quality.GOOD))
    late, ahead = times < now - limits.lateness_micros, times > now + limits.skew_micros
    wrong = late | ahead
    if wrong.any():
        for index in np.flatnonzero(wrong):
            _reject_time(columns, int(sources[index]), int(times[index]), limits, now)
        good = ~wrong
        streams, times, values, sources = streams[good], times[good], values[good], sources[good]
        qualities = qualities[good]
    columns.summarise()
    return Batch(
        messages=len(columns.payloads),
        datastreams=streams,
        times=times,
        values=values,
        qualities=qualities,
        sources=sources,
        topics=columns.topics,
        payloads=columns.payloads,
        dead_letters=columns.dead_letters,
        promises={
            stream: seconds
            for stream, (time, seconds) in columns.promises.items()
            if now - limits.lateness_micros <= time <= now + limits.skew_micros
        },
    )


def _reject_time(columns: _Columns, source: int, time: int, limits: Limits, now: int) -> None:
    late = time < now
    try:
        shown = isoformat(time)
    except OverflowError:
        shown = f"{time} microseconds since 1970"
    admitted = limits.lateness_micros if late else limits.skew_micros
    detail = (
        f"time {shown} lies more than {admitted // 1_000_000} s {'behind' if late else 'ahead of'} {isoformat(now)}"
    )
    device = columns.catalog.by_topic[columns.topics[source]].device
    columns.reject(source, device, Rejection(RejectReason.TOO_LATE if late else RejectReason.IN_FUTURE, detail))
