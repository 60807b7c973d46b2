"""Ingest is away within the promised window: the broker keeps everything, and all of it is stored."""

import time
from collections.abc import Callable

import pytest

from runtime.embedded import EmbeddedBroker
from tests.acceptance.conftest import Ingest
from tests.support.fleet import Fleet, assert_equal, counters, register
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance
#: Twenty times the queue that Mosquitto has by default, ten minutes of 33 messages a second.
MESSAGES = 20_000


def test_what_was_published_while_ingest_was_away_is_stored_when_it_is_back(
    plain_database_url: str, broker: EmbeddedBroker, ingest: Callable[..., Ingest], record_property: Callable[..., None]
) -> None:
    register(plain_database_url)
    first = ingest(plain_database_url, broker.url)
    wait_until(lambda: first.page.ready, what="ingest is ready")
    assert first.process.terminate() == 0
    with Fleet(broker.url, window=2000) as fleet:
        fleet.publish(MESSAGES)
        fleet.drain(60)
        began = time.monotonic()
        ingest(plain_database_url, broker.url)
        assert_equal(fleet.ledger, plain_database_url, timeout_s=60)
        record_property("seconds", round(time.monotonic() - began, 2))
    found = counters(plain_database_url)
    assert (found["duplicates"], found["session_losses"]) == (0, 0)
