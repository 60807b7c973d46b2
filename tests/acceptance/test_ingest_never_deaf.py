"""Connected and deaf is the one thing that ingest never is: it works, or it says that it does not, or it ends."""

import signal
import time
from collections.abc import Callable

import pytest

from runtime.embedded import EmbeddedBroker
from runtime.process import SOFTWARE_FAILURE
from storage.database import connect
from tests.acceptance.conftest import Ingest
from tests.support.fleet import Fleet, assert_equal, register, wait_progress, wait_stored
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance
NOTICE_S = 10.0


def test_a_half_open_connection_to_the_broker_is_noticed_and_replaced(
    plain_database_url: str,
    broker: EmbeddedBroker,
    proxy: Callable[[str], Proxy],
    ingest: Callable[..., Ingest],
    record_property: Callable[..., None],
) -> None:
    register(plain_database_url)
    way = proxy(broker.url)
    worker = ingest(plain_database_url, way.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(broker.url) as fleet:
        fleet.start(rate=200)
        wait_progress(plain_database_url)
        way.freeze()
        began = time.monotonic()
        wait_until(lambda: not worker.page.ready, timeout_s=NOTICE_S, what="ingest says that it is not ready")
        record_property("noticed_s", round(time.monotonic() - began, 1))
        assert "broker" in worker.page.problems()
        way.thaw()
        wait_until(lambda: worker.page.ready, timeout_s=20, what="ingest is ready again")
        fleet.drain()
        assert_equal(fleet.ledger, plain_database_url, timeout_s=40)


def test_a_blocked_process_does_not_answer_and_goes_on_where_it_was(
    plain_database_url: str, nats_broker: EmbeddedBroker, ingest: Callable[..., Ingest]
) -> None:
    register(plain_database_url)
    worker = ingest(plain_database_url, nats_broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(nats_broker.url) as fleet:
        fleet.start(rate=200)
        wait_progress(plain_database_url)
        worker.process.process.send_signal(signal.SIGSTOP)
        try:
            assert not worker.page.answers
            goal = len(fleet.published) + 1600
            # Long enough for the broker to give the connection up.
            wait_until(lambda: len(fleet.published) > goal, timeout_s=60, what="time passes")
        finally:
            worker.process.process.send_signal(signal.SIGCONT)
        wait_until(lambda: worker.page.ready, timeout_s=20, what="ingest is ready again")
        fleet.drain()
        assert_equal(fleet.ledger, plain_database_url, timeout_s=40)


def test_an_error_nobody_expected_in_the_writer_ends_the_process_and_the_next_one_loses_nothing(
    plain_database_url: str, nats_broker: EmbeddedBroker, ingest: Callable[..., Ingest]
) -> None:
    register(plain_database_url)
    worker = ingest(plain_database_url, nats_broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    with Fleet(nats_broker.url) as fleet:
        fleet.publish(100)
        wait_stored(plain_database_url, 200)
        with connect(plain_database_url, application="tests") as connection:
            connection.execute("ALTER TABLE journal RENAME TO mislaid")
            fleet.publish(100)
            assert worker.process.wait(timeout_s=NOTICE_S) == SOFTWARE_FAILURE
            connection.execute("ALTER TABLE mislaid RENAME TO journal")
        assert "thread_failed" in worker.process.log()
        ingest(plain_database_url, nats_broker.url)
        fleet.drain()
        assert_equal(fleet.ledger, plain_database_url)
