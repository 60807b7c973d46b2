"""The broker is killed and comes back, with its memory or without: what that may cost is measured, and nothing more."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.embedded import EmbeddedBroker, EmbeddedDatabase
from tests.acceptance.conftest import Ingest
from tests.support.brokers import Mosquitto, open_broker
from tests.support.databases import migrate_now
from tests.support.fleet import (
    Fleet,
    assert_balanced,
    assert_equal,
    counters,
    ledger_rows,
    register,
    stored_rows,
    wait_caught_up,
    wait_progress,
    wait_stored,
)
from tests.support.processes import Lifeline
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance
KILLS = int(os.environ.get("LIFELINE_TEST_BROKER_KILLS", "3"))
#: Seconds of acknowledged messages that a kill of the broker may cost, by broker: docs/guarantees.md. NATS writes
#: before it acknowledges; Mosquitto saves each second here, and as often in deploy/mosquitto.
LOSS_WINDOW_S = {"nats": 0.0, "mosquitto": 3.0}


def _saved(broker: EmbeddedBroker) -> None:
    if isinstance(broker, Mosquitto):
        broker.save()


def test_a_killed_broker_loses_at_most_its_stated_seconds(
    plain_database_url: str,
    broker: EmbeddedBroker,
    ingest: Callable[..., Ingest],
    record_property: Callable[..., None],
) -> None:
    register(plain_database_url)
    worker = ingest(plain_database_url, broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    _saved(broker)
    returns = []
    kills = []
    with Fleet(broker.url) as fleet:
        fleet.start(rate=500)
        for kill in range(KILLS):
            wait_progress(plain_database_url)
            connections = fleet.connections
            reconnects = worker.page.metric("lifeline_ingest_reconnects_total")
            broker.kill()
            kills.append(time.monotonic())
            broker.start()
            wait_until(
                lambda: worker.page.metric("lifeline_ingest_reconnects_total") > reconnects and worker.page.ready,  # noqa: B023
                timeout_s=30,
                what="ingest reads again",
            )
            wait_until(lambda: fleet.connections > connections, timeout_s=30, what="the fleet is back")  # noqa: B023
            wait_progress(plain_database_url)
            returns.append(time.monotonic() - kills[kill])
        fleet.drain()
        wait_caught_up(plain_database_url)
        expected, found = ledger_rows(fleet.ledger), stored_rows(plain_database_url)
        missing, extra = expected - found, found - expected
        lost_s = max((_age(fleet.published[fleet.number_of(row)], kills) for row in missing), default=0.0)
    record_property("missing", missing.total())
    record_property("loss_window_s", round(lost_s, 3))
    record_property("slowest_return_s", round(max(returns), 2))
    assert not extra
    assert lost_s <= LOSS_WINDOW_S[_kind(broker)]
    assert max(returns) <= 30
    assert_balanced(counters(plain_database_url))


def test_what_a_killed_broker_kept_for_absent_ingest_is_lost_for_its_stated_seconds_at_most(
    plain_database_url: str,
    broker: EmbeddedBroker,
    ingest: Callable[..., Ingest],
    record_property: Callable[..., None],
) -> None:
    register(plain_database_url)
    first = ingest(plain_database_url, broker.url)
    wait_until(lambda: first.page.ready, what="ingest is ready")
    assert first.process.terminate() == 0
    _saved(broker)
    kills = []
    with Fleet(broker.url) as fleet:
        fleet.start(rate=500)
        for _ in range(KILLS):
            goal = len(fleet.published) + 1000
            wait_until(lambda: len(fleet.published) > goal, timeout_s=30, what="the queue grows")  # noqa: B023
            connections = fleet.connections
            broker.kill()
            kills.append(time.monotonic())
            broker.start()
            wait_until(lambda: fleet.connections > connections, timeout_s=30, what="the fleet is back")  # noqa: B023
        fleet.drain()
        ingest(plain_database_url, broker.url)
        wait_caught_up(plain_database_url)
        expected, found = ledger_rows(fleet.ledger), stored_rows(plain_database_url)
        missing, extra = expected - found, found - expected
        lost_s = max((_age(fleet.published[fleet.number_of(row)], kills) for row in missing), default=0.0)
    record_property("missing", missing.total())
    record_property("loss_window_s", round(lost_s, 3))
    assert not extra
    assert lost_s <= LOSS_WINDOW_S[_kind(broker)]


def _kind(broker: EmbeddedBroker) -> str:
    return "mosquitto" if isinstance(broker, Mosquitto) else "nats"


def _age(published: float, kills: list[float]) -> float:
    """How long before the next kill a message had been published."""
    return min((kill - published for kill in kills if kill >= published), default=float("inf"))


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Mosquitto]:
    with open_broker("mosquitto", tmp_path / "broker") as running:
        assert isinstance(running, Mosquitto)
        yield running


def test_a_batch_held_while_the_broker_forgets_its_session_is_stored_and_so_is_what_follows(
    tmp_path: Path, forgetful: Mosquitto, ingest: Callable[..., Ingest], lifeline: Callable[..., Lifeline]
) -> None:
    with EmbeddedDatabase(tmp_path / "database") as database:
        migrate_now(database.url)
        register(database.url)
        worker = ingest(database.url, forgetful.url)
        wait_until(lambda: worker.page.ready, what="ingest is ready")
        with Fleet(forgetful.url) as fleet:
            fleet.publish(50)
            fleet.drain()
            wait_stored(database.url, 100)
            database.kill()
            fleet.publish(200)
            fleet.drain()
            wait_until(
                lambda: worker.page.metric("lifeline_ingest_held_messages") == 200, what="ingest holds the messages"
            )
            forgetful.kill()
            (forgetful.folder / "mosquitto.db").unlink(missing_ok=True)
            forgetful.start()
            worker.process.wait_for_log("session_lost")
            wait_until(
                lambda: worker.page.metric("lifeline_ingest_connected") == 1, timeout_s=20, what="ingest has subscribed"
            )
            # Their identifiers are those of the messages held.
            fleet.publish(150)
            fleet.drain()
            database.start()
            assert_equal(fleet.ledger, database.url)
        wait_until(lambda: counters(database.url)["session_losses"] == 1, what="the loss is counted")
        assert worker.page.metric("lifeline_ingest_session_losses_total") == 1
        assert worker.process.terminate() == 0
