"""One sensor is silent, then everything, then a value flaps: one alert each, over the real broker, ingest and rules."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString

import pytest

from domain.times import now_micros
from domain.topics import telemetry
from runtime.embedded import EmbeddedBroker
from simulators.ledger import Entry
from simulators.publisher import Publisher
from storage.database import connect
from tests.acceptance.conftest import Ingest
from tests.support.catalogues import write
from tests.support.fleet import wait_stored
from tests.support.processes import Lifeline
from tests.support.rulebook import RATIONALIZATION, words
from tests.support.storing import register
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

INTERVAL_S = 4
DEVICES = 5000
COMMON = {"kind": "equipment", "title": words("t"), "text": words("{device}"), "rationalization": RATIONALIZATION}
GROUNDS = {"evidence": "unverified"}


def beyond(identifier: str, network: str, name: str, limit: float, **fields: object) -> dict[str, Any]:
    condition = {"above": {"yellow": {"limit": limit, **GROUNDS}}, "hysteresis": 2, **fields}
    return {"id": identifier, **COMMON, "network": network, "applies_to": {"property": name}, "condition": condition}


def silent(factor: float, **fields: object) -> dict[str, Any]:
    condition = {"absence": {"factor": factor, "grace_s": 0, "level": "blue", "grounds": GROUNDS}}
    return {"id": "device-silent", **COMMON, "network": "any", "applies_to": {}, "condition": condition, **fields}


AREA_SILENT = {
    "id": "area-silent", **COMMON, "class": "warning", "network": "any", "applies_to": {"each": "area"},
    "condition": {
        "fused": {
            "yellow": GROUNDS | {
                "when": GROUNDS | {
                    "absent": {"factor": 1.2}, "where": {"place": "area"}, "count": {"share_above": 0.5, "members": 5},
                }
            }
        }
    },
}  # fmt: skip


class Field:
    """Devices that publish methane."""

    def __init__(self, url: str, publisher: Publisher, names: list[str]) -> None:
        with connect(url, application="tests") as connection:
            register(connection, names, interval_s=INTERVAL_S)
            # Silence of what was never heard counts from here.
            connection.execute("UPDATE datastreams SET registered_at = clock_timestamp()")
        self._publisher = publisher

    def publish(self, device: str, value: float) -> int:
        """One message; the time it carries."""
        millis = now_micros() // 1000
        payload = json.dumps({"time": millis, "values": {"gas.ch4.chamber": value}})
        entry = Entry(device, "gas.ch4.chamber", millis * 1000, value)
        self._publisher.publish(telemetry("530102", "gas", device), payload.encode(), [entry])
        return millis * 1000

    def drain(self) -> None:
        assert self._publisher.drain(30)


@pytest.fixture
def publisher(broker: EmbeddedBroker) -> Iterator[Publisher]:
    with Publisher(broker.url, "field") as running:
        running.wait_connected(10)
        yield running
        assert running.drain(30)


def rows(url: str, query: LiteralString) -> list[tuple[Any, ...]]:
    with connect(url, application="tests") as connection:
        return connection.execute(query).fetchall()


def alerts(url: str) -> list[tuple[Any, ...]]:
    return rows(url, "SELECT rule, subject FROM alerts ORDER BY rule, subject")


@pytest.fixture
def rules(lifeline: Callable[..., Lifeline], tmp_path: Path) -> Callable[..., Lifeline]:
    def start(url: str, *catalogue: dict[str, Any]) -> Lifeline:
        folder = write(tmp_path / "catalogue", *catalogue)
        process = lifeline(
            "rules", "run", LIFELINE_DATABASE_URL=url, LIFELINE_RULES_DIR=folder, LIFELINE_LOG_FORMAT="json"
        )
        process.wait_for_log('"leading"')
        return process

    return start


@pytest.mark.parametrize("broker", ["nats"], indirect=True)
def test_a_silent_sensor_is_told_within_two_of_its_intervals_and_a_flapping_value_once(
    plain_database_url: str, publisher: Publisher, broker: EmbeddedBroker, ingest: Callable[..., Ingest],
    rules: Callable[..., Lifeline],
) -> None:  # fmt: skip
    url = plain_database_url
    field = Field(url, publisher, ["a", "b", "c"])
    ingest(url, broker.url)
    rules(
        url,
        silent(1.5),
        beyond("high", "gas", "gas.ch4.chamber", 20),
        beyond("chatter", "gas", "gas.ch4.chamber", 40, off_delay_s=600),
    )
    last = field.publish("a", 1)
    field.publish("c", 1)
    # c has given its last word later than a.
    for number in range(100):
        # Round the limit of the one, and far beyond the hysteresis of the other.
        field.publish("b", 19 + 2 * (number % 2) if number < 50 else 60 * (number % 2) + 19)
        field.drain()
    wait_until(lambda: ("device-silent", "device:a") in alerts(url), timeout_s=20, what="the silent sensor's alert")
    (recorded,) = rows(
        url,
        "SELECT (extract(epoch FROM recorded_at) * 1000000)::bigint FROM alerts WHERE subject = 'device:a'",
    )
    assert recorded[0] - last <= 2 * INTERVAL_S * 1_000_000
    high = rows(url, "SELECT e.event FROM alert_events e JOIN alerts a ON a.id = e.alert WHERE rule = 'high'")
    chatter = rows(url, "SELECT e.event FROM alert_events e JOIN alerts a ON a.id = e.alert WHERE rule = 'chatter'")
    assert (high, chatter) == ([("raised",)], [("raised",)])
    assert len({rule for rule, _ in alerts(url)}) == 3


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
@pytest.mark.long
def test_when_thousands_fall_silent_at_once_people_are_told_of_the_one_cause(
    plain_database_url: str, publisher: Publisher, broker: EmbeddedBroker, ingest: Callable[..., Ingest],
    rules: Callable[..., Lifeline],
) -> None:  # fmt: skip
    url = plain_database_url
    names = [f"d{number}" for number in range(DEVICES)]
    field = Field(url, publisher, names)
    working = ingest(url, broker.url)
    rules(
        url,
        silent(2, inhibited_by=[{"rule": "area-silent", "on": "area"}]),
        AREA_SILENT,
        beyond("pipeline-down", "platform", "platform.ingest.silent_s", 3),
    )
    for name in names:
        field.publish(name, 1)
    field.drain()
    wait_stored(url, DEVICES)
    spoke = time.monotonic()
    working.process.kill()
    told: LiteralString = (
        "SELECT a.rule, a.subject, e.event FROM outbox o JOIN alert_events e ON e.id = o.event"
        " JOIN alerts a ON a.id = e.alert ORDER BY e.id"
    )
    wait_until(lambda: alerts(url), timeout_s=20, what="the alert on the pipeline")
    wait_until(lambda: time.monotonic() - spoke > 3.5 * INTERVAL_S, timeout_s=20, what="everybody is overdue by far")
    # Nobody listened: no device and no area is blamed.
    assert alerts(url) == [("pipeline-down", "platform:all")]
    assert rows(url, told) == [("pipeline-down", "platform:all", "raised")]

    # Ingest is back and hears that the whole field is silent.
    ingest(url, broker.url)
    wait_until(lambda: len(alerts(url)) == DEVICES + 2, timeout_s=30, what="everybody's alert")
    wait_until(lambda: len(rows(url, told)) >= 3, what="the pipeline is well again")
    assert sorted(rows(url, told)[1:]) == [
        ("area-silent", "area:530102", "raised"),
        ("pipeline-down", "platform:all", "cleared"),
    ]
    assert rows(
        url,
        "SELECT count(*) FROM alerts d JOIN alerts a ON a.id = d.inhibited_by"
        " WHERE d.rule = 'device-silent' AND d.inhibited AND a.rule = 'area-silent'",
    ) == [(DEVICES,)]
