"""Killed rules: no alert twice, none lost, and somebody else takes over."""

import json
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from benchmarks.plain_loop import PlainLoop
from rules.load import load
from rules.plan import build
from storage.database import connect
from tests.support.processes import Lifeline
from tests.support.rulebook import RATIONALIZATION, Told, batch, stream, told_by, words
from tests.support.storing import Writer, register
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

Start = Callable[..., Lifeline]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Two rules, one of them with a delay."""
    common = {
        "kind": "safety", "network": "gas", "applies_to": {"property": "gas.ch4.chamber"},
        "title": words("t"), "text": words("{value}"), "rationalization": RATIONALIZATION,
    }  # fmt: skip
    levels = {name: {"limit": n, "evidence": "unverified"} for name, n in (("yellow", 20), ("red", 50))}
    rules = [
        {"id": "levels", **common, "condition": {"above": levels, "hysteresis": 2}},
        {"id": "delayed", **common, "condition": {"above": levels, "hysteresis": 2, "on_delay_s": 150}},
    ]
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "rules.yaml").write_text(yaml.safe_dump({"rules": rules}, allow_unicode=True), encoding="utf-8")
    return folder


def start(lifeline: Start, url: str, catalogue: Path) -> Lifeline:
    return lifeline("rules", "run", LIFELINE_DATABASE_URL=url, LIFELINE_RULES_DIR=catalogue, LIFELINE_LOG_FORMAT="json")


def position(url: str) -> int:
    with connect(url, application="tests") as connection:
        row = connection.execute("SELECT seq FROM journal_positions WHERE follower = 'rules'").fetchone()
    return int(row[0]) if row else 0


def progressed(url: str, before: int, writer: Writer, last: int) -> bool:
    return position(url) > before or writer.seq == last


def events(url: str) -> list[Told]:
    with connect(url, application="tests") as connection:
        rows = connection.execute(
            "SELECT a.subject, e.event, extract(epoch FROM e.time - to_timestamp(1777593600))::float, e.level"
            " FROM alert_events e JOIN alerts a ON a.id = e.alert ORDER BY e.id"
        ).fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_ten_kills_under_load_leave_no_alert_twice_and_none_out(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    rng = random.Random(7)
    with connect(url, application="tests") as connection:
        streams = list(register(connection, [f"d{n}" for n in range(20)]).values())
    history = [
        [(number, 60.0 * turn, rng.choice((0, 10, 19, 21, 30, 49, 51, 80)), 0) for number in streams]
        for turn in range(400)
    ]
    writer = Writer(url)
    written = threading.Event()

    def write() -> None:
        for rows in history:
            writer.store(*[(number, at, value) for number, at, value, _ in rows])
            # A gap between batches, so that the kills find the rules at work.
            written.wait(0.05)

    load_thread = threading.Thread(target=write)
    load_thread.start()
    for _ in range(10):
        process = start(lifeline, url, catalogue)
        process.wait_for_log('"leading"')
        before = position(url)
        wait_until(partial(progressed, url, before, writer, len(history)), what="progress")
        written.wait(rng.random() * 0.3)
        process.kill()
    written.set()
    load_thread.join(60)
    start(lifeline, url, catalogue)
    wait_until(lambda: position(url) == len(history), timeout_s=60, what="the rest of the journal")

    plan = build(load(catalogue), [stream(number) for number in streams])
    loop = PlainLoop(plan)
    for rows in history:
        loop.feed(batch(rows))
    assert sorted(events(url)) == sorted(told_by(loop))
    with connect(url, application="tests") as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (len(loop.transitions),)
        assert connection.execute(
            "SELECT count(*) FROM (SELECT FROM alerts WHERE open GROUP BY rule, subject HAVING count(*) > 1) t"
        ).fetchone() == (0,)
    writer.close()


def test_two_workers_have_one_leader_and_the_other_takes_over_within_fifteen_seconds(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
    writer = Writer(url)
    first = start(lifeline, url, catalogue)
    first.wait_for_log('"leading"')
    second = start(lifeline, url, catalogue)
    second.wait_for_log('"health_page"')
    writer.store((a, 0, 30))
    wait_until(lambda: len(events(url)) == 1, what="the leader's alert")
    assert '"leading"' not in second.log()
    first.kill()
    killed = time.monotonic()
    writer.store((a, 60, 60))
    second.wait_for_log('"leading"', timeout_s=15)
    wait_until(lambda: len(events(url)) == 2, timeout_s=15, what="the other's alert")
    assert time.monotonic() - killed < 15
    assert [event for _, event, *_ in events(url)] == ["raised", "level_changed"]
    writer.close()


def test_a_leader_that_lost_its_lock_loads_everything_anew_before_it_writes(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
    writer = Writer(url)
    first = start(lifeline, url, catalogue)
    first.wait_for_log('"leading"')
    with connect(url, application="tests") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lifeline rules leader'"
        )
        connection.execute("UPDATE rules_leader SET version = version + 1, leader = 'somebody else'")
    writer.store((a, 0, 30))
    wait_until(lambda: len(events(url)) == 1, timeout_s=20, what="an alert by whoever leads then")
    wait_until(lambda: first.log().count('"leading"') == 2, what="the lead was lost and taken again")
    assert first.running
    assert first.terminate() == 0
    writer.close()


def test_stopping_commits_the_position_and_ends_with_zero(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
    writer = Writer(url)
    process = start(lifeline, url, catalogue)
    process.wait_for_log('"leading"')
    last = 0
    for minute in range(50):
        last = writer.store((a, 60 * minute, 1))
    assert process.terminate(timeout_s=10) == 0
    assert position(url) <= last
    again = start(lifeline, url, catalogue)
    again.wait_for_log('"leading"')
    wait_until(lambda: position(url) == last, what="the rest")
    assert again.terminate(timeout_s=10) == 0
    writer.close()


def test_stopped_at_any_instant_of_its_start_it_ends_with_zero(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    never = threading.Event()
    for wait_s in (0, 0.1, 0.3, 0.5, 0.8, 1.1):
        process = start(lifeline, plain_database_url, catalogue)
        # The interpreter itself takes a moment before anything of ours runs.
        wait_until(partial(catches_sigterm, process.pid), what="it listens to signals")
        never.wait(wait_s)
        assert process.terminate(timeout_s=10) == 0, wait_s


def test_a_catalogue_that_cannot_be_used_ends_the_start_with_every_problem(
    plain_database_url: str, lifeline: Start, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text("rules:\n  - id: x\n", encoding="utf-8")
    process = start(lifeline, plain_database_url, tmp_path)
    assert process.wait() == 2
    assert "bad.yaml:2: rule x: rationalization: Field required: add it" in process.log()


def test_a_catalogue_is_exchanged_under_a_running_process_and_a_bad_one_ends_nothing(
    plain_database_url: str, lifeline: Start, catalogue: Path
) -> None:
    url = plain_database_url
    with connect(url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
    writer = Writer(url)
    process = start(lifeline, url, catalogue)
    process.wait_for_log('"leading"')
    good = (catalogue / "rules.yaml").read_text(encoding="utf-8")
    (catalogue / "rules.yaml").write_text(good.replace("hysteresis: 2", "hysteresis: -2"), encoding="utf-8")
    process.wait_for_log('"catalogue_refused"')
    status = lifeline("status", "--json", LIFELINE_DATABASE_URL=url)
    assert status.wait() == 1
    said = json.loads(status.output())
    assert any("the newest rule catalogue has been refused" in line for line in said["problems"])
    assert len(said["catalogue"]["problems"]) == 2
    writer.store((a, 0, 30))
    wait_until(lambda: len(events(url)) == 1, what="an alert by the last good catalogue")
    (catalogue / "rules.yaml").write_text(good.replace("limit: 50", "limit: 29"), encoding="utf-8")
    process.wait_for_log('"rules_reloaded"')
    writer.store((a, 60, 30))
    wait_until(lambda: len(events(url)) == 2, what="the new limit")
    assert events(url)[1][1:] == ("level_changed", 60.0, "red")
    assert process.terminate() == 0
    writer.close()


def test_an_unreachable_database_is_waited_for(lifeline: Start, catalogue: Path) -> None:
    process = start(lifeline, "postgresql://nobody@127.0.0.1:1/none", catalogue)
    process.wait_for_log("database_unavailable")
    assert process.running
    assert process.terminate(timeout_s=10) == 0
