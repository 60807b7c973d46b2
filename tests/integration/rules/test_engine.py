"""The engine as it runs: woken by a notice, by its poll, ticking, and outliving its database."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from domain.errors import UnavailableError
from rules.engine import Engine, EngineOptions
from rules.rule import Rule
from runtime import metrics
from storage.database import connect
from storage.journal import Watchtower
from storage.retention import Retention
from tests.support.catalogues import Fixed
from tests.support.proxy import Proxy
from tests.support.rulebook import above, silence
from tests.support.storing import Writer, register
from tests.support.waiting import wait_until

DAY = 86_400
KEEP = Retention(journal_s=DAY, observations_s=DAY, dead_letters_s=DAY)


@contextmanager
def running(url: str, *rules: Rule, poll_s: float = 0.02, tick_s: float = 0.1) -> Iterator[Engine]:
    stop = threading.Event()
    options = EngineOptions(database_url=url, poll_s=poll_s, tick_s=tick_s, retention=KEEP)
    engine = Engine(options, Fixed(rules), stop=stop)
    thread = threading.Thread(target=engine.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: engine.leading, what="the engine leads")
        yield engine
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def count(url: str) -> int:
    with connect(url, application="tests") as connection:
        row = connection.execute("SELECT count(*) FROM alerts").fetchone()
    return int(row[0]) if row else 0


def followed(url: str) -> int:
    with connect(url, application="tests") as connection:
        row = connection.execute("SELECT seq FROM journal_positions WHERE follower = 'rules'").fetchone()
    return int(row[0]) if row else 0


def missed() -> float:
    return float(metrics.rules_missed_ticks._value.get())


def a_stream(url: str) -> int:
    with connect(url, application="tests") as connection:
        return register(connection, ["a"])["a"]


def test_a_notice_wakes_the_rules_at_once(plain_database_url: str) -> None:
    stream = a_stream(plain_database_url)
    with running(plain_database_url, above(blue=10), poll_s=30, tick_s=30):
        writer = Writer(plain_database_url)
        # The first row makes the partition known.
        writer.store((stream, 0, 1))
        started = time.monotonic()
        writer.store((stream, 60, 99))
        wait_until(lambda: count(plain_database_url), timeout_s=5, what="an alert without a poll")
        assert time.monotonic() - started < 5
        writer.close()


def test_where_no_notice_is_heard_the_poll_finds_it(database_url: str) -> None:
    stream = a_stream(database_url)
    writer = Writer(database_url)
    with running(database_url, above(blue=10)):
        writer.store((stream, 0, 99))
        wait_until(lambda: count(database_url), what="an alert")
    writer.close()


def test_the_tick_judges_absence(database_url: str) -> None:
    stream = a_stream(database_url)
    writer = Writer(database_url)
    writer.store((stream, 0, 1))
    with running(database_url, silence()):
        writer.caught_up(10_000)
        wait_until(lambda: count(database_url), what="an alert")
    writer.close()


def test_a_database_that_goes_away_makes_it_not_ready_and_loses_nothing(
    plain_database_url: str, proxy: Callable[[str], Proxy]
) -> None:
    stream = a_stream(plain_database_url)
    writer = Writer(plain_database_url)
    way = proxy(plain_database_url)
    with running(way.url, above(hysteresis=2, blue=10, red=50)) as engine:
        writer.store((stream, 0, 20))
        wait_until(lambda: count(plain_database_url) == 1, what="the first alert")
        assert engine.readiness() == {}
        way.stop()
        wait_until(lambda: "database" in engine.readiness(), timeout_s=5, what="not ready")
        writer.store((stream, 60, 60))
        writer.store((stream, 120, 0))
        way.start()
        wait_until(lambda: engine.readiness() == {} and engine.leading, timeout_s=15, what="ready again")

        def events() -> list[str]:
            with connect(plain_database_url, application="tests") as connection:
                return [r[0] for r in connection.execute("SELECT event FROM alert_events ORDER BY id").fetchall()]

        wait_until(lambda: len(events()) == 3, what="what was missed")
        assert events() == ["raised", "level_changed", "cleared"]
    writer.close()


def test_ticks_that_an_outage_of_the_database_swallows_are_counted_and_a_running_delay_keeps_its_start(
    plain_database_url: str, proxy: Callable[[str], Proxy]
) -> None:
    stream = a_stream(plain_database_url)
    writer = Writer(plain_database_url)
    way = proxy(plain_database_url)
    with running(way.url, above(blue=10, on_delay_s=30)) as engine:
        writer.store((stream, 0, 20))
        writer.caught_up(1)
        wait_until(lambda: followed(plain_database_url) == 1, what="the first row is evaluated")
        before = missed()
        way.stop()
        went = time.monotonic()
        wait_until(lambda: "database" in engine.readiness(), timeout_s=5, what="not ready")
        writer.store((stream, 20, 20))
        writer.caught_up(32)
        wait_until(lambda: time.monotonic() - went > 0.5, what="three ticks and more")
        way.start()
        wait_until(lambda: count(plain_database_url), timeout_s=15, what="an alert")
        away = time.monotonic() - went
        # Ticks come ten times a second here.
        assert 3 <= missed() - before <= away / 0.1 + 3
    writer.close()
    with connect(plain_database_url, application="tests") as connection:
        told = connection.execute(
            "SELECT event, extract(epoch FROM time - to_timestamp(1777593600))::float FROM alert_events"
        ).fetchall()
    assert told == [("raised", 30.0)]


def test_one_leads_and_the_other_stands_by(plain_database_url: str) -> None:
    first, second = Watchtower(plain_database_url, name="rules"), Watchtower(plain_database_url, name="rules")
    assert first.lead()
    assert not second.lead()
    first.close()
    wait_until(second.lead, what="the other takes over")
    second.close()


def test_a_lead_that_was_lost_is_noticed(plain_database_url: str, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(plain_database_url)
    tower = Watchtower(way.url, name="rules")
    assert tower.lead()
    way.stop()
    with pytest.raises(UnavailableError):
        tower.wait(5)
    tower.close()
