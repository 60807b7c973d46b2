"""The devices of the county at work: each reports at its interval, and every second while something is wrong with it.

A few gateways carry the messages of all devices, as concentrators in the field do. Every acknowledged entry is in the
ledger, with the time from publication to acknowledgement.
"""

import heapq
import threading
from collections import deque
from collections.abc import Sequence

import structlog

from domain.errors import UnavailableError
from domain.times import Clock, now_micros
from domain.topics import telemetry
from simulators.county import County, FieldDevice
from simulators.incidents import Incident, Script
from simulators.ledger import Entry, Ledger
from simulators.noise import level
from simulators.publisher import Publisher
from simulators.telemetry import encode, entries, values

log = structlog.get_logger(__name__)

GATEWAYS = 4
_ALARMED_S = 1.0
#: How far a device that sends two samples a message goes back for the first.
_EARLIER_S = 0.5
_SECOND = 1_000_000


class FleetLedger(Ledger):
    """A ledger that also knows how long the broker took to acknowledge, over the last messages."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.acknowledged_in_ms: deque[float] = deque(maxlen=5000)

    def acknowledged(self, entries: int | Sequence[Entry], *, unmatched: bool = False) -> None:
        """Counts one message; the last sample of a message is as old as the message."""
        super().acknowledged(entries, unmatched=unmatched)
        if not isinstance(entries, int):
            self.acknowledged_in_ms.append((self._clock() - entries[-1].time) / 1000)


class Fleet:
    """Publishes until stopped.

    Args:
        county: Whose devices.
        url: Broker.
        prefix: Start of the MQTT client ids of the gateways.
        clock: Source of the times in the messages.
    """

    def __init__(self, county: County, url: str, *, prefix: str = "county", clock: Clock = now_micros) -> None:
        self._county = county
        self._clock = clock
        self.ledger = FleetLedger(clock)
        self._gateways = [Publisher(url, f"{prefix}-gateway-{n}", ledger=self.ledger) for n in range(GATEWAYS)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._reported: dict[str, int] = {}
        self.script: Script | None = None
        self.problem: str | None = None

    @property
    def pending(self) -> int:
        """Messages handed to the broker and not acknowledged yet."""
        return sum(gateway.pending for gateway in self._gateways)

    def start(self, timeout_s: float = 20.0) -> None:
        """Connects every gateway, then begins to publish; the first incident begins within two seconds.

        Raises:
            UnavailableError: The broker did not accept a gateway in time.
        """
        for gateway in self._gateways:
            gateway.start()
        for gateway in self._gateways:
            gateway.wait_connected(timeout_s)
        self.script = Script(self._county, self._clock() / _SECOND)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Publishes nothing more; True when the broker has acknowledged everything."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        try:
            drained = [gateway.drain(timeout_s) for gateway in self._gateways]
        except UnavailableError as exc:
            self.problem = str(exc)
            drained = [False]
        for gateway in self._gateways:
            gateway.close()
        return all(drained)

    def _run(self) -> None:
        try:
            self._publish_until_stopped()
        except UnavailableError as exc:
            self.problem = str(exc)
            log.exception("fleet_stopped")

    def _publish_until_stopped(self) -> None:
        start = self._clock()
        due: list[tuple[int, int, int]] = []
        for index, device in enumerate(self._county.devices):
            # Evenly spread over the interval, so that the load is level from the start.
            phase = (level(self._county.seed, device.id, "phase") + 1) / 2
            due.append((start + int(phase * device.hardware.interval_s * _SECOND), index, 0))
        heapq.heapify(due)
        generation = [0] * len(due)
        alarmed: frozenset[str] = frozenset()
        while not self._stop.is_set():
            now = self._clock()
            affected = self._affected(now)
            for index, device in enumerate(self._county.devices):
                if device.id in affected and device.id not in alarmed:
                    # A device that notices something speaks at once instead of at its next turn.
                    generation[index] += 1
                    heapq.heappush(due, (now, index, generation[index]))
            alarmed = affected
            while due and due[0][0] <= now:
                _, index, turn = heapq.heappop(due)
                if turn != generation[index]:
                    continue
                device = self._county.devices[index]
                self._publish(device, index)
                interval_s = _ALARMED_S if device.id in affected else device.hardware.interval_s
                heapq.heappush(due, (now + int(interval_s * _SECOND), index, turn))
            self._stop.wait(min(0.1, max(0.001, (due[0][0] - self._clock()) / _SECOND)))

    def _affected(self, now: int) -> frozenset[str]:
        return frozenset().union(*(incident.devices for incident in self._running(now)))

    def _running(self, time: int) -> tuple[Incident, ...]:
        return self.script.running(time / _SECOND) if self.script else ()

    def _publish(self, device: FieldDevice, index: int) -> None:
        # Instants of a device are whole milliseconds, as its message writes them.
        now = self._clock() // 1000 * 1000
        times = [now]
        earlier = now - int(_EARLIER_S * _SECOND)
        if device.hardware.form == "array" and earlier > self._reported.get(device.id, 0):
            times.insert(0, earlier)
        self._reported[device.id] = now
        samples = [(time, values(self._county.seed, device, self._running(time), time)) for time in times]
        self._gateways[index % GATEWAYS].publish(
            telemetry(device.area, device.network, device.id),
            encode(device, samples),
            entries(device, samples),
            timeout_s=30.0,
        )
