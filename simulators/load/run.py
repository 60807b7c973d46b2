"""Runs a fleet against a broker: an open loop, in which every message is due at its time whatever the broker does."""

import math
import resource
import selectors
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from domain.errors import UnavailableError
from domain.times import Clock, now_micros
from runtime import broker_address
from simulators.load.groups import Group, compose, streams
from simulators.load.histogram import Quantiles
from simulators.load.line import READY, V5, V311, Line
from simulators.load.schedule import Schedule
from simulators.load.supply import Supply, step
from simulators.load.tally import FleetLedger, Tally, ledger
from simulators.load.wire import look_up, tls_context

#: Messages are made this long before they are due, and the schedule begins so long after the connections stand, s.
_AHEAD_S = 0.5
_TEND_S, _TELL_S = 0.25, 0.5
#: Lines without a connection are looked at so often: nobody wakes us when one is there.
_DIAL_S = 0.02
#: Connections that are opened at the same time.
_DIALS = 32
#: The longest sleep: a stop signal is heard after it.
_NAP_S = 0.1
#: A rate counts as reached with this part of the messages sent within the time.
REACHED = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What is asked of a fleet.

    Attributes:
        window: Most messages without an answer on each connection.
        backlog: Most messages that wait for their connection; what is due beyond waits unmade, and is as late.
        drain_s: Longest wait for late messages and answers after the end.
        version: `auto` tries MQTT 5 and falls back to 3.1.1.
        keep: Remember the fate of each message.
    """

    devices: int
    rate: float
    duration_s: float
    connections: int
    qos: int = 1
    seed: int = 1
    window: int = 200
    backlog: int = 50_000
    drain_s: float = 30.0
    version: str = "auto"
    ca_file: Path | None = None
    keepalive_s: int = 60
    keep: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Where a run is."""

    elapsed_s: float
    published: int
    acknowledged: int
    outstanding: int
    #: How late the oldest message is that waits to be written.
    behind_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a run; scheduled = published + unsent, published = acknowledged + outstanding + refused."""

    devices: int
    datastreams: int
    connections: int
    rate: float
    duration_s: float
    qos: int
    protocol: str
    scheduled: int
    published: int
    unsent: int
    acknowledged: int
    outstanding: int
    refused: int
    unmatched: int
    repeated: int
    connections_lost: int
    #: Messages a second that were written before the end of the schedule.
    achieved_rate: float
    in_time: int
    interrupted: bool
    lateness_ms: Quantiles
    ack_ms: Quantiles
    rss_mb: float
    cpu_s: float

    @property
    def complete(self) -> bool:
        """Whether everything was published at its rate, and acknowledged."""
        return (
            not self.interrupted
            and self.scheduled > 0
            and self.acknowledged == self.scheduled
            and self.in_time >= REACHED * self.scheduled
        )


class FleetRun:
    """One run of a fleet.

    Args:
        load: What is asked.
        url: Of the broker.
        prefix: Start of the client ids.
        stop: Ends the run early when set.
        progress: Is told twice a second.
        clock: For the times in messages.
    """

    def __init__(
        self,
        load: Load,
        url: str,
        *,
        prefix: str = "fleet",
        stop: threading.Event | None = None,
        progress: Callable[[Snapshot], None] | None = None,
        clock: Clock = now_micros,
    ) -> None:
        self._load = load
        self._address = broker_address.parse(url)
        self._prefix = prefix
        self._stop = stop or threading.Event()
        self._progress = progress
        self._clock = clock
        self.groups: tuple[Group, ...] = compose(load.devices, load.rate)
        self._schedule = Schedule(self.groups, load.duration_s, load.seed)
        self._step_s = step(load.rate)
        self._tally = Tally(self._schedule.total if load.keep else 0)
        self._selector = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(min(_DIALS, load.connections), thread_name_prefix="fleet-dial")
        self._tls = tls_context(self._address, load.ca_file)
        self._look_s = _DIAL_S
        self._lines: list[Line] = []
        self._busy: set[Line] = set()
        self._begin = 0
        self._looked_s = self._tended_s = self._told_s = 0.0

    def run(self, connect_s: float = 15.0) -> Outcome:
        """Connects, publishes, waits for the answers.

        Raises:
            UnavailableError: The broker did not accept every connection in time.
        """
        spent_s = time.process_time()
        try:
            self._connect(connect_s)
            return self._publish(spent_s)
        finally:
            for each in self._lines:
                each.close()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._selector.close()

    def ledger(self) -> FleetLedger:
        """What became of each message; ValueError when the run was not to keep it."""
        if not self._load.keep:
            raise ValueError("this run only counted: ask for keep=True")
        return ledger(self.groups, self._schedule, self._step_s, self._begin, bytes(self._tally.states))

    def _connect(self, connect_s: float) -> None:
        look_up(self._address)
        version = V311 if self._load.version == "3.1.1" else V5
        self._lines.append(self._line(0, version))
        deadline_s = time.monotonic() + connect_s
        if self._load.version == "auto" and not self._accepted(self._lines[0], deadline_s):
            version = V311
            self._lines.pop().close()
            self._lines.append(self._line(0, version))
        self._lines += [self._line(number, version) for number in range(1, self._load.connections)]
        self._look_s = _DIAL_S
        while not all(each.state == READY for each in self._lines):
            now_s = self._turn(_NAP_S)
            if now_s > deadline_s or self._stop.is_set():
                missing = [each for each in self._lines if each.state != READY]
                why = next((each.problem for each in missing if each.problem), "no answer")
                raise UnavailableError(
                    f"broker {self._address.host}:{self._address.port} accepted {len(self._lines) - len(missing)}"
                    f" of {len(self._lines)} connections within {connect_s:g} s: {why}"
                )

    def _accepted(self, first: Line, deadline_s: float) -> bool:
        """Whether the broker takes a line of its version; False when it ends the connection instead."""
        while first.state != READY:
            if self._turn(_NAP_S) > deadline_s or self._stop.is_set():
                return True
            if first.reached and first.problem is not None:
                return False
        return True

    def _line(self, number: int, version: MQTTProtocolVersion) -> Line:
        return Line(
            self._address,
            f"{self._prefix}-{number:05d}",
            self._selector,
            self._pool,
            self._tally,
            window=self._load.window,
            qos=self._load.qos,
            version=version,
            keepalive_s=self._load.keepalive_s,
            tls=self._tls,
        )

    def _publish(self, spent_s: float) -> Outcome:
        begin_s = time.monotonic() + _AHEAD_S
        self._begin = self._clock() + round(_AHEAD_S * 1e6)
        supply = Supply(
            self.groups,
            self._schedule,
            step_s=self._step_s,
            lines=len(self._lines),
            begin_s=begin_s,
            begin=self._begin,
            seed=self._load.seed,
        )
        end_s = begin_s + self._load.duration_s
        in_time: int | None = None
        give_up_s = math.inf
        while True:
            now_s = time.monotonic()
            if self._stop.is_set() and give_up_s == math.inf:
                end_s = min(end_s, now_s)
                # What is due by now is still sent; what is not never will be.
                give_up_s = now_s + min(5.0, self._load.drain_s)
            if now_s >= end_s and in_time is None:
                in_time = self._tally.published
                give_up_s = min(give_up_s, end_s + self._load.drain_s)
            working = self._release(supply, min(now_s, end_s))
            over = in_time is not None and (supply.exhausted or self._stop.is_set())
            if over and not self._due(supply, end_s) and all(each.idle for each in self._lines):
                break
            if now_s >= give_up_s:
                break
            self._turn(0.0 if working else self._nap(supply, time.monotonic()))
            self._tell(now_s - begin_s, supply, now_s)
        return self._outcome(supply, begin_s, end_s, in_time or 0, spent_s)

    def _release(self, supply: Supply, now_s: float) -> bool:
        """Hands due messages to their lines, lets those write, makes a piece of the next ones; False: nothing to do."""
        prepared = supply.prepared
        backlog = sum(len(each.waiting) for each in self._busy)
        while prepared and prepared[0].due_s <= now_s and backlog < self._load.backlog:
            message = prepared.popleft()
            each = self._lines[message.line]
            each.waiting.append(message)
            self._busy.add(each)
            backlog += 1
        for each in tuple(self._busy):
            each.write()
            if not each.waiting:
                self._busy.discard(each)
        if supply.exhausted or len(prepared) + backlog >= self._load.backlog:
            return False
        if prepared and prepared[-1].due_s > now_s + _AHEAD_S:
            return False
        supply.make()
        return True

    def _turn(self, timeout_s: float) -> float:
        """Waits for sockets, serves them, and now and then tends every line; the time after that."""
        for key, events in self._selector.select(min(timeout_s, self._look_s)):
            served: Line = key.data
            served.ready(events)
            if served.waiting:
                self._busy.add(served)
        now_s = time.monotonic()
        if now_s - self._looked_s >= self._look_s:
            self._looked_s = now_s
            everyone = now_s - self._tended_s >= _TEND_S
            if everyone:
                self._tended_s = now_s
            for each in self._lines:
                if everyone or each.state != READY:
                    each.tend(now_s)
                    if each.waiting:
                        self._busy.add(each)
            self._look_s = _TEND_S if all(each.state == READY for each in self._lines) else _DIAL_S
        return now_s

    def _nap(self, supply: Supply, now_s: float) -> float:
        if any(each.sendable for each in self._busy):
            return 0.0
        until_s = supply.prepared[0].due_s if supply.prepared else now_s + _NAP_S
        return min(_NAP_S, max(0.001, until_s - now_s))

    def _due(self, supply: Supply, end_s: float) -> bool:
        return bool(supply.prepared) and supply.prepared[0].due_s < end_s

    def _tell(self, elapsed_s: float, supply: Supply, now_s: float) -> None:
        if self._progress is None or now_s - self._told_s < _TELL_S:
            return
        self._told_s = now_s
        heads = [each.waiting[0].due_s for each in self._busy if each.waiting]
        heads += [supply.prepared[0].due_s] if supply.prepared else []
        self._progress(
            Snapshot(
                elapsed_s=max(0.0, elapsed_s),
                published=self._tally.published,
                acknowledged=self._tally.acknowledged,
                outstanding=self._tally.outstanding,
                behind_s=max(0.0, now_s - min(heads, default=now_s)),
            )
        )

    def _outcome(self, supply: Supply, begin_s: float, end_s: float, in_time: int, spent_s: float) -> Outcome:
        now_s = time.monotonic()
        unsent = 0
        # Messages that were never sent are as late as the moment at which they were given up.
        for message in (m for each in self._lines for m in each.unsent()):
            self._tally.late(now_s - message.due_s)
            unsent += 1
        for due_s in supply.rest():
            for each_s in due_s[due_s < end_s].tolist():
                self._tally.late(now_s - each_s)
                unsent += 1
        lasted_s = max(1e-9, end_s - begin_s)
        return Outcome(
            devices=self._load.devices,
            datastreams=streams(self.groups),
            connections=len(self._lines),
            rate=self._load.rate,
            duration_s=round(lasted_s, 3),
            qos=self._load.qos,
            protocol="5" if self._lines[0].version == V5 else "3.1.1",
            scheduled=self._tally.published + unsent,
            published=self._tally.published,
            unsent=unsent,
            acknowledged=self._tally.acknowledged,
            outstanding=self._tally.outstanding,
            refused=self._tally.refused,
            unmatched=self._tally.unmatched,
            repeated=self._tally.repeated,
            connections_lost=self._tally.connections_lost,
            achieved_rate=round(in_time / lasted_s, 1),
            in_time=in_time,
            interrupted=self._stop.is_set(),
            lateness_ms=self._tally.lateness.quantiles(),
            ack_ms=self._tally.answers.quantiles(),
            rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            cpu_s=round(time.process_time() - spent_s, 2),
        )
