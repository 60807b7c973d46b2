"""The worker between a scripted broker and a real database: what it acknowledges, when, and on which connection."""

import threading
from collections.abc import Callable, Iterator

import pytest

from domain.times import now_micros
from ingest.worker import Worker
from runtime.settings import Settings, load
from storage.database import connect
from tests.support.fleet import counters, register, topic, wait_stored
from tests.support.proxy import Proxy
from tests.support.scripted_broker import ScriptedBroker, Session
from tests.support.waiting import wait_until

START_MS = now_micros() // 1000 - 3_600_000


def payload(number: int) -> bytes:
    return b'{"time":%d,"values":{"water.flow":%d}}' % (START_MS + number, number)


class Running:
    """A worker on a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self.worker = Worker(settings)
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="worker under test", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.worker.run(self.stop)
        except BaseException as exc:  # noqa: BLE001 - told to the test
            self.failure = exc

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(15)
        assert not self.alive


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def begin(database_url: str, mqtt_url: str, **settings: str) -> Running:
        one = Running(load({"LIFELINE_DATABASE_URL": database_url, "LIFELINE_MQTT_URL": mqtt_url, **settings}))
        running.append(one)
        return one

    yield begin
    for one in running:
        one.end()


def session(broker: ScriptedBroker, number: int) -> Session:
    """The numbered connection, once it has subscribed."""
    found = wait_until(lambda: broker.sessions[number:], timeout_s=15, what=f"connection {number}")[0]
    assert found.subscribed.wait(10)
    return found


def test_a_message_is_acknowledged_only_after_its_commit(
    database_url: str, proxy: Callable[[str], Proxy], start: Callable[..., Running]
) -> None:
    register(database_url)
    way = proxy(database_url)
    with ScriptedBroker() as broker:
        running = start(way.url, broker.url)
        first = session(broker, 0)
        first.publish(1, topic(0), payload(1))
        wait_until(lambda: first.acknowledged == [1], what="the first message is acknowledged")
        assert counters(database_url)["stored"] == 1

        way.stop()
        first.publish(2, topic(0), payload(2))
        wait_until(lambda: "database" in running.worker.problems(), what="the database is missed")
        assert first.acknowledged == [1]

        way.start()
        wait_until(lambda: first.acknowledged == [1, 2], timeout_s=20, what="the second message is acknowledged")
        assert counters(database_url)["stored"] == 2


def test_an_identifier_of_an_earlier_connection_is_never_acknowledged_when_the_broker_lost_its_session(
    database_url: str, proxy: Callable[[str], Proxy], start: Callable[..., Running]
) -> None:
    register(database_url)
    way = proxy(database_url)
    with ScriptedBroker() as broker:
        running = start(way.url, broker.url, LIFELINE_BATCH_MESSAGES="10")
        first = session(broker, 0)
        first.publish(1, topic(0), payload(0))
        wait_until(lambda: first.acknowledged == [1], what="the worker is at work")
        way.stop()
        for mid in range(1, 31):
            first.publish(mid, topic(0), payload(mid))
        # Window and writer are full: nothing more is read, and what is read is held.
        wait_until(lambda: "database" in running.worker.problems(), what="the database is missed")

        # The broker crashed and forgot: its identifiers begin again, for other messages.
        first.cut()
        second = session(broker, 1)
        for mid in range(1, 6):
            second.publish(mid, topic(1), payload(100 + mid))
        way.start()
        wait_until(lambda: len(second.acknowledged) == 5, timeout_s=20, what="the new messages are acknowledged")
        wait_until(lambda: counters(database_url)["session_losses"] == 1, what="the loss is counted")
        assert second.acknowledged == [1, 2, 3, 4, 5]
        assert first.acknowledged == [1]
        # What the lost session had delivered is stored: the broker will never send it again.
        found = counters(database_url)
        assert found["stored"] >= 1 + 20 + 5
        assert found["duplicates"] == 0


def test_what_the_broker_still_has_is_left_to_it(
    database_url: str, proxy: Callable[[str], Proxy], start: Callable[..., Running]
) -> None:
    register(database_url)
    way = proxy(database_url)
    with ScriptedBroker(remembers=True) as broker:
        running = start(way.url, broker.url, LIFELINE_BATCH_MESSAGES="1000")
        first = session(broker, 0)
        first.publish(1, topic(0), payload(1))
        wait_until(lambda: first.acknowledged == [1], what="the worker is at work")
        way.stop()
        first.publish(2, topic(0), payload(2))
        wait_until(lambda: "database" in running.worker.problems(), what="the database is missed")
        # The writer has begun with the second message; these wait for it.
        for mid in range(3, 12):
            first.publish(mid, topic(0), payload(mid))
        wait_until(lambda: running.worker._waiting() == 9, what="nine messages wait")
        first.cut()
        second = session(broker, 1)
        for mid in range(2, 12):
            second.publish(mid, topic(0), payload(mid))
        way.start()
        wait_until(lambda: len(second.acknowledged) == 10, timeout_s=20, what="the messages are acknowledged")
        assert sorted(second.acknowledged) == list(range(2, 12))
        found = counters(database_url)
        assert (found["stored"], found["duplicates"], found["session_losses"]) == (11, 1, 0)


def test_a_stop_acknowledges_everything_at_hand(plain_database_url: str, start: Callable[..., Running]) -> None:
    register(plain_database_url)
    with ScriptedBroker() as broker:
        running = start(plain_database_url, broker.url, LIFELINE_BATCH_MESSAGES="50", LIFELINE_LINGER_MS="10000")
        only = session(broker, 0)
        for mid in range(1, 81):
            only.publish(mid, topic(0), payload(mid))
        # The second batch waits for more.
        wait_stored(plain_database_url, 50)
        running.end()
        assert only.left.wait(5)
        stored = counters(plain_database_url)["stored"]
        assert sorted(only.acknowledged) == list(range(1, stored + 1))
        assert running.failure is None


def test_a_bug_in_the_loop_ends_the_worker(plain_database_url: str) -> None:
    register(plain_database_url)
    broken = threading.Event()

    def clock() -> int:
        if broken.is_set():
            raise LookupError("a bug")
        return now_micros()

    with ScriptedBroker() as broker:
        settings = load({"LIFELINE_DATABASE_URL": plain_database_url, "LIFELINE_MQTT_URL": broker.url})
        worker = Worker(settings, clock=clock)
        failures: list[BaseException] = []

        def run() -> None:
            try:
                worker.run(threading.Event())
            except LookupError as exc:
                failures.append(exc)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        session(broker, 0).publish(1, topic(0), payload(1))
        wait_stored(plain_database_url, 1)
        broken.set()
        thread.join(10)
        assert len(failures) == 1
        assert worker.problems()


def test_a_refused_subscription_is_not_taken_for_a_connection(
    plain_database_url: str, start: Callable[..., Running]
) -> None:
    register(plain_database_url)
    with ScriptedBroker() as broker:
        broker.subscribable = False
        running = start(plain_database_url, broker.url)
        wait_until(lambda: len(broker.sessions) >= 2, what="it tries again")
        assert "broker" in running.worker.problems()
        broker.subscribable = True
        wait_until(lambda: not running.worker.problems(), timeout_s=20, what="the worker is ready")


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(plain_database_url: str, start: Callable[..., Running]) -> None:
    with ScriptedBroker(versions=(4,)) as broker:
        running = start(plain_database_url, broker.url)
        assert session(broker, 0).version == 4
        assert broker.refused == [5]
        wait_until(lambda: not running.worker.problems(), what="the worker is ready")


def test_a_broker_that_was_not_there_at_first_is_spoken_to_in_mqtt_5(
    plain_database_url: str, proxy: Callable[[str], Proxy], start: Callable[..., Running]
) -> None:
    with ScriptedBroker() as broker:
        way = proxy(broker.url)
        way.cut_after(1)
        start(plain_database_url, way.url)
        wait_until(lambda: way.accepted >= 2, what="the first connection was closed without an answer")
        heard = wait_until(lambda: [s for s in broker.sessions if s.subscribed.is_set()], what="a connection stands")
        assert [one.version for one in heard] == [5]


def test_a_device_that_was_registered_a_moment_ago_is_not_unknown(
    database_url: str, start: Callable[..., Running]
) -> None:
    register(database_url, devices=1)
    with ScriptedBroker() as broker:
        start(database_url, broker.url)
        only = session(broker, 0)
        register(database_url, devices=3)
        only.publish(1, topic(2), payload(1))
        wait_until(lambda: only.acknowledged == [1], what="the message is acknowledged")
        found = counters(database_url)
        assert (found["stored"], found["rejected"]) == (1, 0)


def test_rows_that_the_database_refuses_do_not_delay_the_others(
    database_url: str, start: Callable[..., Running]
) -> None:
    register(database_url)
    with connect(database_url, application="tests") as link:
        link.execute("ALTER TABLE observations ADD CHECK (value <> 500)")
    with ScriptedBroker() as broker:
        start(database_url, broker.url, LIFELINE_LINGER_MS="200")
        only = session(broker, 0)
        for mid in range(1, 1001):
            only.publish(mid, topic(0), payload(mid))
        wait_until(lambda: len(only.acknowledged) == 1000, timeout_s=20, what="every message is acknowledged")
        assert sorted(only.acknowledged) == list(range(1, 1001))
        found = counters(database_url)
        assert (found["stored"], found["rejected"]) == (999, 1)
        with connect(database_url, application="tests") as link:
            row = link.execute("SELECT reason, payload FROM dead_letters").fetchall()
        assert [(reason, bytes(raw)) for reason, raw in row] == [("refused_by_database", payload(500))]


def test_what_a_device_promises_of_its_next_reading_reaches_the_registry(
    database_url: str, start: Callable[..., Running]
) -> None:
    register(database_url)
    with ScriptedBroker() as broker:
        start(database_url, broker.url)
        link = session(broker, 0)
        senml = b'[{"bt":%d.5,"n":"water.flow","v":1,"ut":7200},{"n":"water.pressure","v":0.2}]' % (START_MS // 1000)
        link.publish(1, topic(0), senml)

        def promised() -> list[tuple[object, ...]]:
            with connect(database_url, application="tests") as connection:
                return connection.execute(
                    "SELECT device, property, promised_s FROM datastreams WHERE promised_s IS NOT NULL"
                ).fetchall()

        wait_until(promised, what="the promise")
        assert promised() == [("pipe-0", "water.flow", 7200.0)]
