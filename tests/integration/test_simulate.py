"""`lifeline simulate`: a scenario on the engines, over a real broker; recorded, and replayed the same."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from domain.registry_folder import read
from domain.times import isoformat
from runtime.embedded import EmbeddedBroker
from simulators.ledger import load
from tests.support.processes import Lifeline
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

pytest.importorskip("wntr")

STORY = """\
id: short
title: {en: Short, zh: 短}
summary: {en: A bad half hour of the devices., zh: 设备异常的半小时。}
starts: "14:00"
duration: 30m
timeline:
  - {at: "14:05", event: device.poor_link, target: carrier-mobile, until: "14:25", lost: 0.1, twice: 0.3, late: 0.3}
  - {at: "14:05", event: device.carrier_out, target: carrier-telecom, until: "14:20"}
  - {at: "14:10", event: device.gateway_out, target: cabinet-001, until: "14:15"}
must_not:
  - {network: gas, kind: safety}
"""
Run = Callable[..., Lifeline]
Entries = list[tuple[str, str, int, float]]


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(STORY, encoding="utf-8")
    return path


def entries(path: Path, *, moved: int = 0) -> Entries:
    columns = load(path)
    return sorted(
        (columns.devices[d], columns.properties[p], int(t) - moved, float(v))
        for d, p, t, v in zip(columns.device, columns.property, columns.time, columns.value, strict=True)
    )


def summary(run: Lifeline) -> dict[str, Any]:
    assert run.wait(timeout_s=120) == 0, run.log()
    found: dict[str, Any] = json.loads(run.output())
    return found


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.long
def test_what_is_recorded_is_what_a_run_publishes_and_a_replay_publishes_again(
    story: Path, nats_broker: EmbeddedBroker, lifeline: Run, tmp_path: Path
) -> None:
    ran, replayed, again = (tmp_path / f"{name}.npz" for name in ("ran", "replayed", "again"))
    url = {"LIFELINE_MQTT_URL": nats_broker.url}
    # Times lie years back for a test that runs later: no database is asked here.
    url["LIFELINE_LATENESS_S"] = str(400 * 86_400)
    records = [lifeline("simulate", "record", str(story), "--out", str(tmp_path / f"r{n}"), "--json") for n in (1, 2)]
    recorded, _ = (summary(record) for record in records)
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        start = ("--start", recorded["begin"].replace("Z", "+00:00"))
        run = summary(lifeline("simulate", str(story), "--speed", "max", *start, "--ledger", str(ran), "--json", **url))
        wait_until(lambda: len(subscriber.received) == run["messages"], what="everything is received")
    assert (run["messages"], run["entries"]) == (recorded["messages"], recorded["readings"])
    assert run["lost"] == recorded["lost"] > 0
    assert tree(tmp_path / "r1") == tree(tmp_path / "r2")
    for speed, path in (("max", replayed), ("600", again)):
        replay = summary(
            lifeline(
                "replay", str(tmp_path / "r1" / "feed.yaml"), "--speed", speed, "--ledger", str(path), "--json", **url
            )
        )
        assert replay["messages"] == run["messages"]
        assert entries(path, moved=replay["moved"]) == entries(ran)


def test_a_run_from_now_on_is_published_at_the_time_of_its_readings(
    story: Path, nats_broker: EmbeddedBroker, lifeline: Run
) -> None:
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        run = lifeline("simulate", str(story), "--json", LIFELINE_MQTT_URL=nats_broker.url)
        wait_until(lambda: len(subscriber.received) > 5, timeout_s=120, what="the first messages are published")
        run.process.send_signal(signal.SIGINT)
        assert run.wait(timeout_s=60) == 1, run.log()
    told = json.loads(run.output())
    assert told["interrupted"]
    assert told["unacknowledged"] == 0
    assert 5 < told["messages"] < 300
    assert told["late_worst_ms"] < 5000


def test_the_registry_of_a_run_is_written_for_the_platform(story: Path, lifeline: Run, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    written = summary(lifeline("simulate", str(story), "--registry", str(folder), "--json"))
    found = read(folder)
    assert (len(found.assets), len(found.devices), len(found.datastreams)) == (
        written["assets"],
        written["devices"],
        written["datastreams"],
    )
    assert found.links


def test_what_cannot_begin_says_why_and_publishes_nothing(
    story: Path, nats_broker: EmbeddedBroker, lifeline: Run, tmp_path: Path
) -> None:
    strange = tmp_path / "strange.yaml"
    strange.write_text(STORY.replace("cabinet-001", "cabinet-999"), encoding="utf-8")
    url = {"LIFELINE_MQTT_URL": nats_broker.url}
    runs = {
        "cabinet-999": lifeline("simulate", str(strange), **url),
        "neither a number above 0 nor max": lifeline("simulate", str(story), "--speed", "fast", **url),
        "neither town nor test": lifeline("simulate", str(story), "--scale", "village", **url),
        "ahead of the clock": lifeline("simulate", str(story), "--speed", "60", "--start", "now", **url),
        "begin later with --start": lifeline("simulate", str(story), "--start", "2001-01-01T00:00:00+08:00", **url),
        "now, end, clock or own": lifeline("simulate", str(story), "--start", "yesterday", **url),
        "there is none of this name": lifeline("simulate", "no-such-scenario", **url),
    }
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        for text, run in runs.items():
            assert run.wait(timeout_s=120) == 2, run.log()
            assert text in run.log()
        assert subscriber.received == []


def test_a_broker_that_is_not_there_ends_the_run_with_1(story: Path, lifeline: Run) -> None:
    run = lifeline("simulate", str(story), "--speed", "max", LIFELINE_MQTT_URL="mqtt://127.0.0.1:9")
    assert run.wait(timeout_s=120) == 1
    assert "did not accept" in run.log()


def test_a_scenario_is_played_from_one_of_its_own_times_on(
    story: Path, nats_broker: EmbeddedBroker, lifeline: Run, tmp_path: Path
) -> None:
    settings = {"LIFELINE_MQTT_URL": nats_broker.url, "LIFELINE_LATENESS_S": str(400 * 86_400)}
    part, whole = (
        lifeline(
            "simulate", str(story), "--speed", "max", "--start", "own", "--ledger", str(tmp_path / name), "--json",
            *since, **settings,
        )
        for name, since in (("part.npz", ("--from", "14:16")), ("whole.npz", ()))
    )  # fmt: skip
    found, usual = summary(part), summary(whole)
    assert found["begin"].endswith("06:16:00.000Z")
    assert found["end"] == usual["end"]
    told, all_told = (entries(tmp_path / name) for name in ("part.npz", "whole.npz"))
    first = min(time for _, _, time, _ in told)
    assert 0 < len(told) < len(all_told)
    assert isoformat(first) >= "2026-06-19T06:15:59"
    wrong = lifeline("simulate", str(story), "--from", "15:16", **settings)
    assert wrong.wait(timeout_s=60) == 2
    assert "outside the scenario" in wrong.log()


@pytest.mark.parametrize("command", [("record", "STORY", "--out", "out"), ("score", "STORY", "quiet-weekday")])
def test_a_command_that_is_killed_leaves_no_engine_behind(
    command: tuple[str, ...], story: Path, lifeline: Run, tmp_path: Path
) -> None:
    words = {"STORY": str(story), "out": str(tmp_path / "out")}
    run = lifeline("simulate", *(words.get(word, word) for word in command))
    main = psutil.Process(run.pid)

    def engines() -> list[psutil.Process]:
        return [one for one in main.children(recursive=True) if "spawn_main" in " ".join(one.cmdline())]

    # Scores have processes of their own, whose children the engines are.
    wanted = 4 if command[0] == "score" else 2
    wait_until(lambda: len(engines()) >= wanted, timeout_s=60, poll_s=0.02, what="engines are at work")
    left = engines()
    run.kill()
    _, alive = psutil.wait_procs(left, timeout=30)
    for one in alive:
        one.kill()
    assert not alive
