"""`lifeline simulate fleet` as people run it: against a platform that knows its devices, which stores all of it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from domain.registry_folder import read
from runtime.embedded import EmbeddedBroker
from simulators.load.tally import ACKNOWLEDGED
from storage.database import connect
from tests.acceptance.conftest import Ingest
from tests.support.processes import Lifeline
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

_FLEET = ("simulate", "fleet", "--devices", "400", "--rate", "200", "--json")
_PROMISED = {
    "devices", "connections", "rate", "duration_s", "published", "acknowledged", "outstanding", "refused",
    "achieved_rate", "lateness_ms", "ack_ms", "rss_mb",
}  # fmt: skip


def _done(process: Lifeline, *, timeout_s: float = 60.0) -> str:
    assert process.wait(timeout_s=timeout_s) == 0, process.log()
    return process.output()


def test_the_platform_stores_every_entry_that_the_fleet_knows_to_be_acknowledged(
    plain_database_url: str,
    nats_broker: EmbeddedBroker,
    lifeline: Callable[..., Lifeline],
    ingest: Callable[..., Ingest],
    tmp_path: Path,
) -> None:
    folder, ledger = tmp_path / "fleet", tmp_path / "ledger.npz"
    _done(lifeline(*_FLEET, "--registry", str(folder)))
    _done(lifeline("registry", "import", str(folder), LIFELINE_DATABASE_URL=plain_database_url))
    worker = ingest(plain_database_url, nats_broker.url)
    wait_until(lambda: worker.page.ready, timeout_s=30, what="ingest listens")
    arguments = (*_FLEET, "--duration", "4", "--connections", "8", "--ledger", str(ledger))
    outcome = json.loads(_done(lifeline(*arguments, LIFELINE_MQTT_URL=nats_broker.url)))

    assert outcome.keys() >= _PROMISED
    assert outcome["acknowledged"] == outcome["published"] == outcome["scheduled"] > 700
    assert outcome["complete"]
    properties = Counter(stream.device for stream in read(folder).datastreams)
    with np.load(ledger) as found:
        devices = found["devices"][found["device"][found["state"] == ACKNOWLEDGED]].tolist()
    assert len(devices) == outcome["acknowledged"]
    # Lamps and level points take two samples for a message.
    entries = sum(properties[name] * (2 if name.startswith(("fleet-lamp", "fleet-sewer")) else 1) for name in devices)
    with connect(plain_database_url, application="tests") as connection:

        def stored() -> int:
            row = connection.execute("SELECT count(*) FROM observations").fetchone()
            return int(row[0]) if row else 0

        wait_until(lambda: stored() == entries, timeout_s=30, what=f"{entries} entries are stored")
        letters = connection.execute("SELECT count(*) FROM dead_letters").fetchone()
    assert letters == (0,)


def test_with_a_broker_of_its_own_it_shows_a_table(lifeline: Callable[..., Lifeline]) -> None:
    said = _done(
        lifeline("simulate", "fleet", "--devices", "200", "--rate", "100", "--duration", "1", "--embedded"),
        timeout_s=90,
    )

    for word in ("devices", "acknowledged", "written late by", "100.0 messages/s"):
        assert word in said


@pytest.mark.parametrize("arguments", [("--url", "http://127.0.0.1"), ("--devices", "10", "--rate", "5000")])
def test_what_cannot_run_ends_with_status_2_and_a_reason(
    lifeline: Callable[..., Lifeline], arguments: tuple[str, ...]
) -> None:
    process = lifeline("simulate", "fleet", *arguments)

    assert process.wait(timeout_s=60) == 2
    assert "error:" in process.log()
