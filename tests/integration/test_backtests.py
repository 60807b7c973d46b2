"""Backtests as jobs: queued over the API, worked off by one runner, survived by whatever happens to it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.jobs import Runner
from rules.rule import Rule
from storage import backtests as store
from tests.integration.rules.city import City
from tests.support.api import ApiServer
from tests.support.rulebook import above, silence
from tests.support.waiting import wait_until

PERIOD = {"from": "2026-05-01T08:00:00+08:00", "to": "2026-05-01T09:00:00+08:00"}
METHANE = above("methane", hysteresis=2, yellow=20, red=50)


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        city = City(database_url, stack)
        a = city.streams["a"]
        city.writer.store(*[(a, minute * 60, 30.0 if minute % 20 == 10 else 12.0) for minute in range(60)])
        yield city


@pytest.fixture
def api(city: City) -> Iterator[ApiServer]:
    with ApiServer(city.url) as server:
        yield server


@pytest.fixture
def in_force(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(text_of(METHANE, silence("silent")), encoding="utf-8")
    return tmp_path


def text_of(*rules: Rule) -> str:
    data = [rule.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in rules]
    return str(yaml.safe_dump({"rules": data}, allow_unicode=True))


def runner(city: City, folder: Path, name: str = "one", orphaned: Callable[[], bool] = lambda: False) -> Runner:
    return Runner(city.url, folder, name=name, stop=threading.Event(), orphaned=orphaned)


def asked(api: ApiServer, **parameters: object) -> dict[str, Any]:
    answer = api.client.post("/api/v1/backtests", json=PERIOD | parameters)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/backtests/{answer.json()['id']}"
    return dict(answer.json())


def found(api: ApiServer, number: int) -> dict[str, Any]:
    return dict(api.client.get(f"/api/v1/backtests/{number}").json())


def test_a_proposal_is_compared_with_the_catalogue_in_force(city: City, api: ApiServer, in_force: Path) -> None:
    proposal = text_of(above("methane", hysteresis=2, yellow=40, red=50), above("early", blue=10))
    job = asked(api, rules=proposal)
    assert (job["state"], job["result"]) == ("queued", None)
    assert runner(city, in_force).work(city.connection)
    done = found(api, job["id"])
    assert (done["state"], done["progress"], done["error"]) == ("done", 1.0, None)
    result = done["result"]
    assert result["observations"] == 60
    assert (result["rules"], result["against"]["rules"]) == (3, 2)
    assert {alert["rule"] for alert in result["difference"]["lost"]} == {"methane"}
    assert {alert["rule"] for alert in result["difference"]["new"]} == {"early"}
    assert result["difference"]["lost_count"] == 3


def test_without_rules_the_catalogue_in_force_runs_alone(city: City, api: ApiServer, in_force: Path) -> None:
    job = asked(api)
    runner(city, in_force).work(city.connection)
    result = found(api, job["id"])["result"]
    assert [alert["rule"] for alert in result["alerts"]].count("methane") == 3
    assert "difference" not in result


def test_bad_rules_fail_with_every_problem_and_its_line(city: City, api: ApiServer, in_force: Path) -> None:
    job = asked(api, rules="rules:\n  - id: x\n  - id: y\n")
    runner(city, in_force).work(city.connection)
    done = found(api, job["id"])
    assert done["state"] == "failed"
    assert "request.yaml:2: rule x" in done["error"]
    assert "request.yaml:3: rule y" in done["error"]
    assert "lifeline-backtest-" not in done["error"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"from": PERIOD["to"], "to": PERIOD["from"]},
        {"to": "2027-05-01T08:00:00+08:00"},
        {"from": "2026-05-01T08:00:00"},
        {"rules": ""},
        {"rule": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(api: ApiServer, parameters: dict[str, str]) -> None:
    answer = api.client.post("/api/v1/backtests", json=PERIOD | parameters)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_so_many_may_wait(city: City, api: ApiServer) -> None:
    for _ in range(store.QUEUE):
        asked(api)
    answer = api.client.post("/api/v1/backtests", json=PERIOD)
    assert answer.status_code == 409


def test_they_are_listed_newest_first_in_pages(api: ApiServer) -> None:
    numbers = [asked(api)["id"] for _ in range(3)]
    page = api.client.get("/api/v1/backtests", params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == numbers[:0:-1]
    assert "result" not in page["items"][0]
    rest = api.client.get("/api/v1/backtests", params={"limit": 2, "cursor": page["next"]}).json()
    assert [one["id"] for one in rest["items"]] == numbers[:1]


def test_one_at_a_time_the_oldest_first(city: City, api: ApiServer) -> None:
    first, second = asked(api)["id"], asked(api)["id"]
    taken = store.claim(city.connection, runner="one")
    assert taken is not None
    assert taken.id == first
    assert store.claim(city.connection, runner="two") is None
    assert store.finish(city.connection, first, runner="one", result={})
    after = store.claim(city.connection, runner="two")
    assert after is not None
    assert after.id == second


def test_the_job_of_a_dead_runner_is_taken_by_another_and_the_dead_one_cannot_write(city: City, api: ApiServer) -> None:
    number = asked(api)["id"]
    assert store.claim(city.connection, runner="dead")
    again = store.claim(city.connection, runner="next", stale_s=0)
    assert again is not None
    assert again.id == number
    assert not store.advance(city.connection, number, runner="dead", progress=0.5)
    assert not store.finish(city.connection, number, runner="dead", result={})
    assert store.advance(city.connection, number, runner="next", progress=0.5)


def test_what_takes_every_runner_with_it_is_given_up(city: City, api: ApiServer) -> None:
    number = asked(api)["id"]
    for attempt in range(store.ATTEMPTS):
        assert store.claim(city.connection, runner=f"r{attempt}", stale_s=0)
    assert store.claim(city.connection, runner="last", stale_s=0) is None
    done = found(api, number)
    assert done["state"] == "failed"
    assert "given up after 3 attempts" in done["error"]


def test_a_runner_that_is_stopped_puts_its_job_back(city: City, api: ApiServer, in_force: Path) -> None:
    number = asked(api)["id"]
    assert runner(city, in_force, orphaned=lambda: True).work(city.connection)
    assert found(api, number)["state"] == "queued"
    assert runner(city, in_force, name="two").work(city.connection)
    assert found(api, number)["state"] == "done"


def test_a_job_that_was_taken_out_leaves_nothing(city: City, api: ApiServer, in_force: Path) -> None:
    number = asked(api)["id"]
    assert api.client.delete(f"/api/v1/backtests/{number}").status_code == 204
    assert api.client.get(f"/api/v1/backtests/{number}").status_code == 404
    assert api.client.delete(f"/api/v1/backtests/{number}").status_code == 404
    assert not runner(city, in_force).work(city.connection)


def test_a_runner_at_work_finds_what_is_queued_later(city: City, api: ApiServer, in_force: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Runner(city.url, in_force, name="one", stop=stop).run)
    thread.start()
    try:
        number = asked(api)["id"]
        wait_until(lambda: found(api, number)["state"] == "done", timeout_s=30, what="the backtest is done")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
