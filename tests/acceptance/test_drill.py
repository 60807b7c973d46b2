"""A whole drill on the platform as it runs: an incident on a twin, people told, steps done and missed, the report."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.database import connect
from tests.support.ports import free_port
from tests.support.processes import Lifeline
from tests.support.receivers import Mailbox, Webhook, everyone_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

#: Somebody opens a cabinet for ten minutes; one step is left out by the responder.
SCENARIO = """
id: door
title: {en: A cabinet stands open, zh: 控制柜门被打开}
summary: {en: The door of a cabinet is open for ten minutes., zh: 控制柜门打开十分钟。}
starts: "11:00"
duration: 30m
networks: [lighting]
timeline:
  - {at: "11:08", until: "11:18", event: lighting.door, target: cabinet-001}
expect:
  - {rule: light-cabinet-open, on: cabinet-001, by: "11:12"}
drill:
  - {step: acknowledge, alert: light-cabinet-open, within: 2m, text: {en: Take it., zh: 确认告警。}}
  - {step: escalate, alert: 1, within: 2m, text: {en: Tell the duty leader., zh: 上报值班领导。}}
  - {step: comment, alert: 1, within: 2m, text: {en: Say who is there., zh: 说明现场人员。}}
  - {step: clear, alert: 1, within: 30m, text: {en: The door is shut again., zh: 柜门已关闭。}}
"""


@pytest.mark.long
def test_a_drill_from_end_to_end_is_marked_everywhere_and_ends_in_its_report(
    plain_database_url: str,
    lifeline: Callable[..., Lifeline],
    webhook: Webhook,
    mailbox: Mailbox,
    tmp_path: Path,
) -> None:
    port = free_port()
    mqtt = free_port()
    platform = lifeline(
        "up", "--port", str(port), "--mqtt-port", str(mqtt),
        LIFELINE_DATA_DIR=str(tmp_path / "data"),
        LIFELINE_DATABASE_URL=plain_database_url,
        LIFELINE_NOTIFY_CONFIG=everyone_at(tmp_path, hook=webhook.url, mail=mailbox.url),
    )  # fmt: skip
    wait_until(lambda: "health of serve" in platform.output(), timeout_s=90, what="the platform is ready")
    (tmp_path / "door.yaml").write_text(SCENARIO, encoding="utf-8")
    drill = lifeline(
        "drill", "run", str(tmp_path / "door.yaml"), "--speed", "240", "--responder", "scripted", "--skip", "3",
        "--wait", "0", "--by", "王伟", "--json",
        LIFELINE_DATABASE_URL=plain_database_url,
        LIFELINE_MQTT_URL=f"mqtt://127.0.0.1:{mqtt}",
    )  # fmt: skip
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as api:
        wait_until(lambda: events(api, "cleared"), timeout_s=120, what="the alert of the drill has cleared")
        assert drill.wait(timeout_s=120) == 1, drill.log()
        report = json.loads(drill.output())
        _is_complete(report)
        _is_marked(api, report)
        assert api.get("/exercises").json()["items"][0]["running"] is False
    _were_told(webhook, mailbox)
    _is_over(plain_database_url)
    shown = lifeline(
        "drill", "report", "1", "--html", str(tmp_path / "report.html"), "--language", "zh",
        LIFELINE_DATABASE_URL=plain_database_url,
    )  # fmt: skip
    assert shown.wait() == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("【演练】", "演练评估报告", "未完成", "王伟", "控制柜门被打开"))
    assert "http" not in page.replace("http-equiv", "")


def events(api: httpx.Client, event: str) -> list[dict[str, Any]]:
    """Events of one kind of the alerts of exercises."""
    found = api.get("/alerts", params={"exercise": "only", "rule": "light-cabinet-open"}).json()["items"]
    details = [api.get(f"/alerts/{one['id']}").json() for one in found]
    return [one for detail in details for one in detail["events"] if one["event"] == event]


def _is_complete(report: dict[str, Any]) -> None:
    (found,) = report["detections"]
    assert (found["verdict"], found["closed_by_end"]) == ("met", False)
    # The time of the incident, whatever the speed: the door opened at 11:08 and shut at 11:18.
    assert 0 < found["detect_s"] <= 300
    assert 480 < found["clear_s"] <= 900
    # The wall clock.
    assert found["store_s"] < 30
    assert found["notify_s"] < 30
    assert found["acknowledge_s"] < 30
    assert found["escalate_s"] < 30
    assert (found["acknowledged_by"], found["escalated_to"]) == ("drill script / 演练脚本", "duty leader / 值班领导")
    steps = {one["step"]: one["verdict"] for one in report["steps"]}
    assert steps == {"acknowledge": "met", "escalate": "met", "comment": "missed", "clear": "met"}
    assert (report["passed"], report["missed"], report["late"]) == (False, 1, 0)
    assert (report["exercise"], report["started_by"], report["speed"]) == (1, "王伟", 240.0)


def _is_marked(api: httpx.Client, report: dict[str, Any]) -> None:
    for path in ("/alerts", "/assets", "/devices", "/datastreams", "/latest"):
        assert api.get(path, params={"class": ["alarm", "warning", "condition"]}).json()["items"] == [], path
        assert {one["exercise"] for one in api.get(path, params={"exercise": "only"}).json()["items"]} == {1}, path
    alert = report["detections"][0]["alert"]
    cap = ET.fromstring(api.get(f"/alerts/{alert}/cap").content)  # noqa: S314 - our own answer
    assert cap.findtext("{urn:oasis:names:tc:emergency:cap:1.2}status") == "Exercise"
    assert "演练" in (cap.findtext("{urn:oasis:names:tc:emergency:cap:1.2}note") or "")


def _were_told(webhook: Webhook, mailbox: Mailbox) -> None:
    kinds = {message["kind"] for message in webhook.received}
    assert {"raised", "escalated", "cleared"} <= kinds
    for message in webhook.received:
        assert message["title"].startswith("EXERCISE – "), message
        assert message["message"].startswith("EXERCISE – "), message
        assert message["exercise"] == "1"
    subjects = [str(mail["Subject"]) for mail in mailbox.received]
    assert subjects
    assert all(subject.startswith("【演练】") for subject in subjects), subjects


def _is_over(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        left = connection.execute("SELECT count(*) FILTER (WHERE open), count(*) FROM alerts").fetchone()
        assert left is not None
        assert (left[0], left[1] > 0) == (0, True)
        states = connection.execute("SELECT count(*) FROM rule_states WHERE subject NOT LIKE 'platform%'").fetchone()
        assert states == (0,)
