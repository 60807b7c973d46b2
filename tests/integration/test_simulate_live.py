"""The town over a real broker: what the ledger says was acknowledged is what a subscriber got, when it was due."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest

from domain.times import now_micros
from runtime.embedded import EmbeddedBroker
from simulators.devices.chunks import Chunk
from simulators.devices.emit import emit
from simulators.devices.letters import Desk
from simulators.devices.live import Broadcast, LiveLedger
from simulators.devices.traffic import Traffic
from simulators.ledger import LedgerColumns
from simulators.town.happenings import Happening
from simulators.town.layout import Instrument, Town
from simulators.town.truth import Span
from tests.support.field import ALL, HOUR, MIDNIGHT, MINUTE, SECOND, STATION, WELL, happening, town, truth
from tests.support.proxy import Proxy
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

TOWN = town()
EVERYTHING = "lifeline/#"
OUTAGE = happening("device.carrier_out", "carrier-mobile", MIDNIGHT + 50 * MINUTE, MIDNIGHT + 70 * MINUTE)


def traffic(*happenings: Happening, of: Town = TOWN, steps: int = 60, start: int = MIDNIGHT) -> Traffic:
    return emit(of, truth(of, Span(start=start, steps=steps)), happenings, seed=1)


def entries(columns: LedgerColumns) -> list[tuple[str, str, int, float]]:
    return sorted(
        (columns.devices[d], columns.properties[p], int(t), float(v))
        for d, p, t, v in zip(columns.device, columns.property, columns.time, columns.value, strict=True)
    )


def expected(*found: Traffic, shift: int = 0) -> list[tuple[str, str, int, float]]:
    letters = [letter for one in found for letter in Desk(TOWN, shift).letters(one)]
    return sorted((e.device, e.property, e.time, e.value) for letter in letters for e in letter.entries)


def payloads(subscriber: Subscriber) -> list[bytes]:
    return list(subscriber.received)


@pytest.mark.parametrize("connections", [False, True])
def test_at_full_speed_the_broker_acknowledges_everything(broker: EmbeddedBroker, *, connections: bool) -> None:
    found = traffic(OUTAGE, happening("device.poor_link", "carrier-telecom", MIDNIGHT, twice=0.3))
    with Subscriber(broker.url, EVERYTHING) as subscriber:
        broadcast = Broadcast(
            TOWN,
            [Chunk(traffic=found)],
            broker.url,
            speed=float("inf"),
            connections=connections,
            ledger=LiveLedger(keep=True),
        )
        broadcast.start()
        assert broadcast.wait(60)
        assert broadcast.stop()
        wait_until(lambda: len(subscriber.received) == len(found.sent), what="everything is received")
    assert broadcast.problem is None
    assert broadcast.connections == (len(ALL) if connections else 4)
    assert entries(broadcast.ledger.columns()) == expected(found)
    assert sorted(payloads(subscriber)) == sorted(letter.payload for letter in Desk(TOWN).letters(found))
    assert broadcast.progress().messages == len(found.sent)
    assert len(broadcast.ledger.acknowledged_in_ms) == len(found.sent)


def test_messages_of_one_line_keep_their_order(nats_broker: EmbeddedBroker) -> None:
    there = town(WELL)
    found = traffic(happening("device.poor_link", WELL.device, MIDNIGHT, late=0.5, twice=0.0), of=there)
    with Subscriber(nats_broker.url, EVERYTHING) as subscriber:
        broadcast = Broadcast(there, [Chunk(traffic=found)], nats_broker.url, speed=float("inf"))
        broadcast.start()
        assert broadcast.wait(60)
        assert broadcast.stop()
        wait_until(lambda: len(subscriber.received) == len(found.sent), what="everything is received")
    assert payloads(subscriber) == [letter.payload for letter in Desk(there).letters(found)]


def test_at_its_pace_each_message_leaves_when_it_is_due_and_says_so(nats_broker: EmbeddedBroker) -> None:
    quick = tuple(Instrument(device=f"station-00{n}-rtu", asset=f"station-00{n}", model="R",
                             properties=("water.flow",), sample_s=1, heartbeat_s=1) for n in (1, 2))  # fmt: skip
    there = town(*quick)
    found = traffic(of=there, steps=1)
    arrivals: list[int] = []
    with Subscriber(nats_broker.url, EVERYTHING) as subscriber:
        add = subscriber.received.append
        subscriber.received = _Noted(add, arrivals)
        began = now_micros()
        broadcast = Broadcast(there, [Chunk(traffic=found)], nats_broker.url, speed=20.0, origin=MIDNIGHT, shift=None)
        broadcast.start()
        assert broadcast.wait(30)
        assert broadcast.stop()
        wait_until(lambda: len(arrivals) == 120, what="everything is received")
    started = broadcast.shift + MIDNIGHT
    assert began <= started <= began + 5 * SECOND
    due = started + (found.sent - MIDNIGHT) / 20
    late_ms = (np.array(arrivals) - due) / 1000
    assert late_ms.min() > -5
    assert np.median(late_ms) < 250
    progress = broadcast.progress()
    assert 0 <= progress.late_ms[0] <= progress.late_ms[1] <= progress.late_ms[2] <= progress.worst_ms < 5000
    assert progress.finished
    first = json.loads(subscriber.received[0])
    assert abs(_micros(first["time"]) - started) < 2 * SECOND


class _Noted(list[bytes]):
    """Notes when each message came."""

    def __init__(self, _: object, arrivals: list[int]) -> None:
        super().__init__()
        self._arrivals = arrivals

    def append(self, payload: bytes) -> None:
        self._arrivals.append(now_micros())
        super().append(payload)


def _micros(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1e6)


def test_spans_follow_one_another_and_what_was_held_leaves_in_the_next(nats_broker: EmbeddedBroker) -> None:
    first = traffic(OUTAGE)
    second = traffic(OUTAGE, start=MIDNIGHT + HOUR)
    chunks = [
        Chunk(traffic=first, until=MIDNIGHT + HOUR),
        Chunk(traffic=second, until=MIDNIGHT + 2 * HOUR),
    ]
    with Subscriber(nats_broker.url, EVERYTHING) as subscriber:
        broadcast = Broadcast(
            TOWN, iter(chunks), nats_broker.url, speed=float("inf"), shift=7 * HOUR, ledger=LiveLedger(keep=True)
        )
        broadcast.start()
        assert broadcast.wait(60)
        assert broadcast.stop()
        wait_until(
            lambda: len(subscriber.received) == len(first.sent) + len(second.sent), what="everything is received"
        )
    assert (first.sent >= MIDNIGHT + HOUR).sum() >= 9
    assert entries(broadcast.ledger.columns()) == expected(first, second, shift=7 * HOUR)
    # In the order of leaving, as one span would have: the held ones among those of the second span.
    times = broadcast.ledger.columns().time
    late = np.flatnonzero(np.maximum.accumulate(times) - times > 5 * MINUTE)
    assert len(late) > 0
    assert late.min() > first.count[first.sent < MIDNIGHT + HOUR].sum()


def test_it_goes_on_for_ever_computes_ahead_and_stops_when_told(nats_broker: EmbeddedBroker) -> None:
    made: list[int] = []
    there = town(STATION)

    def spans() -> Iterator[Chunk]:
        for number in count():
            start = MIDNIGHT + number * HOUR
            made.append(number)
            yield Chunk(traffic=traffic(of=there, start=start), until=start + HOUR)

    broadcast = Broadcast(there, spans(), nats_broker.url, speed=3600.0)
    broadcast.start()
    wait_until(lambda: broadcast.ledger.messages > 150, timeout_s=30, what="more than two hours are published")
    reached = int((broadcast.progress().position - MIDNIGHT) // HOUR)
    # The next is made, and the one after it may be in the making; not the whole future.
    assert reached < max(made) <= reached + 4
    assert not broadcast.progress().finished
    began = time.monotonic()
    assert broadcast.stop()
    assert time.monotonic() - began < 10
    assert broadcast.pending == 0
    assert broadcast.ledger.messages == broadcast.progress().messages
    assert threading.active_count() < 50


def test_a_source_that_fails_ends_the_broadcast_with_its_reason(nats_broker: EmbeddedBroker) -> None:
    def spans() -> Iterator[Chunk]:
        yield Chunk(traffic=traffic(), until=MIDNIGHT + HOUR)
        raise RuntimeError("the engine tripped")

    broadcast = Broadcast(TOWN, spans(), nats_broker.url, speed=float("inf"))
    broadcast.start()
    assert broadcast.wait(60)
    broadcast.stop()
    assert broadcast.problem == "the engine tripped"


def test_a_broker_that_goes_away_and_returns_costs_time_but_no_message(
    nats_broker: EmbeddedBroker, proxy: Callable[[str], Proxy]
) -> None:
    way = proxy(nats_broker.url)
    found = traffic(steps=90)
    with Subscriber(nats_broker.url, EVERYTHING) as subscriber:
        broadcast = Broadcast(
            TOWN, [Chunk(traffic=found)], way.url, speed=1200.0, origin=MIDNIGHT, ledger=LiveLedger(keep=True)
        )
        broadcast.start()
        wait_until(lambda: broadcast.ledger.messages > 100, what="it publishes")
        way.stop()
        wait_until(lambda: broadcast.pending > 20, what="messages wait")
        way.start()
        assert broadcast.wait(60)
        assert broadcast.stop(30)
        distinct = {letter.payload for letter in Desk(TOWN).letters(found)}
        wait_until(lambda: set(subscriber.received) == distinct, timeout_s=30, what="everything is received")
    assert entries(broadcast.ledger.columns()) == expected(found)


@pytest.mark.parametrize("speed", [float("inf"), 1800.0])
def test_a_platform_on_the_replays_clock_is_told_it_after_what_it_stands_for(
    nats_broker: EmbeddedBroker, speed: float
) -> None:
    found = traffic()
    with Subscriber(nats_broker.url, EVERYTHING) as subscriber:
        broadcast = Broadcast(
            TOWN, [Chunk(traffic=found)], nats_broker.url, speed=speed, origin=MIDNIGHT, shift=HOUR, tells_clock=True
        )
        broadcast.start()
        assert broadcast.wait(60)
        assert broadcast.stop()
        ends = (int(found.sent[-1]) + HOUR) // 1000
        wait_until(lambda: _told(subscriber.received[-1:]) == [ends], what="the end is told")
    received = list(subscriber.received)
    assert json.loads(received[0]) == {"time": (MIDNIGHT + HOUR) // 1000, "begins": True}
    told = _told(received)
    assert told == sorted(told)
    assert len(told) > 5
    letters = {letter.payload: letter.sent for letter in Desk(TOWN, HOUR).letters(found)}
    before = -1
    for place, payload in enumerate(received):
        clock = _told([payload])
        if clock:
            before = clock[0] * 1000 - HOUR
        else:
            assert letters[payload] >= before, place
    # What is no observation is not in the ledger.
    assert broadcast.ledger.messages == len(found.sent)


def _told(payloads: list[bytes]) -> list[int]:
    """Times of the messages of the clock among these."""
    read = [json.loads(payload) for payload in payloads]
    return [one["time"] for one in read if isinstance(one, dict) and "values" not in one]
