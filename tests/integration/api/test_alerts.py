from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.integration.api.conftest import City
from tests.integration.api.pages import walk
from tests.support.waiting import wait_until


def _open(city: City, network: str = "gas") -> int:
    items = city.client.get("/api/v1/alerts", params={"network": network, "open": True}).json()["items"]
    assert len(items) == 1
    return int(items[0]["id"])


def test_alerts_come_newest_first_and_each_once(city: City) -> None:
    items = walk(city.client, "/api/v1/alerts", limit=3)
    assert len({a["id"] for a in items}) == len(items) == 10
    raised = [a["raised_at"] for a in items]
    assert raised == sorted(raised, reverse=True)


def test_alerts_raised_at_one_instant_are_paged_without_loss(city: City) -> None:
    with psycopg.connect(city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("UPDATE alerts SET raised_at = '2026-01-01T00:00:00Z'")
    ids = [a["id"] for a in walk(city.client, "/api/v1/alerts", limit=1)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 10


def test_alerts_are_found_by_every_filter(city: City) -> None:
    def count(**query: object) -> int:
        return len(walk(city.client, "/api/v1/alerts", **query))

    assert count(state="active") == count(open=True) == count(acknowledged=False) == 5
    assert count(state="returned", open=False) == 5
    assert count(level="red") == 4
    assert count(level=["red", "blue"]) == 6
    assert count(network="gas") == count(asset="gas-a1") == count(device="gas-d1") == count(rule="gas.seeded") == 2
    assert count(area="3401") == 10
    assert count(area="11") == count(kind="equipment") == 0
    before = city.client.get("/api/v1/alerts", params={"network": "gas"}).json()["items"][-1]
    assert count(network="gas", to=before["raised_at"]) == 0
    assert count(network="gas", **{"from": before["raised_at"], "state": "returned"}) == 1


def test_an_alert_comes_with_its_history_and_who_was_told(city: City) -> None:
    found = city.client.get(f"/api/v1/alerts/{_open(city)}").json()
    assert [e["event"] for e in found["events"]] == ["raised"]
    assert [(n["channel"], n["state"]) for n in found["notifications"]] == [("duty", "pending")]
    assert found["title_zh"] == "gas报警"
    assert (found["value"], found["threshold"]) == (26, 25)


def test_an_alert_is_acknowledged_once_whoever_asks_how_often(city: City) -> None:
    path = f"/api/v1/alerts/{_open(city)}"
    first = city.client.post(f"{path}/acknowledge", json={"operator": "王伟", "comment": "巡检员已出发"})
    assert first.status_code == 200
    assert first.json()["acknowledged_by"] == "王伟"
    assert first.json()["open"] is True
    again = city.client.post(f"{path}/acknowledge", json={"operator": "王伟", "comment": "again"})
    assert again.json() == first.json()
    other = city.client.post(f"{path}/acknowledge", json={"operator": "李娜"})
    assert other.status_code == 409
    assert other.json()["acknowledged_by"] == "王伟"
    events = city.client.get(path).json()["events"]
    assert [(e["event"], e["actor"], e["comment"]) for e in events] == [
        ("raised", None, None),
        ("acknowledged", "王伟", "巡检员已出发"),
    ]


def test_a_returned_alert_is_over_once_acknowledged(city: City) -> None:
    id_ = _open(city)
    with psycopg.connect(city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("UPDATE alerts SET state = 'returned', cleared_at = now() WHERE id = %s", (id_,))
    found = city.client.post(f"/api/v1/alerts/{id_}/acknowledge", json={"operator": "王伟"}).json()
    assert found["open"] is False


def test_of_operators_at_the_same_moment_one_wins_and_the_history_has_one_event(plain_city: City) -> None:
    path = f"/api/v1/alerts/{_open(plain_city)}/acknowledge"

    def ask(number: int) -> int:
        return plain_city.client.post(path, json={"operator": f"operator {number}"}).status_code

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with (
        ThreadPoolExecutor(3) as threads,
        psycopg.connect(plain_city.database_url) as lock,
        psycopg.connect(plain_city.database_url, autocommit=True) as watch,
    ):
        lock.execute("SELECT FROM alerts FOR UPDATE")
        asked = [threads.submit(ask, number) for number in range(3)]
        wait_until(lambda: watch.execute(waiting).fetchall()[0][0] == 3, what="all three have begun")
        lock.rollback()
        statuses = sorted(one.result(10) for one in asked)
    assert statuses == [200, 409, 409]
    events = plain_city.client.get(path.removesuffix("/acknowledge")).json()["events"]
    assert [e["event"] for e in events].count("acknowledged") == 1


def test_an_acknowledgement_waits_for_a_rule_that_writes_to_the_same_alert(plain_city: City) -> None:
    id_ = _open(plain_city)
    with ThreadPoolExecutor(1) as thread, psycopg.connect(plain_city.database_url) as rules:
        rules.execute("UPDATE alerts SET level = 'orange' WHERE id = %s", (id_,))
        asked = thread.submit(plain_city.client.post, f"/api/v1/alerts/{id_}/acknowledge", json={"operator": "王伟"})
        rules.commit()
        found = asked.result(10).json()
    assert (found["level"], found["acknowledged"]) == ("orange", True)
    assert found["events"][-1]["level"] == "orange"


def test_comments_join_the_history(city: City) -> None:
    path = f"/api/v1/alerts/{_open(city)}"
    answer = city.client.post(f"{path}/comments", json={"operator": "李娜", "comment": "阀门已关闭\n等待复核"})
    assert answer.status_code == 201
    event = answer.json()
    assert (event["event"], event["actor"], event["comment"]) == ("commented", "李娜", "阀门已关闭\n等待复核")
    assert city.client.get(path).json()["events"][-1] == event


def test_nobody_acts_on_an_alert_that_does_not_exist(plain_city: City) -> None:
    body = {"operator": "王伟", "comment": "x"}
    assert plain_city.client.post("/api/v1/alerts/999999/acknowledge", json=body).status_code == 404
    assert plain_city.client.post("/api/v1/alerts/999999/comments", json=body).status_code == 404
