"""The outbox becomes notifications, and each is sent once by whoever holds its lease."""

import threading
from collections.abc import Iterator

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from storage import notifications
from storage.database import Pool, connect, open_pool
from storage.lifecycle import escalate
from storage.notifications import NOBODY, Delivery, OutboxEvent, Recipient
from tests.support.alerting import add_event, write_alert
from tests.support.waiting import wait_until

ROOM, MAIL = Recipient(channel="room", language="zh"), Recipient(channel="mail", language="en")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="test") as opened:
        yield opened


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    opened = open_pool(database_url, application="test", size=2)
    yield opened
    opened.close()


def to_both(_event: OutboxEvent) -> list[Recipient]:
    return [ROOM, MAIL]


def rows(connection: Connection[TupleRow], columns: str = "event, channel, state") -> list[TupleRow]:
    return connection.execute(f"SELECT {columns} FROM notifications ORDER BY event, channel").fetchall()  # noqa: S608


def claimed(pool: Pool, channel: str, lease_s: float = 60.0) -> Delivery:
    delivery = notifications.claim(pool, channel, lease_s=lease_s)
    assert delivery
    return delivery


def test_an_event_becomes_one_row_for_each_address_and_leaves_the_outbox(
    connection: Connection[TupleRow], pool: Pool
) -> None:
    event = write_alert(connection, "s:1").events[0]
    done = notifications.fan_out(pool, to_both, language="en")
    assert (done.events, done.channels, done.unaddressed) == (1, frozenset({"room", "mail"}), 0)
    assert rows(connection) == [(event, "mail", "pending"), (event, "room", "pending")]
    assert notifications.fan_out(pool, to_both, language="en").events == 0
    # An event that comes back into the outbox, as after a restored backup, is not told twice.
    connection.execute("INSERT INTO outbox (event) VALUES (%s)", (event,))
    notifications.fan_out(pool, to_both, language="en")
    assert len(rows(connection)) == 2


def test_a_fan_out_that_fails_leaves_everything_in_the_outbox(connection: Connection[TupleRow], pool: Pool) -> None:
    write_alert(connection, "s:1", (("raised", "blue"), ("cleared", "blue")))

    def broken(event: OutboxEvent) -> list[Recipient]:
        if event.level == "blue" and event.told:
            raise RuntimeError("routing fails")
        return [ROOM]

    with pytest.raises(RuntimeError):
        notifications.fan_out(pool, broken, language="en")
    assert rows(connection) == []
    assert notifications.backlog(pool).outbox == 2


def test_an_event_for_nobody_stays_visible(connection: Connection[TupleRow], pool: Pool) -> None:
    event = write_alert(connection, "s:1").events[0]
    assert notifications.fan_out(pool, lambda _: [], language="zh").unaddressed == 1
    assert rows(connection, "event, channel, state, language") == [(event, NOBODY, "unaddressed", "zh")]


def test_routing_knows_who_was_told_of_the_alert_before(connection: Connection[TupleRow], pool: Pool) -> None:
    alert = write_alert(connection, "s:1")
    notifications.fan_out(pool, to_both, language="en")
    add_event(connection, alert.alert, "level_changed", "red")
    write_alert(connection, "s:2")
    seen: list[tuple[int, tuple[str, ...]]] = []

    def route(event: OutboxEvent) -> list[Recipient]:
        seen.append((event.alert, event.told))
        return [ROOM]

    notifications.fan_out(pool, route, language="en")
    assert seen == [(alert.alert, ("mail", "room")), (alert.alert + 1, ())]


def test_a_later_event_waits_for_the_earlier_one_of_its_alert_on_the_same_channel(
    connection: Connection[TupleRow], pool: Pool
) -> None:
    first = write_alert(connection, "s:1", (("raised", "blue"), ("cleared", "blue")))
    other = write_alert(connection, "s:2")
    notifications.fan_out(pool, to_both, language="en")
    raised = claimed(pool, "room")
    assert raised.event == first.events[0]
    # While it is under way only the other alert's event is due.
    assert claimed(pool, "room").event == other.events[0]
    assert notifications.claim(pool, "room", lease_s=60) is None
    # The other channel is not concerned.
    assert claimed(pool, "mail").event == first.events[0]
    # A failure keeps the order too: the later event still waits.
    notifications.record_failure(pool, raised, error="refused", delay_s=0.0, give_up_s=3600)
    assert claimed(pool, "room").event == first.events[0]
    notifications.record_sent(pool, raised)
    assert claimed(pool, "room").event == first.events[1]


def test_a_failure_for_good_lets_the_next_event_through(connection: Connection[TupleRow], pool: Pool) -> None:
    alert = write_alert(connection, "s:1", (("raised", "blue"), ("cleared", "blue")))
    notifications.fan_out(pool, lambda _: [ROOM], language="en")
    raised = claimed(pool, "room")
    assert notifications.record_failure(pool, raised, error="refused", delay_s=1, give_up_s=0) == "failed"
    assert rows(connection, "state, last_error") == [("failed", "refused"), ("pending", None)]
    assert claimed(pool, "room").event == alert.events[1]


