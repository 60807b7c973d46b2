"""Every raise, level change and clear of an alert reaches every address of its list, whatever dies on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import connect
from tests.support.alerting import add_event, write_alert
from tests.support.processes import Lifeline
from tests.support.receivers import Mailbox, Webhook, everyone_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

LIFE = (("raised", "blue"), ("level_changed", "red"), ("cleared", "red"))


def test_webhook_and_mail_get_every_event_although_notify_is_killed_again_and_again(
    plain_database_url: str, lifeline: Callable[..., Lifeline], webhook: Webhook, mailbox: Mailbox, tmp_path: Path
) -> None:
    environment = {
        "LIFELINE_DATABASE_URL": plain_database_url,
        "LIFELINE_NOTIFY_CONFIG": everyone_at(tmp_path, hook=webhook.url, mail=mailbox.url),
        "LIFELINE_NOTIFY_POLL_MS": "20",
        # A lease lasts this long and a margin; what was under way at a kill is sent again after it.
        "LIFELINE_NOTIFY_TIMEOUT_S": "1",
    }
    with connect(plain_database_url, application="test") as connection:
        expected: list[int] = []
        for round_ in range(3):
            before = len(webhook.received)
            expected += [e for n in range(8) for e in write_alert(connection, f"s:{round_}:{n}", LIFE).events]
            process = lifeline("notify", **environment)
            wait_until(lambda: len(webhook.received) > before + 3, timeout_s=30, what="some are told")  # noqa: B023
            process.kill()
        lifeline("notify", **environment)
        wanted = {str(event) for event in expected}
        wait_until(lambda: webhook.events() >= wanted, timeout_s=60, what="the webhook knows every event")
        wait_until(
            lambda: all(any(f"事件编号：{event}\n" in text for text in mailbox.texts()) for event in expected),
            timeout_s=60,
            what="the mailbox knows every event",
        )
        wait_until(
            lambda: connection.execute("SELECT count(*) FROM notifications WHERE state <> 'sent'").fetchone() == (0,),
            timeout_s=60,
            what="everything is recorded as sent",
        )
    # A repetition is recognised by its id: one id for each event, and the events of an alert in their order.
    ids = {body["notification"]: body["event"] for body in webhook.received}
    assert sorted(ids.values(), key=int) == [str(event) for event in expected]
    for alert in {body["alert"] for body in webhook.received}:
        first_told = list(dict.fromkeys(int(b["event"]) for b in webhook.received if b["alert"] == alert))
        assert first_told == sorted(first_told)


def test_a_hanging_channel_delays_no_other(
    plain_database_url: str, lifeline: Callable[..., Lifeline], webhook: Webhook, tmp_path: Path
) -> None:
    with Webhook() as hanging, connect(plain_database_url, application="test") as connection:
        hanging.hold()
        lifeline(
            "notify",
            LIFELINE_DATABASE_URL=plain_database_url,
            LIFELINE_NOTIFY_CONFIG=everyone_at(tmp_path, slow=hanging.url, fast=webhook.url),
            LIFELINE_NOTIFY_POLL_MS="20",
            LIFELINE_NOTIFY_TIMEOUT_S="2",
        )
        events = [e for n in range(10) for e in write_alert(connection, f"s:{n}", LIFE).events]
        wait_until(lambda: webhook.events() >= {str(e) for e in events}, timeout_s=15, what="the fast channel has all")
        wait_until(
            lambda: connection.execute(
                "SELECT 1 FROM notifications WHERE channel = 'slow' AND state = 'pending' AND last_error <> ''"
            ).fetchone(),
            timeout_s=15,
            what="the failing channel is visible",
        )
        assert hanging.received == []


def test_a_receiver_that_was_away_gets_what_it_missed(
    plain_database_url: str, lifeline: Callable[..., Lifeline], webhook: Webhook, tmp_path: Path
) -> None:
    webhook.status = 503
    with connect(plain_database_url, application="test") as connection:
        alert = write_alert(connection, "s:1")
        process = lifeline(
            "notify",
            LIFELINE_DATABASE_URL=plain_database_url,
            LIFELINE_NOTIFY_CONFIG=everyone_at(tmp_path, hook=webhook.url),
            LIFELINE_NOTIFY_POLL_MS="20",
        )
        process.wait_for_log("notification_not_sent")
        add_event(connection, alert.alert, "cleared", "yellow")
        webhook.status = 200
        wait_until(lambda: len(webhook.received) == 2, timeout_s=20, what="both events arrive")
        assert [body["kind"] for body in webhook.received] == ["raised", "cleared"]
        assert process.terminate() == 0


def test_check_shows_who_is_told_and_refuses_a_broken_file(lifeline: Callable[..., Lifeline], tmp_path: Path) -> None:
    good = lifeline(
        "notify", "--check", "--json", LIFELINE_NOTIFY_CONFIG=everyone_at(tmp_path, hook="json://127.0.0.1/key")
    )
    assert good.wait() == 0
    assert '"gas": {"red": ["hook"]' in good.output()
    broken = tmp_path / "broken.yaml"
    broken.write_text("addresses: []\n", encoding="utf-8")
    bad = lifeline("notify", "--check", LIFELINE_NOTIFY_CONFIG=str(broken))
    assert bad.wait() == 2
    assert "broken.yaml:1" in bad.log()
