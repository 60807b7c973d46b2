"""Two workers of one partition: the second refuses, and the first does not even notice."""

from collections.abc import Callable

import pytest

from runtime.embedded import EmbeddedBroker
from tests.acceptance.conftest import Ingest
from tests.support.fleet import Fleet, assert_equal, counters, register, wait_progress
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance


def test_a_second_worker_refuses_to_start_and_the_first_works_on(
    plain_database_url: str, broker: EmbeddedBroker, ingest: Callable[..., Ingest]
) -> None:
    register(plain_database_url)
    first = ingest(plain_database_url, broker.url)
    wait_until(lambda: first.page.ready, what="ingest is ready")
    with Fleet(broker.url) as fleet:
        fleet.start(rate=200)
        wait_progress(plain_database_url)
        second = ingest(plain_database_url, broker.url)
        assert second.process.wait(timeout_s=30) == 1
        said = second.process.log() + second.process.output()
        assert "another ingest worker holds partition 'all'" in said
        assert "LIFELINE_PARTITION" in said
        assert "Traceback" not in said
        fleet.drain()
        assert_equal(fleet.ledger, plain_database_url)
    assert first.page.metric("lifeline_ingest_reconnects_total") == 0
    assert counters(plain_database_url)["duplicates"] == 0


def test_workers_of_different_partitions_share_the_work(
    plain_database_url: str, nats_broker: EmbeddedBroker, ingest: Callable[..., Ingest]
) -> None:
    register(plain_database_url)
    ours = ingest(plain_database_url, nats_broker.url, LIFELINE_PARTITION="530100")
    theirs = ingest(plain_database_url, nats_broker.url, LIFELINE_PARTITION="110101")
    for one in (ours, theirs):
        wait_until(lambda: one.page.ready, what="ingest is ready")  # noqa: B023 - waited for at once
    with Fleet(nats_broker.url) as fleet:
        fleet.publish(500)
        fleet.drain()
        wait_until(
            lambda: counters(plain_database_url)["stored"] == fleet.ledger.entries, timeout_s=20, what="all is stored"
        )
    assert ours.page.metric("lifeline_ingest_messages_total") == 500
    assert theirs.page.metric("lifeline_ingest_messages_total") == 0


def test_the_place_of_a_killed_worker_is_free_at_once(
    plain_database_url: str, nats_broker: EmbeddedBroker, ingest: Callable[..., Ingest]
) -> None:
    register(plain_database_url)
    first = ingest(plain_database_url, nats_broker.url)
    wait_until(lambda: first.page.ready, what="ingest is ready")
    first.process.kill()
    second = ingest(plain_database_url, nats_broker.url)
    wait_until(lambda: second.page.ready, what="the second is ready")
