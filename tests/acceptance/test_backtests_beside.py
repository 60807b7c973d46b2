"""Backtests run beside the engine, in a process of low priority that comes and goes with it."""

from collections.abc import Callable

import psutil
import pytest

from storage import backtests
from storage.database import connect
from tests.support.processes import Lifeline
from tests.support.storing import Writer, register
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

PERIOD = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-01T01:00:00Z", "rules": None}


@pytest.fixture
def url(plain_database_url: str) -> str:
    """Methane once in an hour of history."""
    with connect(plain_database_url, application="tests") as connection:
        stream = register(connection, ["a"])["a"]
    writer = Writer(plain_database_url)
    writer.store(*[(stream, minute * 60, 60.0 if minute == 30 else 0.0) for minute in range(60)])
    writer.close()
    return plain_database_url


def runner_of(process: Lifeline) -> psutil.Process:
    def children() -> list[psutil.Process]:
        return [child for child in psutil.Process(process.pid).children() if "jobs" in child.cmdline()]

    wait_until(lambda: bool(children()), timeout_s=20, what="the runner is started")
    return children()[0]


def asked(url: str) -> int:
    with connect(url, application="tests") as connection:
        number = backtests.request(connection, requested_by="li", parameters=PERIOD)
    assert number is not None
    return number


def finished(url: str, number: int) -> backtests.Backtest:
    def done() -> bool:
        with connect(url, application="tests") as connection:
            found = backtests.backtest(connection, number)
        return found is not None and found.state in {"done", "failed"}

    wait_until(done, timeout_s=60, what=f"backtest {number} is over")
    with connect(url, application="tests") as connection:
        found = backtests.backtest(connection, number)
    assert found is not None
    return found


def test_a_job_is_done_beside_the_engine_at_the_lowest_priority_and_the_runner_ends_with_it(
    url: str, lifeline: Callable[..., Lifeline]
) -> None:
    number = asked(url)
    engine = lifeline("rules", "run", LIFELINE_DATABASE_URL=url)
    runner = runner_of(engine)
    found = finished(url, number)
    assert found.error is None
    assert found.result is not None
    assert [alert["rule"] for alert in found.result["alerts"]].count("gas-methane-in-chamber") == 1
    assert runner.nice() == 19
    assert engine.terminate() == 0
    assert not runner.is_running()


def gone(runner: psutil.Process) -> bool:
    return not runner.is_running() or runner.status() == psutil.STATUS_ZOMBIE


def test_a_runner_whose_engine_is_killed_ends_by_itself(url: str, lifeline: Callable[..., Lifeline]) -> None:
    engine = lifeline("rules", "run", LIFELINE_DATABASE_URL=url)
    runner = runner_of(engine)
    finished(url, asked(url))
    engine.kill()
    wait_until(lambda: gone(runner), timeout_s=10, what="the runner has ended")


def test_a_runner_whose_engine_is_killed_before_it_was_up_ends_too(url: str, lifeline: Callable[..., Lifeline]) -> None:
    engine = lifeline("rules", "run", LIFELINE_DATABASE_URL=url)
    runner = runner_of(engine)
    runner.suspend()
    engine.kill()
    runner.resume()
    wait_until(lambda: gone(runner), timeout_s=30, what="the runner has ended")


def test_the_engine_goes_on_when_its_runner_dies_and_gets_another(url: str, lifeline: Callable[..., Lifeline]) -> None:
    engine = lifeline("rules", "run", LIFELINE_DATABASE_URL=url)
    first = runner_of(engine)
    first.kill()
    wait_until(lambda: not first.is_running(), timeout_s=10, what="the runner is gone")
    assert runner_of(engine).pid != first.pid
    assert finished(url, asked(url)).state == "done"
    assert engine.running