def test_a_lease_that_runs_out_is_taken_over_with_the_same_id(connection: Connection[TupleRow], pool: Pool) -> None:
    write_alert(connection, "s:1")
    notifications.fan_out(pool, lambda _: [ROOM], language="en")
    first = claimed(pool, "room", lease_s=0.3)
    assert notifications.claim(pool, "room", lease_s=60) is None
    second = wait_until(lambda: notifications.claim(pool, "room", lease_s=60), what="the lease runs out")
    assert second
    assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)


def test_a_failed_attempt_is_due_again_only_after_its_delay(connection: Connection[TupleRow], pool: Pool) -> None:
    write_alert(connection, "s:1")
    notifications.fan_out(pool, lambda _: [ROOM], language="en")
    delivery = claimed(pool, "room")
    assert notifications.record_failure(pool, delivery, error="e", delay_s=3600, give_up_s=86400) == "pending"
    assert notifications.claim(pool, "room", lease_s=60) is None
    connection.execute("UPDATE notifications SET next_attempt_at = clock_timestamp()")
    assert claimed(pool, "room").id == delivery.id


def test_what_nobody_sends_fails_visibly_when_it_is_too_old(connection: Connection[TupleRow], pool: Pool) -> None:
    write_alert(connection, "s:1")
    notifications.fan_out(pool, to_both, language="en")
    claimed(pool, "mail")
    assert notifications.give_up(pool, give_up_s=3600) == ()
    assert notifications.give_up(pool, give_up_s=0) == ("room",)
    assert rows(connection, "channel, state") == [("mail", "pending"), ("room", "failed")]


def test_a_notice_says_which_level_came_before(connection: Connection[TupleRow], pool: Pool) -> None:
    life = (("raised", "blue"), ("level_changed", "red"), ("cleared", "red"))
    events = write_alert(connection, "s:1", life).events
    found = [notifications.notice(pool, event) for event in events]
    assert [(n.event, n.level, n.previous_level) for n in found] == [
        ("raised", "blue", None),
        ("level_changed", "red", "blue"),
        ("cleared", "red", "red"),
    ]
    assert (found[0].network.zh, found[0].unit, found[0].value) == ("燃气", "%{LEL}", 52.34)


def test_the_backlog_counts_what_waits(connection: Connection[TupleRow], pool: Pool) -> None:
    assert notifications.backlog(pool).outbox_oldest_s == 0.0
    write_alert(connection, "s:1")
    assert notifications.backlog(pool).outbox == 1
    notifications.fan_out(pool, to_both, language="en")
    backlog = notifications.backlog(pool)
    assert (backlog.outbox, [(c.channel, c.pending) for c in backlog.channels]) == (0, [("mail", 1), ("room", 1)])


def test_many_workers_share_the_work_without_duplicates(plain_database_url: str) -> None:
    with connect(plain_database_url, application="test") as connection:
        alerts = [write_alert(connection, f"s:{n}", (("raised", "blue"), ("cleared", "blue"))) for n in range(40)]
    pool = open_pool(plain_database_url, application="test", size=8)
    sent: list[Delivery] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        idle = 0
        while idle < 20:
            notifications.fan_out(pool, lambda _: [ROOM], language="en", limit=7)
            delivery = notifications.claim(pool, "room", lease_s=60)
            if delivery is None:
                idle += 1
                continue
            sent.append(delivery)
            notifications.record_sent(pool, delivery)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert sorted(d.event for d in sent) == sorted(event for alert in alerts for event in alert.events)
    for alert in alerts:
        assert [d.event for d in sent if d.alert == alert.alert] == list(alert.events)


def test_an_escalation_is_told_to_whoever_knows_the_alert_and_to_whom_it_goes(
    connection: Connection[TupleRow], pool: Pool
) -> None:
    alert = write_alert(connection, "s:1").alert
    notifications.fan_out(pool, lambda _: [ROOM], language="en")
    assert escalate(connection, alert, operator="Li", addressee="mail", comment="look")
    asked: list[OutboxEvent] = []

    def route(event: OutboxEvent) -> list[Recipient]:
        asked.append(event)
        return [ROOM, MAIL] if event.addressee == MAIL.channel else [ROOM]

    notifications.fan_out(pool, route, language="en")
    assert [(event.addressee, event.told, event.exercise) for event in asked] == [("mail", ("room",), None)]
    found = notifications.notice(pool, asked[0].event)
    assert (found.event, found.actor, found.addressee, found.comment) == ("escalated", "Li", "mail", "look")
    assert [row[1] for row in rows(connection) if row[0] == asked[0].event] == ["mail", "room"]
