"""What tests with real processes share: the ingest worker with its health page, and who gets told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.support.pages import HealthPage
from tests.support.ports import free_port
from tests.support.processes import Lifeline
from tests.support.receivers import Mailbox, Webhook


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """A running `lifeline ingest`."""

    process: Lifeline
    page: HealthPage


@pytest.fixture
def ingest(lifeline: Callable[..., Lifeline]) -> Callable[..., Ingest]:
    """Starts a worker: `ingest(database_url, mqtt_url, LIFELINE_PARTITION="530100")`."""

    def start(database_url: str, mqtt_url: str, **environment: str) -> Ingest:
        port = free_port()
        settings = {
            "LIFELINE_DATABASE_URL": database_url,
            "LIFELINE_MQTT_URL": mqtt_url,
            "LIFELINE_METRICS_PORT": str(port),
            **environment,
        }
        return Ingest(process=lifeline("ingest", **settings), page=HealthPage(port))

    return start


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as receiver:
        yield receiver


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as receiver:
        yield receiver
