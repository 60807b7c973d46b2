"""`lifeline demo` and `lifeline up`: the whole platform in one process group."""

import contextlib
import json
import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from domain.catalogue import NETWORKS
from runtime.settings import load
from tests.support.ports import free_port
from tests.support.processes import ROOT, Lifeline
from tests.support.receivers import Mailbox, Webhook
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(480)]
#: The engines take ten seconds of two free cores; a machine that is busy with other tests takes its time.
PATIENCE_S = 240.0


@pytest.mark.long
def test_the_bounded_demo_accounts_for_every_entry_and_alerts_on_every_network(
    lifeline: Callable[..., Lifeline],
) -> None:
    process = lifeline("demo", "--once", "--duration", "20", "--json")
    assert process.wait(timeout_s=PATIENCE_S) == 0, process.log()
    report = json.loads(process.output())
    assert report["published"] > 500
    assert report["published"] == report["received"]
    ended = sum(report[name] for name in ("stored", "duplicates", "conflicts", "rejected", "held"))
    assert report["received"] == ended
    assert (report["conflicts"], report["rejected"], report["held"]) == (0, 0, 0)
    assert set(report["alerts_by_network"]) >= {network.id for network in NETWORKS}
    assert report["alerts_raised"] == sum(report["alerts_by_network"].values())
    for latency in ("publish_to_stored_ms", "publish_to_alert_ms"):
        assert 0 < report[latency]["p50"] <= report[latency]["p99"]


@pytest.mark.long
def test_every_alert_of_the_demo_is_told_by_webhook_and_mail_although_notify_is_killed(
    lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    with Webhook() as webhook, Mailbox() as mailbox:
        config = tmp_path / "notify.yaml"
        config.write_text(
            f"addresses:\n  - {{name: hook, url: '{webhook.url}'}}\n  - {{name: mail, url: '{mailbox.url}'}}\n"
            "lists:\n  '*':\n    '*': [hook, mail]\n",
            encoding="utf-8",
        )
        process = lifeline(
            "demo",
            "--once",
            "--duration",
            "20",
            "--scale",
            "test",
            "--json",
            LIFELINE_NOTIFY_CONFIG=str(config),
            # What a killed worker had under way is sent again when its lease of this time and five seconds is over.
            LIFELINE_NOTIFY_TIMEOUT_S="1",
        )
        wait_until(lambda: len(webhook.received) >= 3, timeout_s=PATIENCE_S, what="the first are told")
        for child in psutil.Process(process.pid).children():
            if child.cmdline()[-1:] == ["notify"]:
                child.kill()
        assert process.wait(timeout_s=PATIENCE_S) == 0
        raised = json.loads(process.output())["alerts_raised"]
        assert len({body["alert"] for body in webhook.received if body["kind"] == "raised"}) == raised
        assert len({text.splitlines()[0] for text in mailbox.texts() if ": raised" in text.splitlines()[0]}) == raised
        # The mailbox was told of the same events as the webhook, each with the id of its notification.
        ids = {line for text in mailbox.texts() for line in text.splitlines() if line.startswith("Alert: ")}
        assert ids == {f"Alert: {body['alert']}, event {body['event']}" for body in webhook.received}


def test_the_demo_stops_in_order_and_leaves_nothing_running(lifeline: Callable[..., Lifeline], tmp_path: Path) -> None:
    process = lifeline(
        "demo", "--language", "zh", "--port", "0", "--scale", "test", LIFELINE_DATA_DIR=str(tmp_path / "data")
    )
    wait_until(lambda: "已发布" in process.output(), timeout_s=PATIENCE_S, what="the demo reports")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 4
    process.process.send_signal(signal.SIGINT)
    assert process.wait(timeout_s=60) == 0
    said = process.output()
    order = [said.index(f"已停止：{name}") for name in ("设备", "ingest", "rules", "notify", "serve", "services")]
    assert order == sorted(order)
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_without_the_engines_the_demo_says_how_to_install_them(
    lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    # What stands first on the path wins: an installation without them.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'wntr' else find(name, package)\n",
        encoding="utf-8",
    )
    process = lifeline("demo", "--once", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert process.wait(timeout_s=60) == 2
    assert "uv sync --extra sim" in process.log()


def test_up_serves_the_api_and_revives_a_stage_that_was_killed(
    lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    port = free_port()
    process = lifeline("up", "--port", str(port), "--mqtt-port", "0", LIFELINE_DATA_DIR=str(tmp_path / "data"))
    wait_until(lambda: "Ctrl-C stops in order" in process.output(), timeout_s=60, what="up is ready")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
        assert answer.status == 200

    def rules() -> list[psutil.Process]:
        found = []
        for child in psutil.Process(process.pid).children():
            # A child may end while it is looked at.
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-2:] == ["rules", "run"]:
                    found.append(child)
        return found

    (first,) = rules()
    first.kill()
    (second,) = wait_until(lambda: [p for p in rules() if p.pid != first.pid], timeout_s=20, what="rules run again")
    assert second.pid != first.pid
    assert process.terminate(timeout_s=60) == 0


def test_a_second_platform_on_the_same_folder_is_refused(lifeline: Callable[..., Lifeline], tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    first = lifeline("up", "--port", "0", "--mqtt-port", "0", LIFELINE_DATA_DIR=folder)
    wait_until(lambda: "Ctrl-C stops in order" in first.output(), timeout_s=60, what="up is ready")
    second = lifeline("up", "--port", "0", "--mqtt-port", "0", LIFELINE_DATA_DIR=folder)
    assert second.wait() == 2
    assert "in use by process" in second.log()
    assert first.running


def test_commands_find_the_platform_that_runs_in_their_data_folder_and_none_once_it_is_gone(
    lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    here = {"LIFELINE_DATA_DIR": str(tmp_path / "data")}
    platform = lifeline("up", "--port", "0", "--mqtt-port", "0", **here)
    wait_until(lambda: "Ctrl-C stops in order" in platform.output(), timeout_s=60, what="up is ready")
    fleet = ("simulate", "fleet", "--devices", "50", "--rate", "50")
    for command in (
        (*fleet, "--registry", str(tmp_path / "fleet")),
        ("registry", "import", str(tmp_path / "fleet")),
        (*fleet, "--duration", "2"),
        ("registry", "export", str(tmp_path / "again")),
        ("status",),
    ):
        done = lifeline(*command, **here)
        assert done.wait(timeout_s=60) == 0, f"{command}\n{done.output()}\n{done.log()}"
    assert len((tmp_path / "again" / "devices.csv").read_text(encoding="utf-8").splitlines()) == 51
    shown = lifeline("settings", "--json", **here)
    assert shown.wait() == 0
    origins = {row["name"]: row["from"] for row in json.loads(shown.output())}
    assert origins["LIFELINE_DATABASE_URL"] == origins["LIFELINE_MQTT_URL"] == here["LIFELINE_DATA_DIR"]
    # What it has written about itself outlives it, and is not believed.
    platform.kill()
    assert load(here).database_url == load({"LIFELINE_DATA_DIR": str(tmp_path / "other")}).database_url
    assert load({**here, "LIFELINE_MQTT_URL": "mqtt://given"}).mqtt_url.get_secret_value() == "mqtt://given"
