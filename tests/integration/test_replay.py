"""`lifeline replay` publishes a recording, shifted and at its pace, and counts what the broker acknowledged."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.registry import Asset, Datastream, Device, Registry
from domain.registry_folder import write
from domain.times import now_micros
from runtime.embedded import EmbeddedBroker
from simulators.ledger import load
from tests.support.processes import Lifeline
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

FEED = """\
title: Pump hall
files: "*.csv"
time: {column: at, format: epoch_ms}
missing: [-999]
labels: fault
columns:
  flow: {device: pump, property: water.flow, scale: 3.6}
  on: {device: pump, property: water.pump.state}
  level: {device: tank, property: water.tank.level}
"""
MINUTE_MS = 60_000


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """Ten minutes of one pump and one tank; the third minute lacks the flow, the fifth everything of the tank."""
    folder = tmp_path / "hall"
    folder.mkdir()
    assets = tuple(
        Asset(id=name, network="water", kind=name, name_en=name, name_zh=name, area="330100",
              geometry={"type": "Point", "coordinates": [120.0, 30.0]}, longitude=120.0, latitude=30.0)
        for name in ("pump", "tank")
    )  # fmt: skip
    devices = tuple(Device(id=a.id, asset=a.id, model="M", reporting_interval_s=60) for a in assets)
    streams = (("pump", "water.flow", "m3/h"), ("pump", "water.pump.state", "1"), ("tank", "water.tank.level", "m"))
    registry = Registry(
        assets=assets,
        devices=devices,
        datastreams=tuple(Datastream(device=d, property=p, unit=u) for d, p, u in streams),
        links=(),
    )
    write(registry, folder / "registry")
    (folder / "feed.yaml").write_text(FEED, encoding="utf-8")
    rows = [
        f"{1_400_000_000_000 + i * MINUTE_MS},{-999 if i == 2 else i},{i % 2},{-999 if i == 4 else 2.5},0"
        for i in range(11)
    ]
    (folder / "run.csv").write_text("at,flow,on,level,fault\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder / "feed.yaml"


def messages(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in subscriber.received]


def test_a_replay_at_full_speed_ends_now_and_its_ledger_equals_what_was_received(
    feed: Path, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.npz"
    with Subscriber(nats_broker.url, "lifeline/330100/water/+/telemetry") as subscriber:
        replay = lifeline(
            "replay", str(feed), "--speed", "max", "--ledger", str(ledger), "--json", LIFELINE_MQTT_URL=nats_broker.url
        )
        assert replay.wait() == 0, replay.log()
        summary = json.loads(replay.output())
        wait_until(lambda: len(subscriber.received) == 21, what="everything is received")
    assert (summary["messages"], summary["entries"], summary["missing"]) == (21, 31, 2)
    columns = load(ledger)
    found = sorted(
        (columns.time[i] // 1000, columns.properties[columns.property[i]], columns.value[i])
        for i in range(len(columns))
    )
    assert found == sorted(
        (message["time"], name, float(value))
        for message in messages(subscriber)
        for name, value in message["values"].items()
    )
    last = max(message["time"] for message in messages(subscriber))
    assert 0 <= now_micros() // 1000 - last < 60_000
    assert min(message["time"] for message in messages(subscriber)) == last - 10 * MINUTE_MS
    states = [message["values"].get("water.pump.state") for message in messages(subscriber)]
    assert {state for state in states if state is not None} == {True, False}
    flows = [m["values"]["water.flow"] for m in messages(subscriber) if "water.flow" in m["values"]]
    assert flows[-1] == 36.0
    assert len(flows) == 10


def test_a_paced_replay_keeps_the_recorded_cadence(
    feed: Path, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    replay = lifeline("replay", str(feed), "--speed", "300", "--json", LIFELINE_MQTT_URL=nats_broker.url)
    assert replay.wait() == 0, replay.log()
    # Ten minutes at 300 times their speed are two seconds.
    assert 2.0 <= json.loads(replay.output())["seconds"] < 10


def test_what_the_database_would_refuse_is_not_even_started(
    feed: Path, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    refused = {
        "no setting admits that": ("--keep",),
        "replay with --speed 1, or with --align end": ("--align", "start"),
        "LIFELINE_SKEW_S=300": ("--align", "end", "--at", "2099-01-01T00:00:00+0000"),
    }
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        replays = {
            advice: lifeline("replay", str(feed), "--speed", "max", *options, LIFELINE_MQTT_URL=nats_broker.url)
            for advice, options in refused.items()
        }
        for advice, replay in replays.items():
            assert replay.wait() == 2
            assert advice in replay.log()
    assert subscriber.received == []


def test_a_narrow_window_names_the_setting_that_would_admit_the_recording(
    feed: Path, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    url = nats_broker.url
    refused = lifeline("replay", str(feed), "--speed", "max", LIFELINE_MQTT_URL=url, LIFELINE_LATENESS_S="700")
    assert refused.wait() == 2
    needed = refused.log().split("set LIFELINE_LATENESS_S=")[1].split()[0]
    admitted = lifeline("replay", str(feed), "--speed", "max", LIFELINE_MQTT_URL=url, LIFELINE_LATENESS_S=needed)
    assert admitted.wait() == 0, admitted.log()


def test_an_interrupted_replay_says_what_it_published(
    feed: Path, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        replay = lifeline("replay", str(feed), "--speed", "1", "--json", LIFELINE_MQTT_URL=nats_broker.url)
        wait_until(lambda: len(subscriber.received) == 2, timeout_s=20, what="the first minute is published")
        began = time.monotonic()
        replay.process.send_signal(signal.SIGINT)
        assert replay.wait() == 1
    assert time.monotonic() - began < 10
    summary = json.loads(replay.output())
    assert (summary["interrupted"], summary["messages"]) == (True, 2)


def test_what_cannot_run_says_why(feed: Path, lifeline: Callable[..., Lifeline], tmp_path: Path) -> None:
    nowhere = lifeline("replay", str(feed), "--data", str(tmp_path / "none"))
    odd = lifeline("replay", str(feed), "--speed", "fast")
    assert nowhere.wait() == 2
    assert "name the folder of the recordings with --data" in nowhere.log()
    assert odd.wait() == 2
    assert "neither a number above 0 nor max" in odd.log()
