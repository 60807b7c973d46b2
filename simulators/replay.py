"""Publishes a recording at its own cadence, faster, or as fast as the broker takes it."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from domain.times import MICROS_PER_SECOND, to_datetime
from simulators.ledger import Entry
from simulators.plan import Plan
from simulators.publisher import Publisher
from simulators.recording import Sample

_MILLI = 1000
_PROGRESS_EVERY = 500
#: How long one message may wait for a broker before the replay gives up, and how long the last ones may take.
_PATIENCE_S = 120.0
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What was published; messages and entries are those that the broker acknowledged."""

    title: str
    files: int
    messages: int
    entries: int
    #: Values that the recording itself lacks.
    missing: int
    #: Entries that repeat an instant of their device.
    repeated: int
    refused: int
    #: Acknowledged, but nobody had subscribed (only MQTT 5 tells).
    unmatched: int
    unacknowledged: int
    interrupted: bool
    #: Earliest and latest instant as published, microseconds since 1970 (UTC).
    first: int
    last: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the broker has everything."""
        return not (self.interrupted or self.unacknowledged or self.refused)


def payload(samples: list[Sample], moved: int) -> bytes:
    """One sample as an object, more as an array; epoch milliseconds, or RFC 3339 where those are too coarse."""
    objects = [{"time": _time(sample.time + moved), "values": sample.properties} for sample in samples]
    return _encode(objects[0] if len(objects) == 1 else objects)


def _time(micros: int) -> int | str:
    return to_datetime(micros).isoformat() if micros % _MILLI else micros // _MILLI


def play(
    plan: Plan,
    publisher: Publisher,
    *,
    speed: float,
    stop: threading.Event,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Publishes the plan's samples and waits until the broker has acknowledged them.

    Args:
        plan: What to publish.
        publisher: Connected; its ledger counts.
        speed: Recorded seconds in one second; infinite for as fast as possible.
        stop: Ends the replay early when set.
        progress: Told the number of samples published since the last call.
    """
    begun = time.monotonic()
    shared = None if plan.feed.clock == "file" else _Pace(min(p.scan.first for p in plan.parts), speed, begun)
    interrupted = False
    for part in plan.parts:
        pace = shared or _Pace(part.scan.first, speed, time.monotonic())
        done = 0
        for samples in _packs(plan.recording.samples(part.scan.path), plan.feed.pack):
            if stop.wait(pace.wait_s(samples[-1].time)) if pace.paced else stop.is_set():
                interrupted = True
                break
            publisher.publish(
                plan.topics[samples[0].device],
                payload(samples, part.moved),
                _entries(samples, part.moved) if publisher.ledger.keep else sum(len(s.properties) for s in samples),
                timeout_s=_PATIENCE_S,
            )
            done += len(samples)
            if progress and (done >= _PROGRESS_EVERY or pace.paced):
                progress(done)
                done = 0
        if progress:
            progress(done)
        if interrupted:
            break
    publisher.drain(_PATIENCE_S)
    ledger = publisher.ledger
    return Summary(
        title=plan.feed.title,
        files=len(plan.parts),
        messages=ledger.messages,
        entries=ledger.entries,
        missing=sum(part.scan.missing for part in plan.parts),
        repeated=sum(part.scan.repeated for part in plan.parts),
        refused=ledger.refused,
        unmatched=ledger.unmatched,
        unacknowledged=publisher.pending,
        interrupted=interrupted,
        first=min(part.scan.first + part.moved for part in plan.parts),
        last=max(part.scan.last + part.moved for part in plan.parts),
        seconds=time.monotonic() - begun,
    )


def _entries(samples: list[Sample], moved: int) -> list[Entry]:
    return [
        Entry(sample.device, name, sample.time + moved, float(value))
        for sample in samples
        for name, value in sample.properties.items()
    ]


def _packs(samples: Iterator[Sample], rows: int) -> Iterator[list[Sample]]:
    """Lists of `rows` samples of one device, and what is left at the end."""
    waiting: dict[str, list[Sample]] = {}
    for sample in samples:
        pack = waiting.setdefault(sample.device, [])
        pack.append(sample)
        if len(pack) >= rows:
            yield pack
            waiting[sample.device] = []
    yield from filter(None, waiting.values())


class _Pace:
    """When a sample is due: its distance from the first, divided by the speed."""

    def __init__(self, first: int, speed: float, begun: float) -> None:
        self._first = first
        self._speed = speed
        self._begun = begun
        self.paced = not math.isinf(speed)

    def wait_s(self, recorded: int) -> float:
        """Seconds until a sample of this recorded instant is due; 0 if it is overdue."""
        due = self._begun + (recorded - self._first) / MICROS_PER_SECOND / self._speed
        return max(0.0, due - time.monotonic())
