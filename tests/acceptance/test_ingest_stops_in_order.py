"""A stop under load drains, and a schema of another version is refused with what to do."""

import time
from collections.abc import Callable

import pytest

from runtime.embedded import EmbeddedBroker
from storage.database import connect
from tests.acceptance.conftest import Ingest
from tests.support.fleet import Fleet, assert_equal, counters, register, wait_progress
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance
STOPS = 3


def test_a_stop_under_load_drains_and_nothing_committed_comes_again(
    plain_database_url: str, broker: EmbeddedBroker, ingest: Callable[..., Ingest], record_property: Callable[..., None]
) -> None:
    register(plain_database_url)
    worker = ingest(plain_database_url, broker.url)
    wait_until(lambda: worker.page.ready, what="ingest is ready")
    slowest_s = 0.0
    with Fleet(broker.url) as fleet:
        fleet.start(rate=2000)
        for _ in range(STOPS):
            wait_progress(plain_database_url)
            began = time.monotonic()
            assert worker.process.terminate(timeout_s=15) == 0
            slowest_s = max(slowest_s, time.monotonic() - began)
            assert '"drained": true' in worker.process.log()
            worker = ingest(plain_database_url, broker.url)
            wait_progress(plain_database_url)
        fleet.drain()
        assert_equal(fleet.ledger, plain_database_url, timeout_s=40)
    record_property("slowest_stop_s", round(slowest_s, 2))
    assert slowest_s <= 10
    assert counters(plain_database_url)["duplicates"] == 0


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("DELETE FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)", "db migrate"),
        (
            (
                "INSERT INTO schema_migrations (number, name, level) SELECT 9999, 'later', level FROM schema_migrations"
                " LIMIT 1"
            ),
            "install the newer City Lifeline",
        ),
        ("DROP TABLE schema_migrations", "db migrate"),
    ],
    ids=["older", "newer", "none"],
)
def test_a_schema_of_another_version_is_refused_with_what_to_do(
    plain_database_url: str, nats_broker: EmbeddedBroker, ingest: Callable[..., Ingest], change: str, remedy: str
) -> None:
    with connect(plain_database_url, application="tests") as connection:
        connection.execute(change.encode())
    refused = ingest(plain_database_url, nats_broker.url)
    assert refused.process.wait(timeout_s=20) == 2
    said = refused.process.log() + refused.process.output()
    assert remedy in said
    assert "Traceback" not in said
