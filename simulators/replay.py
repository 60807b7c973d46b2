"""Publishes a recording at its own cadence, faster, or as fast as the broker takes it."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from domain.times import MICROS_PER_SECOND, to_datetime
from domain.topics import clock as clock_topic
from domain.topics import parse
from simulators.ledger import Entry
from simulators.programme import Programme
from simulators.publisher import Publisher
from simulators.recording import Sample

_MILLI = 1000
_PROGRESS_EVERY = 500
#: How long one message may wait for a broker before the replay gives up, and how long the last ones may take.
_PATIENCE_S = 120.0
#: Recorded seconds between two messages of the clock, at least; and wall seconds when the replay is paced.
_TICK_S = 10.0
_PACED_TICK_S = 0.25
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
    #: What was added to every instant, in microseconds, where one shift holds for all.
    moved: int | None
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


class Line(Protocol):
    """What carries messages: a publisher, or several as one."""

    def publish(
        self, topic: str, payload: bytes, entries: int | Sequence[Entry] = 1, *, timeout_s: float | None = None
    ) -> None:
        """Hands one message over."""

    def drain(self, timeout_s: float) -> bool:
        """Waits until every message is answered; False if some still are not after `timeout_s`."""


class ClockTeller:
    """Tells platforms that live by the replay's clock how far the replay has come (`domain.topics.clock`).

    A clock counts only if everything before it has arrived: so what was published is acknowledged first.

    Args:
        publisher: The one that publishes the samples.
        speed: Recorded seconds in one second.
        topics: On which the samples are published; each of their areas is told.
    """

    def __init__(self, publisher: Line, speed: float, topics: Iterable[str]) -> None:
        self._publisher = publisher
        areas = sorted({found.area for topic in topics if (found := parse(topic))})
        self._topics = [clock_topic(area) for area in areas]
        step_s = _TICK_S if math.isinf(speed) else min(_TICK_S, speed * _PACED_TICK_S)
        self._step = max(1, int(step_s * MICROS_PER_SECOND))
        self._told: int | None = None

    def begin(self, instant: int) -> None:
        """Everything is registered and listened to from here on."""
        self._publish(instant, begins=True)

    def reach(self, instant: int) -> None:
        """Nothing older than this will come, but what is late; told when enough time has passed since the last."""
        if self._told is not None and instant - self._told >= self._step:
            self._publish(instant)

    def end(self, instant: int) -> None:
        """The replay is over."""
        self._publish(instant)

    def _publish(self, instant: int, *, begins: bool = False) -> None:
        self._publisher.drain(_PATIENCE_S)
        said: dict[str, object] = {"time": _time(instant)}
        if begins:
            said["begins"] = True
        for topic in self._topics:
            self._publisher.publish(topic, _encode(said), 0, timeout_s=_PATIENCE_S)
        self._told = instant if self._told is None else max(self._told, instant)


def play(
    programme: Programme,
    publisher: Publisher,
    *,
    speed: float,
    stop: threading.Event,
    clock: ClockTeller | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Publishes a programme and waits until the broker has acknowledged it.

    Args:
        programme: What to publish.
        publisher: Connected; its ledger counts.
        speed: Recorded seconds in one second; infinite for as fast as possible.
        stop: Ends the replay early when set.
        clock: Told how far the replay has come; only for platforms that live by it.
        progress: Told the number of samples published since the last call.
    """
    begun = time.monotonic()
    first = min(reel.first + reel.moved for reel in programme.reels)
    last = max(reel.last + reel.moved for reel in programme.reels)
    shared = _Pace(min(r.origin for r in programme.reels), speed, begun) if programme.one_clock else None
    if clock:
        clock.begin(first)
    interrupted = False
    for reel in programme.reels:
        pace = shared or _Pace(reel.origin, speed, time.monotonic())
        done = 0
        for samples in _packs(reel.samples(), programme.pack):
            if stop.wait(pace.wait_s(samples[-1].leaves)) if pace.paced else stop.is_set():
                interrupted = True
                break
            if clock:
                clock.reach(samples[-1].leaves + reel.moved)
            publisher.publish(
                programme.topics[samples[0].device],
                payload(samples, reel.moved),
                _entries(samples, reel.moved) if publisher.ledger.keep else sum(len(s.properties) for s in samples),
                timeout_s=_PATIENCE_S,
            )
            done += len(samples)
            if progress and (done >= _PROGRESS_EVERY or pace.paced):
                progress(done)
                done = 0
        if progress:
            progress(done)
        if interrupted or (pace.paced and stop.wait(pace.wait_s(reel.last))):
            interrupted = True
            break
    if clock and not interrupted:
        clock.end(last)
    publisher.drain(_PATIENCE_S)
    ledger = publisher.ledger
    moved = {reel.moved for reel in programme.reels}
    return Summary(
        title=programme.title,
        files=len(programme.reels),
        messages=ledger.messages,
        entries=ledger.entries,
        missing=programme.missing,
        repeated=programme.repeated,
        refused=ledger.refused,
        unmatched=ledger.unmatched,
        unacknowledged=publisher.pending,
        interrupted=interrupted,
        first=first,
        last=last,
        moved=moved.pop() if len(moved) == 1 else None,
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
