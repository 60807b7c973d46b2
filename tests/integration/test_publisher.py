"""What the ledger says, the broker has: through cuts, restarts and full queues, on both brokers."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import UnavailableError
from runtime.embedded import EmbeddedBroker
from simulators.ledger import Entry, Ledger
from simulators.publisher import Publisher, Version
from tests.support.brokers import Mosquitto
from tests.support.proxy import Proxy
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

TOPIC = "lifeline/330100/water/pump-1/telemetry"
EVERYTHING = "lifeline/#"


def numbers(first: int, last: int) -> list[bytes]:
    return [str(i).encode() for i in range(first, last)]


def publish(publisher: Publisher, payloads: list[bytes]) -> None:
    for payload in payloads:
        publisher.publish(TOPIC, payload, [Entry("pump-1", "water.flow", int(payload), 1.0)], timeout_s=30)


def kept_times(ledger: Ledger) -> list[int]:
    return [int(time) for time in ledger.columns().time]


def test_the_ledger_equals_what_a_subscriber_got(broker: EmbeddedBroker) -> None:
    with (
        Subscriber(broker.url, EVERYTHING) as subscriber,
        Publisher(broker.url, "tests", ledger=Ledger(keep=True)) as publisher,
    ):
        publish(publisher, numbers(0, 5000))
        assert publisher.drain(30)
        wait_until(lambda: len(subscriber.received) >= 5000, timeout_s=30, what="everything is received")
    assert sorted(map(int, subscriber.received)) == sorted(kept_times(publisher.ledger)) == list(range(5000))
    assert (publisher.ledger.messages, publisher.ledger.entries, publisher.pending) == (5000, 5000, 0)


def test_cut_connections_lose_nothing(broker: EmbeddedBroker, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(broker.url)
    with (
        Subscriber(broker.url, EVERYTHING) as subscriber,
        Publisher(way.url, "tests", ledger=Ledger(keep=True), window=200) as publisher,
    ):
        for round_ in range(4):
            publisher.wait_connected(10)
            way.cut_after(20_000)
            publish(publisher, numbers(round_ * 1000, round_ * 1000 + 1000))
        assert publisher.drain(30)
        wait_until(lambda: len(set(subscriber.received)) >= 4000, timeout_s=30, what="everything is received")
    assert publisher.connections > 1
    assert {int(payload) for payload in subscriber.received} == set(range(4000))
    # Sent again perhaps, acknowledged to the ledger once.
    assert sorted(kept_times(publisher.ledger)) == list(range(4000))


def test_what_a_killed_broker_had_not_acknowledged_is_sent_again(broker: EmbeddedBroker) -> None:
    with (
        Subscriber(broker.url, EVERYTHING) as subscriber,
        Publisher(broker.url, "tests", ledger=Ledger(keep=True), window=2000) as publisher,
    ):
        publisher.wait_connected(10)
        if isinstance(broker, Mosquitto):
            # The subscriber's session must be on disk, or nobody is there to receive after the kill.
            broker.save()
        publish(publisher, numbers(0, 3000))
        broker.kill()
        wait_until(lambda: not publisher.connected, what="the publisher hears of it")
        acknowledged = set(kept_times(publisher.ledger))
        publish(publisher, numbers(3000, 3500))
        assert not publisher.drain(0.05)
        broker.start()
        assert publisher.drain(30)
        # What was acknowledged before the kill is the broker's to keep; NATS does, Mosquitto saves once a second.
        due = set(range(3500)) - (acknowledged if isinstance(broker, Mosquitto) else set())
        wait_until(
            lambda: due <= {int(payload) for payload in subscriber.received}, timeout_s=30, what="all due is received"
        )
    assert sorted(kept_times(publisher.ledger)) == list(range(3500))


@pytest.mark.parametrize(("version", "expected"), [("auto", {"nats": "3.1.1", "mosquitto": "5"}), ("3.1.1", {})])
def test_the_protocol_version_is_found_by_itself(
    broker: EmbeddedBroker, version: Version, expected: dict[str, str]
) -> None:
    with Publisher(broker.url, "tests", version=version) as publisher:
        publisher.wait_connected(10)
        kind = "mosquitto" if isinstance(broker, Mosquitto) else "nats"
        assert publisher.protocol == expected.get(kind, "3.1.1")


@pytest.fixture
def narrow_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    class Narrow(Mosquitto):
        def _prepare(self) -> None:
            super()._prepare()
            text = self._configuration.read_text(encoding="utf-8")
            self._configuration.write_text(text.replace("messages 10000", "messages 5"), encoding="utf-8")

    with Narrow(tmp_path / "narrow") as running:
        yield running


def test_the_brokers_receive_maximum_is_respected(narrow_broker: Mosquitto) -> None:
    with Publisher(narrow_broker.url, "tests", window=500) as publisher:
        publish(publisher, numbers(0, 2000))
        assert publisher.drain(30)
        assert publisher.protocol == "5"
    assert publisher.window == 5
    assert publisher.connections == 1
    assert publisher.ledger.messages == 2000


def test_nobody_listening_is_told_where_the_protocol_tells(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker, Publisher(broker.url, "tests") as publisher:
        publish(publisher, numbers(0, 10))
        assert publisher.drain(10)
        assert (publisher.ledger.messages, publisher.ledger.unmatched) == (10, 10)


def test_messages_may_be_handed_over_before_there_is_a_broker(nats_broker: EmbeddedBroker) -> None:
    nats_broker.stop()
    with Publisher(nats_broker.url, "tests") as publisher:
        publish(publisher, numbers(0, 100))
        assert publisher.pending == 100
        nats_broker.start()
        assert publisher.drain(20)
    assert publisher.ledger.messages == 100


def test_without_a_broker_a_full_queue_refuses_in_time_and_says_why(nats_broker: EmbeddedBroker) -> None:
    nats_broker.stop()
    with Publisher(nats_broker.url, "tests", window=10) as publisher:
        publish(publisher, numbers(0, 20))
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"refused"):
            publisher.publish(TOPIC, b"21", timeout_s=0.3)
        assert time.monotonic() - began < 5
        with pytest.raises(UnavailableError, match=r"did not accept tests within 0.1 s"):
            publisher.wait_connected(0.1)


def test_a_closed_publisher_takes_nothing(nats_broker: EmbeddedBroker) -> None:
    publisher = Publisher(nats_broker.url, "tests")
    with publisher:
        publisher.wait_connected(10)
    with pytest.raises(UnavailableError, match=r"closed"):
        publisher.publish(TOPIC, b"1")


def test_a_silent_broker_is_left_and_found_again(nats_broker: EmbeddedBroker, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(nats_broker.url)
    with Publisher(way.url, "tests", keepalive_s=1) as publisher:
        publisher.wait_connected(10)
        way.freeze()
        publish(publisher, numbers(0, 10))
        wait_until(lambda: not publisher.connected, timeout_s=15, what="the half-open connection is given up")
        way.thaw()
        assert publisher.drain(20)
    assert publisher.connections == 2
