"""The database goes away, loses an answer, or falls silent: ingest stays, holds little, says so, and loses nothing."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.embedded import EmbeddedBroker, EmbeddedDatabase
from tests.acceptance.conftest import Ingest
from tests.support.brokers import Mosquitto
from tests.support.databases import migrate_now
from tests.support.fleet import Fleet, assert_equal, counters, register, wait_progress, wait_stored
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance
#: The promise is measured over 60 s; a shorter outage shows the same in less time.
OUTAGE_S = float(os.environ.get("LIFELINE_TEST_OUTAGE_S", "15"))
RATE = 1000
BATCH = 1000
WINDOW = 2 * BATCH


@pytest.fixture
def database(tmp_path: Path) -> Iterator[EmbeddedDatabase]:
    """A server of this test's own, to be stopped and started."""
    with EmbeddedDatabase(tmp_path / "database") as running:
        migrate_now(running.url)
        register(running.url)
        yield running


def test_an_outage_of_the_database_loses_nothing_and_its_backlog_is_soon_gone(
    database: EmbeddedDatabase,
    broker: EmbeddedBroker,
    ingest: Callable[..., Ingest],
    record_property: Callable[..., None],
) -> None:
    worker = ingest(database.url, broker.url, LIFELINE_BATCH_MESSAGES=str(BATCH))
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(broker.url) as fleet:
        fleet.start(rate=RATE)
        wait_stored(database.url, 3 * RATE)
        resident = worker.process.resident_bytes
        reconnects = worker.page.metric("lifeline_ingest_reconnects_total")

        database.kill()
        stopped = time.monotonic()
        wait_until(lambda: not worker.page.ready, timeout_s=5, what="ingest says that it is not ready")
        assert "database" in worker.page.problems()
        held, grown = 0.0, 0
        while time.monotonic() < stopped + OUTAGE_S:
            assert worker.process.running
            held = max(held, worker.page.metric("lifeline_ingest_held_messages"))
            grown = max(grown, worker.process.resident_bytes - resident)
            wait_until(lambda: worker.page.answers, timeout_s=2, what="the health page answers", poll_s=0.1)
        assert 0 < held <= WINDOW
        assert grown < 50_000_000

        database.start()
        back = time.monotonic()
        wait_until(lambda: worker.page.ready, timeout_s=10, what="ingest is ready again")
        wait_until(
            lambda: worker.page.metric("lifeline_ingest_lag_seconds") < 2.0,
            timeout_s=2 * OUTAGE_S,
            what="the backlog is gone within twice the outage",
            poll_s=0.1,
        )
        record_property("backlog_gone_s", round(time.monotonic() - back, 2))
        record_property("held", held)
        record_property("grown_bytes", grown)
        fleet.drain()
        assert_equal(fleet.ledger, database.url)
    assert worker.process.running
    if isinstance(broker, Mosquitto):
        # Told of the window, it waits; NATS gives up a client that reads nothing for ten seconds.
        assert worker.page.metric("lifeline_ingest_reconnects_total") == reconnects


def test_a_commit_whose_reply_is_lost_is_not_stored_twice(
    database: EmbeddedDatabase,
    nats_broker: EmbeddedBroker,
    proxy: Callable[[str], Proxy],
    ingest: Callable[..., Ingest],
) -> None:
    way = proxy(database.url)
    worker = ingest(way.url, nats_broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(nats_broker.url) as fleet:
        fleet.start(rate=500)
        for lost in range(1, 6):
            wait_progress(database.url)
            way.swallow_commit_replies()
            wait_until(lambda: way.swallowed == lost, what="a reply to COMMIT is lost")  # noqa: B023 - used at once
            wait_progress(database.url)
        fleet.drain()
        assert_equal(fleet.ledger, database.url)
    found = counters(database.url)
    assert found["duplicates"] > 0
    assert found["conflicts"] == 0
    assert worker.process.running


def test_a_database_that_falls_silent_is_noticed_even_when_nothing_is_to_be_written(
    database: EmbeddedDatabase,
    nats_broker: EmbeddedBroker,
    proxy: Callable[[str], Proxy],
    ingest: Callable[..., Ingest],
) -> None:
    way = proxy(database.url)
    worker = ingest(way.url, nats_broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    way.freeze()
    wait_until(lambda: not worker.page.ready, timeout_s=10, what="ingest says that it is not ready")
    assert "database" in worker.page.problems()
    way.thaw()
    wait_until(lambda: worker.page.ready, timeout_s=10, what="ingest is ready again")


def test_a_connection_on_which_the_database_never_answers_is_given_up(
    database: EmbeddedDatabase,
    nats_broker: EmbeddedBroker,
    proxy: Callable[[str], Proxy],
    ingest: Callable[..., Ingest],
) -> None:
    way = proxy(database.url)
    worker = ingest(way.url, nats_broker.url, LIFELINE_STATEMENT_TIMEOUT_S="1")
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(nats_broker.url) as fleet:
        fleet.publish(100)
        wait_stored(database.url, 200)
        way.freeze()
        fleet.publish(100)
        fleet.drain()
        worker.process.wait_for_log("database_silent", timeout_s=20)
        worker.process.wait_for_log("database_unavailable")
        way.thaw()
        assert_equal(fleet.ledger, database.url)
    assert worker.process.running
