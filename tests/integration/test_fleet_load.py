"""The fleet against real brokers: its ledger equals what arrived, and trouble shows in its report."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from domain.errors import UnavailableError
from runtime.embedded import EmbeddedBroker
from simulators.load.run import FleetRun, Load, Outcome, Snapshot
from simulators.load.tally import ACKNOWLEDGED, UNSENT, FleetLedger
from tests.support.proxy import Proxy
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

_EVERYTHING = "lifeline/#"
_SECOND = 1_000_000


def _load(
    *,
    rate: float = 400,
    duration_s: float = 2.0,
    window: int = 200,
    drain_s: float = 20.0,
    qos: int = 1,
    connections: int = 5,
    backlog: int = 50_000,
) -> Load:
    return Load(
        devices=1000,
        rate=rate,
        duration_s=duration_s,
        connections=connections,
        window=window,
        drain_s=drain_s,
        qos=qos,
        backlog=backlog,
        keep=True,
    )


def _adds_up(outcome: Outcome) -> bool:
    return (
        outcome.scheduled == outcome.published + outcome.unsent
        and outcome.published == outcome.acknowledged + outcome.outstanding + outcome.refused
    )


def _instant(payload: bytes) -> int:
    """The time of the last sample of a message, milliseconds since 1970."""
    document = json.loads(payload)
    last = document[-1] if isinstance(document, list) else document
    if "time" in last:
        return round(datetime.fromisoformat(last["time"]).timestamp() * 1000)
    return round(float(document[0]["bt"]) * 1000)


def _acknowledged(ledger: FleetLedger) -> Counter[tuple[str, int]]:
    """Device and millisecond of every acknowledged message."""
    done = ledger.state == ACKNOWLEDGED
    devices = [ledger.devices[number] for number in ledger.device[done].tolist()]
    return Counter(zip(devices, (ledger.time[done] // 1000).tolist(), strict=True))


def _received(subscriber: Subscriber) -> Counter[tuple[str, int]]:
    """The same of all that arrived; what arrived twice counts once."""
    different = set(zip(subscriber.topics, subscriber.received, strict=True))
    return Counter((topic.split("/")[3], _instant(payload)) for topic, payload in different)


def test_every_acknowledged_message_reaches_an_independent_subscriber(broker: EmbeddedBroker) -> None:
    run = FleetRun(_load(), broker.url)
    with Subscriber(broker.url, _EVERYTHING) as subscriber:
        outcome = run.run()
        wait_until(lambda: len(subscriber.received) >= outcome.acknowledged, timeout_s=30, what="all arrive")

    assert outcome.complete
    assert _adds_up(outcome)
    assert outcome.acknowledged == outcome.scheduled > 700
    assert len(subscriber.received) == outcome.acknowledged
    assert _received(subscriber) == _acknowledged(run.ledger())
    assert outcome.ack_ms.p99 is not None
    assert outcome.repeated == outcome.refused == outcome.unmatched == 0


def test_messages_keep_their_pace(nats_broker: EmbeddedBroker) -> None:
    outcome = FleetRun(_load(rate=1000, duration_s=3.0), nats_broker.url).run()

    assert outcome.complete
    assert outcome.achieved_rate == pytest.approx(1000, rel=0.03)
    assert outcome.lateness_ms.p50 is not None
    # Generous: tests share their processors; the target has its own measurement.
    assert outcome.lateness_ms.p50 < 100


def test_a_broker_that_stalls_is_seen_as_lateness_and_nothing_is_lost(
    nats_broker: EmbeddedBroker, proxy: Callable[[str], Proxy]
) -> None:
    """For a second nothing passes: what is due meanwhile is late by up to as much, and still sent and acknowledged."""
    way = proxy(nats_broker.url)

    def progress(now: Snapshot) -> None:
        if now.published > 0 and not stalled.is_set():
            stalled.set()
            way.freeze()
            threading.Timer(1.0, way.thaw).start()

    stalled = threading.Event()
    run = FleetRun(_load(rate=1000, duration_s=4.0, window=10), way.url, progress=progress)
    with Subscriber(nats_broker.url, _EVERYTHING) as subscriber:
        outcome = run.run()
        wait_until(lambda: len(subscriber.received) >= outcome.acknowledged, timeout_s=30, what="all arrive")

    assert stalled.is_set()
    assert _adds_up(outcome)
    assert outcome.acknowledged == outcome.scheduled
    assert outcome.lateness_ms.max is not None
    assert outcome.lateness_ms.max > 500, "with a window of 10 a stalled second must make messages late"
    assert outcome.lateness_ms.p99 is not None
    assert outcome.lateness_ms.p99 > 300, "a fifth of all messages was due while nothing passed"
    assert _received(subscriber) == _acknowledged(run.ledger())


@pytest.mark.parametrize("backlog", [50_000, 50])
def test_a_broker_that_never_answers_leaves_messages_outstanding_and_unsent_and_late(
    nats_broker: EmbeddedBroker, proxy: Callable[[str], Proxy], backlog: int
) -> None:
    """However few messages may wait in memory: those that were never made count as well."""
    way = proxy(nats_broker.url)

    def progress(now: Snapshot) -> None:
        if now.published > 0:
            way.freeze()

    run = FleetRun(_load(rate=500, duration_s=2.0, window=10, drain_s=1.0, backlog=backlog), way.url, progress=progress)
    outcome = run.run()
    way.thaw()

    assert not outcome.complete
    assert _adds_up(outcome)
    assert outcome.outstanding > 0
    assert outcome.unsent > 0
    assert outcome.scheduled == pytest.approx(1000, abs=20)
    assert outcome.achieved_rate < 450
    assert outcome.lateness_ms.max is not None
    assert outcome.lateness_ms.max > 1500, "what was given up was late by all the time it had waited"
    assert outcome.lateness_ms.p50 is not None
    assert outcome.lateness_ms.p50 > 500, "most messages were given up"
    assert (run.ledger().state == UNSENT).sum() == outcome.unsent


def test_connections_that_break_come_back_and_every_message_is_acknowledged(
    broker: EmbeddedBroker, proxy: Callable[[str], Proxy]
) -> None:
    way = proxy(broker.url)
    cuts: list[float] = []

    def progress(now: Snapshot) -> None:
        if now.published > 0 and len(cuts) < 3:
            cuts.append(now.elapsed_s)
            way.cut()

    run = FleetRun(_load(duration_s=3.0), way.url, progress=progress)
    with Subscriber(broker.url, _EVERYTHING) as subscriber:
        outcome = run.run()
        wait_until(
            lambda: len(_received(subscriber)) >= outcome.acknowledged, timeout_s=30, what="all arrive at least once"
        )

    assert len(cuts) == 3
    assert _adds_up(outcome)
    assert outcome.acknowledged == outcome.scheduled
    assert outcome.connections_lost >= 5
    assert _received(subscriber) == _acknowledged(run.ledger())


def test_at_qos_0_nothing_is_acknowledged_by_the_broker_and_all_of_it_arrives(nats_broker: EmbeddedBroker) -> None:
    with Subscriber(nats_broker.url, _EVERYTHING) as subscriber:
        outcome = FleetRun(_load(qos=0), nats_broker.url).run()
        wait_until(lambda: len(subscriber.received) >= outcome.published, timeout_s=30, what="all arrive")

    assert outcome.complete
    assert outcome.ack_ms.p50 is None


def test_stopping_early_is_told_and_still_adds_up(nats_broker: EmbeddedBroker) -> None:
    stop = threading.Event()

    def progress(now: Snapshot) -> None:
        if now.published > 0:
            stop.set()

    outcome = FleetRun(_load(duration_s=60.0), nats_broker.url, stop=stop, progress=progress).run()

    assert outcome.interrupted
    assert not outcome.complete
    assert _adds_up(outcome)
    assert outcome.duration_s < 10
    assert outcome.outstanding == 0


def test_a_broker_that_is_not_there_is_told() -> None:
    with pytest.raises(UnavailableError, match="0 of 5 connections"):
        FleetRun(_load(), "mqtt://127.0.0.1:9").run(connect_s=0.5)


def test_another_run_of_the_same_seed_publishes_the_same_messages_at_the_same_time(
    nats_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    runs = [FleetRun(_load(duration_s=1.0), nats_broker.url, clock=lambda: 1_781_524_800 * _SECOND) for _ in range(2)]
    ledgers = []
    for number, run in enumerate(runs):
        run.run()
        ledgers.append(run.ledger())
        ledgers[-1].save(tmp_path / f"{number}.npz")

    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()
    assert len(ledgers[0].devices) == 1000
