"""What operators do to alerts over the API, beyond acknowledging them; and why an alert is what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from domain.access import Role
from domain.times import isoformat, now_micros
from storage import tokens
from storage.database import connect
from storage.lifecycle import sweep
from tests.support.api import ApiServer
from tests.support.history import SECOND, Ledger, change, inhibition, revision

ALERT = "/api/v1/alerts/1"
WINDOWS = "/api/v1/maintenance-windows"
LONGEST_S = 3600


@dataclass(frozen=True)
class Desk:
    """An API, and the rules that write beside it."""

    client: httpx.Client
    ledger: Ledger

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.client.post(path, json={"operator": "王伟"} | body)

    def alert(self, id_: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/api/v1/alerts/{id_}").json()
        return found

    def ids(self, **query: object) -> list[int]:
        items = self.client.get("/api/v1/alerts", params=query).json()["items"]  # type: ignore[arg-type]
        return sorted(item["id"] for item in items)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with (
        ApiServer(database_url, shelve_max_s=LONGEST_S) as server,
        connect(database_url, application="tests") as connection,
    ):
        yield Desk(server.client, Ledger(connection))


def instant(seconds: float) -> str:
    return isoformat(now_micros() + int(seconds * SECOND))


def refused(answer: httpx.Response, status: int, kind: str) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == f"urn:city-lifeline:problem:{kind}"
    return str(body["detail"])


class TestShelving:
    def test_a_shelved_alert_says_who_why_and_until_when(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        answer = desk.post(f"{ALERT}/shelve", reason="传感器待更换", duration_s=600)
        assert answer.status_code == 200
        found = answer.json()
        assert (found["alarm_state"], found["open"]) == ("shelved", True)
        shelving = found["shelving"]
        assert (shelving["mode"], shelving["reason"], shelving["by"]) == ("timed", "传感器待更换", "王伟")
        assert [(e["event"], e["actor"], e["comment"]) for e in found["events"]][1:] == [
            ("shelved", "王伟", "传感器待更换")
        ]
        assert found == desk.alert()

    def test_it_is_announced_again_when_it_runs_out(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        desk.post(f"{ALERT}/shelve", reason="r", duration_s=600)
        sweep(desk.ledger.connection, now_micros() + 601 * SECOND)
        found = desk.alert()
        assert (found["alarm_state"], found["shelving"]) == ("unacknowledged", None)
        assert [(e["event"], e["actor"], e["told"]) for e in found["events"]][-1] == ("unshelved", None, True)

    def test_the_longest_time_is_enforced(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        answer = desk.post(f"{ALERT}/shelve", reason="r", duration_s=LONGEST_S + 1)
        assert "At most 3600 s" in refused(answer, 422, "shelved-too-long")
        assert answer.json()["maximum_s"] == LONGEST_S
        assert desk.alert()["alarm_state"] == "unacknowledged"
        assert desk.post(f"{ALERT}/shelve", reason="r", duration_s=LONGEST_S).status_code == 200

    def test_one_shot_is_limited_too(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        assert desk.post(f"{ALERT}/shelve", reason="r", mode="one_shot").status_code == 200
        sweep(desk.ledger.connection, now_micros() + (LONGEST_S + 1) * SECOND)
        assert desk.alert()["alarm_state"] == "unacknowledged"

    def test_a_reason_and_a_duration_are_needed(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        refused(desk.post(f"{ALERT}/shelve", duration_s=600), 422, "invalid-request")
        refused(desk.post(f"{ALERT}/shelve", duration_s=600, reason="  "), 422, "invalid-request")
        refused(desk.post(f"{ALERT}/shelve", reason="r"), 422, "duration-missing")

    def test_what_the_state_does_not_allow_is_refused_with_the_reason(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        assert "not shelved" in refused(desk.post(f"{ALERT}/unshelve"), 409, "not-allowed-now")
        desk.post(f"{ALERT}/shelve", reason="r", duration_s=600)
        again = desk.post(f"{ALERT}/shelve", reason="r", duration_s=600)
        assert "already" in refused(again, 409, "not-allowed-now")
        assert again.json()["alarm_state"] == "shelved"
        assert desk.post(f"{ALERT}/unshelve", comment="done").json()["alarm_state"] == "unacknowledged"
        desk.ledger.write(change("cleared", 20))
        desk.post(f"{ALERT}/acknowledge")
        assert "over" in refused(desk.post(f"{ALERT}/shelve", reason="r", duration_s=600), 409, "not-allowed-now")


def test_a_latched_alert_is_reset_once_it_is_over_and_taken(desk: Desk) -> None:
    desk.ledger.write(change("raised", 10, latching=True))
    assert "still holds" in refused(desk.post(f"{ALERT}/reset"), 409, "not-allowed-now")
    desk.ledger.write(change("cleared", 20))
    assert "acknowledge it first" in refused(desk.post(f"{ALERT}/reset"), 409, "not-allowed-now")
    assert desk.post(f"{ALERT}/acknowledge").json()["open"] is True
    found = desk.post(f"{ALERT}/reset", comment="阀门已更换").json()
    assert (found["open"], found["latched"], found["alarm_state"]) == (False, False, "normal")
    assert found["events"][-1]["event"] == "reset"


def test_a_device_is_taken_out_of_service_and_returned(desk: Desk) -> None:
    desk.ledger.write(change("raised", 10))
    found = desk.post(f"{ALERT}/out-of-service", reason="已拆除", scope="device").json()
    assert (found["alarm_state"], found["out_of_service"]) == ("out_of_service", True)
    refused(desk.post(f"{ALERT}/out-of-service", reason="r"), 409, "not-allowed-now")
    refused(desk.post(f"{ALERT}/shelve", reason="r", duration_s=60), 409, "not-allowed-now")
    desk.ledger.write(change("raised", 12, rule="other"))
    assert desk.alert(2)["announced"] is False
    assert desk.post(f"{ALERT}/in-service").json()["alarm_state"] == "unacknowledged"
    assert desk.ledger.told() == ["raised", "in_service", "in_service"]
    refused(desk.post(f"{ALERT}/in-service"), 409, "not-allowed-now")


class TestMaintenance:
    def test_a_window_covers_alerts_until_it_is_cancelled(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        made = desk.post(WINDOWS, reason="换泵", area="5301", starts_at=instant(-60), ends_at=instant(600))
        assert made.status_code == 201
        window = made.json()
        assert (window["in_force"], window["by"], window["area"]) == (True, "王伟", "5301")
        assert (desk.alert()["alarm_state"], desk.alert()["maintenance_window"]) == ("suppressed", window["id"])
        assert desk.client.get(WINDOWS).json()["items"] == [window]
        path = f"{WINDOWS}/{window['id']}"
        cancelled = desk.client.delete(path, params={"operator": "李娜"}).json()
        assert (cancelled["cancelled_by"], cancelled["in_force"]) == ("李娜", False)
        assert desk.alert()["alarm_state"] == "unacknowledged"
        refused(desk.client.delete(path, params={"operator": "李娜"}), 409, "window-over")
        assert desk.client.get(WINDOWS).json()["items"] == []
        assert desk.client.get(WINDOWS, params={"past": True}).json()["items"] == [cancelled]

    def test_a_window_needs_a_scope_a_length_and_a_future(self, desk: Desk) -> None:
        times = {"starts_at": instant(60), "ends_at": instant(600)}
        refused(desk.post(WINDOWS, reason="r", **times), 422, "no-scope")
        backwards = {"starts_at": times["ends_at"], "ends_at": times["starts_at"]}
        refused(desk.post(WINDOWS, reason="r", network="gas", **backwards), 422, "empty-range")
        past = {"starts_at": instant(-600), "ends_at": instant(-60)}
        refused(desk.post(WINDOWS, reason="r", network="gas", **past), 422, "empty-range")
        assert desk.client.get(WINDOWS, params={"past": True}).json()["items"] == []

    def test_windows_are_paged_newest_first(self, desk: Desk) -> None:
        for number in range(5):
            desk.post(WINDOWS, reason=str(number), rule="r", starts_at=instant(60), ends_at=instant(600))
        first = desk.client.get(WINDOWS, params={"limit": 3}).json()
        second = desk.client.get(WINDOWS, params={"limit": 3, "cursor": first["next"]}).json()
        assert [w["reason"] for w in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
        assert second["next"] is None


def test_alerts_are_found_by_what_holds_them_back(desk: Desk) -> None:
    desk.ledger.write(*(change("raised", n, rule=f"r{n}") for n in range(1, 6)))
    desk.ledger.write(
        change("raised", 6, rule="gone"), change("raised", 7, rule="day", class_="condition"),
        restraints=[inhibition(8, ("r1", "device:d1"), rule="r2")],
    )  # fmt: skip
    desk.ledger.write(revisions=[revision(0, [], rule="gone")])
    desk.post("/api/v1/alerts/3/shelve", reason="r", duration_s=60)
    desk.post("/api/v1/alerts/4/acknowledge")
    assert desk.ids() == [1, 2, 3, 4, 5, 6]
    assert desk.ids(held_back=True) == [2, 3]
    assert desk.ids(alarm_state="suppressed") == desk.ids(cause=1) == [2]
    assert desk.ids(alarm_state="shelved") == [3]
    assert desk.ids(alarm_state="acknowledged") == [4]
    assert desk.ids(alarm_state="unacknowledged") == [1, 5]
    assert desk.ids(withdrawn=True) == [6]
    assert desk.ids(**{"class": "condition"}) == [7]
    assert desk.ids(**{"class": "warning"}) == []


DEFINITION = {
    "id": "r",
    "condition": {"above": {"yellow": {"limit": 20, "evidence": "secondary", "standard": "GB/T 50493"}}},
    "title": {"en": "Methane in {asset_en}", "zh": "{asset_zh}内甲烷超限"},
    "rationalization": {
        "cause": {"en": "a leak", "zh": "泄漏"},
        "consequence": {"en": "explosion", "zh": "爆炸"},
        "operator_action": {"en": "ventilate", "zh": "通风"},
        "response_time_s": 900,
        "owner": {"en": "gas desk", "zh": "燃气调度"},
    },
}


class TestExplanation:
    def test_it_says_which_readings_which_limit_since_when_and_what_to_do(self, desk: Desk) -> None:
        put_rule(desk, DEFINITION)
        desk.ledger.write(change("raised", 10))
        found = desk.client.get(f"{ALERT}/explanation").json()
        assert [(f["device"], f["value"], f["threshold"], f["relation"]) for f in found["facts"]] == [
            ("d1", 10.0, 1.0, "above")
        ]
        assert found["since"] == "2026-05-01T00:00:10.000Z"
        assert found["grounds"] == {"evidence": "secondary", "standard": "GB/T 50493", "clause": None, "note": None}
        assert found["what_to_do"]["operator_action"] == {"en": "ventilate", "zh": "通风"}
        assert (found["held_back_by"], found["cause"], found["explains"]) == ([], None, 0)

    def test_it_says_what_explains_it_and_what_it_explains(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 1, rule="cause"))
        desk.ledger.write(change("raised", 10), restraints=[inhibition(10, ("cause", "device:d1"))])
        explained = desk.client.get("/api/v1/alerts/2/explanation").json()
        assert (explained["cause"]["id"], explained["held_back_by"]) == (1, ["inhibited"])
        assert desk.client.get(f"{ALERT}/explanation").json()["explains"] == 1

    def test_it_is_there_without_a_catalogue_and_whatever_stands_in_one(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        found = desk.client.get(f"{ALERT}/explanation").json()
        assert (found["what_to_do"], found["grounds"], found["corrected"]) == (None, None, False)
        for odd in ({}, {"condition": [1, {"yellow": {"evidence": 7}}], "rationalization": "x"}):
            put_rule(desk, odd)
            assert desk.client.get(f"{ALERT}/explanation").json()["what_to_do"] is None

    def test_it_says_that_late_readings_changed_it(self, desk: Desk) -> None:
        desk.ledger.write(change("raised", 10))
        desk.ledger.write(revisions=[revision(5, [("raised", 6, "red")])])
        assert desk.client.get(f"{ALERT}/explanation").json()["corrected"] is True
        assert [(e["event"], e["withdraws"], e["late"]) for e in desk.alert()["events"]] == [
            ("raised", None, False),
            ("withdrawn", 1, True),
            ("raised", None, True),
        ]


def put_rule(desk: Desk, definition: dict[str, Any]) -> None:
    desk.ledger.connection.execute(
        "INSERT INTO rules (id, kind, class, network, definition, digest)"
        " VALUES ('r', 'safety', 'alarm', 'gas', %s, 'd')"
        " ON CONFLICT (id) DO UPDATE SET definition = excluded.definition",
        (Jsonb(definition),),
    )


def test_rules_and_their_health_are_read(desk: Desk) -> None:
    rules = "/api/v1/rules"
    assert desk.client.get(rules).json() == {"items": [], "next": None}
    assert desk.client.get(f"{rules}/health").json()["items"] == []
    put_rule(desk, DEFINITION)
    desk.ledger.connection.execute(
        "INSERT INTO rule_health (rule, evaluated_at, failures, last_error, active, subjects)"
        " VALUES ('r', now(), 2, 'boom', 1, 30)"
    )
    desk.ledger.connection.execute("UPDATE catalogue_state SET digest = 'd', problems = '[\"gas.yaml:3: bad\"]'")
    (summary,) = desk.client.get(rules, params={"network": "gas", "kind": "safety", "class": "alarm"}).json()["items"]
    assert (summary["id"], summary["title"]["zh"], summary["rule_class"]) == ("r", "{asset_zh}内甲烷超限", "alarm")
    assert desk.client.get(rules, params={"network": "water"}).json()["items"] == []
    found = desk.client.get(f"{rules}/r").json()
    assert found["definition"] == DEFINITION
    assert (found["rationalization"]["response_time_s"], found["health"]["last_error"]) == (900, "boom")
    health = desk.client.get(f"{rules}/health").json()
    assert (health["digest"], health["problems"], health["items"][0]["failures"]) == ("d", ["gas.yaml:3: bad"], 2)
    assert desk.client.get(f"{rules}/none").status_code == 404


ACTIONS: dict[str, tuple[Role, dict[str, object]]] = {
    "acknowledge": (Role.OPERATOR, {}),
    "shelve": (Role.OPERATOR, {"reason": "r", "duration_s": 60}),
    "unshelve": (Role.OPERATOR, {}),
    "reset": (Role.OPERATOR, {}),
    "out-of-service": (Role.ADMIN, {"reason": "r"}),
    "in-service": (Role.ADMIN, {}),
}


def test_each_action_needs_its_role(plain_database_url: str) -> None:
    with connect(plain_database_url, application="tests") as connection:
        Ledger(connection).write(change("raised", 10))
        headers = {
            role: {"Authorization": f"Bearer {tokens.add(connection, role.value, role, valid_s=None)}"} for role in Role
        }
    window: dict[str, object] = {"reason": "r", "network": "gas", "starts_at": instant(60), "ends_at": instant(600)}
    asked: list[tuple[str, Role, dict[str, object]]] = [
        (f"{ALERT}/{name}", needed, body) for name, (needed, body) in ACTIONS.items()
    ]
    with ApiServer(plain_database_url) as server:
        for path, needed, body in [*asked, (WINDOWS, Role.ADMIN, window)]:
            for role in Role:
                status = server.client.post(path, json={"operator": "o"} | body, headers=headers[role]).status_code
                assert (status == 403) is not role.includes(needed), (path, role)
        path, query = f"{WINDOWS}/1", {"operator": "o"}
        assert server.client.delete(path, params=query, headers=headers[Role.OPERATOR]).status_code == 403
        assert server.client.delete(path, params=query, headers=headers[Role.ADMIN]).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_acts_on_an_alert_that_does_not_exist(plain_database_url: str, action: str) -> None:
    with ApiServer(plain_database_url) as server:
        body = {"operator": "o"} | ACTIONS[action][1]
        assert server.client.post(f"/api/v1/alerts/99/{action}", json=body).status_code == 404
        assert server.client.get("/api/v1/alerts/99/explanation").status_code == 404
