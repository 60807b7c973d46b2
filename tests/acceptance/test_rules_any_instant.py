"""The rules are killed at any instant, ticks included; history is what an undisturbed engine would have told."""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from storage.database import connect
from tests.support.catalogues import write
from tests.support.pages import HealthPage
from tests.support.ports import free_port
from tests.support.processes import Lifeline
from tests.support.proxy import Proxy
from tests.support.rulebook import RATIONALIZATION, words
from tests.support.storing import Writer, register
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

Start = Callable[..., Lifeline]
#: rule, device, event, seconds after T0, level
Row = tuple[str, str, str, float, str]
KILLS = 7


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A rule without delay, one with delays both ways, and one on silence."""
    common = {
        "kind": "safety", "network": "gas", "title": words("t"), "text": words("{value}"),
        "rationalization": RATIONALIZATION,
    }  # fmt: skip
    methane = common | {"applies_to": {"property": "gas.ch4.chamber"}}
    levels = {name: {"limit": n, "evidence": "unverified"} for name, n in (("yellow", 20), ("red", 50))}
    absence = {"factor": 3, "grace_s": 0, "level": "blue", "grounds": {"evidence": "unverified"}}
    return write(
        tmp_path / "catalogue",
        {"id": "levels", **methane, "condition": {"above": levels, "hysteresis": 2}},
        {"id": "delayed", **methane, "condition": {"above": levels, "hysteresis": 2, "on_delay_s": 90}},
        {"id": "silent", **common, "applies_to": {}, "condition": {"absence": absence}},
    )


def start(lifeline: Start, url: str, catalogue: Path, **settings: object) -> Lifeline:
    return lifeline(
        "rules", "run", LIFELINE_DATABASE_URL=url, LIFELINE_RULES_DIR=catalogue, LIFELINE_LOG_FORMAT="json",
        LIFELINE_RULES_TICK_MS=50, **settings,
    )  # fmt: skip


def history(url: str) -> list[Row]:
    with connect(url, application="tests") as connection:
        rows = connection.execute(
            "SELECT a.rule, coalesce(d.device, split_part(a.subject, ':', 2)), e.event,"
            "       extract(epoch FROM e.time - to_timestamp(1777593600))::float, e.level"
            "  FROM alert_events e JOIN alerts a ON a.id = e.alert"
            "  LEFT JOIN datastreams d ON a.subject = 'datastream:' || d.id"
        ).fetchall()
    return sorted((row[0], row[1], row[2], row[3], row[4]) for row in rows)


def follows(url: str, writer: Writer) -> bool:
    with connect(url, application="tests") as connection:
        row = connection.execute("SELECT seq FROM journal_positions WHERE follower = 'rules'").fetchone()
    return bool(row and row[0] == writer.seq)


def story(device: int) -> list[Row]:
    """What each device is told of, whoever was killed when: see `load`."""
    name, late = f"d{device}", 60.0 * (device % 5)
    return [
        ("levels", name, "raised", 300 + late, "yellow"),
        ("levels", name, "level_changed", 600 + late, "red"),
        ("levels", name, "cleared", 900 + late, "red"),
        ("delayed", name, "raised", 390 + late, "yellow"),
        ("delayed", name, "level_changed", 690 + late, "red"),
        ("delayed", name, "cleared", 900 + late, "red"),
        ("silent", name, "raised", 1200 + late + 180, "blue"),
        ("silent", name, "cleared", 2400 + late, "blue"),
    ]


def value(at: float) -> float | None:
    """One device: normal, yellow from 300 s, red from 600 s, normal from 900 s, silent from 1200 s to 2400 s."""
    if at < 300 or at >= 900:
        return None if 1200 < at < 2400 else 1.0
    return 30.0 if at < 600 else 60.0


def leading(alive: list[Lifeline]) -> Lifeline | None:
    """Which of them leads; asked each second, the lead may go to whoever asks first."""
    return next((one for one in alive if '"leading"' in one.log()), None)


def test_kills_at_any_instant_of_a_tick_change_nothing(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    rng = random.Random(15)
    with connect(url, application="tests") as connection:
        streams = register(connection, [f"d{n}" for n in range(40)])
    writer = Writer(url)
    pause, done = threading.Event(), threading.Event()

    def load() -> None:
        for minute in range(50):
            at = 60.0 * minute
            rows = []
            for number, stream in enumerate(streams.values()):
                found = value(at - 60.0 * (number % 5))
                if found is not None:
                    rows.append((stream, at, found))
            if rows:
                writer.store(*rows)
            for tenth in range(1, 10):
                # The clock goes on between the reports, so that delays and silences run out by it, too.
                writer.caught_up(at + 6.0 * tenth)
                pause.wait(0.04)
        done.set()

    thread = threading.Thread(target=load)
    thread.start()
    alive = [start(lifeline, url, catalogue)]
    for _ in range(KILLS):
        # Another one stands by already: one of those that live takes over at whatever instant the leader dies.
        follower = start(lifeline, url, catalogue)
        leader = wait_until(partial(leading, alive := [*alive, follower]), timeout_s=20, what="one of them leads")
        assert leader is not None
        follower.wait_for_log('"health_page"')
        pause.wait(rng.random() * 0.5)
        leader.kill()
        alive.remove(leader)
    thread.join(60)
    assert done.is_set()
    expected = sorted(row for number in range(40) for row in story(number))
    wait_until(lambda: follows(url, writer) and len(history(url)) >= len(expected), timeout_s=30, what="all is judged")
    assert history(url) == expected
    with connect(url, application="tests") as connection:
        # Nobody acknowledged anything: each rule has one alert on each subject.
        assert connection.execute("SELECT count(*), count(DISTINCT (rule, subject)) FROM alerts").fetchone() == (
            120,
            120,
        )
    writer.close()


def test_a_writer_that_commits_late_is_evaluated_all_the_same(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        near = register(connection, ["near"])["near"]
        far = register(connection, ["far"], area="530103")["far"]
    quick, slow = Writer(url, "530102"), Writer(url, "530103")
    process = start(lifeline, url, catalogue)
    process.wait_for_log('"leading"')
    with slow.connection.transaction():
        slow.store((far, 0, 30))
        for minute in range(40):
            quick.store((near, 60.0 * minute, 30 if minute == 20 else 1))
            quick.caught_up(60.0 * minute)
        told = [("levels", "near", "cleared", 1260.0, "yellow"), ("levels", "near", "raised", 1200.0, "yellow")]
        wait_until(lambda: history(url) == told, timeout_s=20, what="the quick writer's alert")
    wait_until(
        lambda: ("levels", "far", "raised", 0.0, "yellow") in history(url), timeout_s=20, what="the late writer's alert"
    )
    for writer in (quick, slow):
        writer.close()


def test_a_database_that_is_away_over_ticks_costs_ticks_and_no_alert(
    plain_database_url: str, lifeline: Start, catalogue: Path, proxy: Callable[[str], Proxy]
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
    writer = Writer(url)
    way = proxy(url)
    port = free_port()
    page = HealthPage(port)
    process = start(lifeline, way.url, catalogue, LIFELINE_METRICS_PORT=port)
    process.wait_for_log('"leading"')
    writer.store((a, 0, 30))
    wait_until(lambda: len(history(url)) == 1, what="the first alert")
    before = page.metric("lifeline_rules_missed_ticks_total")
    way.stop()
    went = time.monotonic()
    wait_until(lambda: not page.ready, what="not ready")
    writer.store((a, 60, 30))
    writer.caught_up(95)
    process.wait_for_log("database_unavailable")
    wait_until(lambda: time.monotonic() - went > 0.5, what="ten ticks")
    way.start()
    wait_until(lambda: page.ready, what="ready again")
    wait_until(lambda: len(history(url)) == 2, timeout_s=20, what="the delay that ran out meanwhile")
    assert history(url) == [("delayed", "a", "raised", 90.0, "yellow"), ("levels", "a", "raised", 0.0, "yellow")]
    wait_until(lambda: page.metric("lifeline_rules_missed_ticks_total") - before >= 3, what="three missed ticks")
    assert process.running
    writer.close()
