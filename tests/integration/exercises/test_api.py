"""Over HTTP: nothing of an exercise unless asked for, and then nothing without its mark."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.database import connect
from tests.conftest import DATABASES
from tests.support.api import ApiServer
from tests.support.databases import DatabaseServer
from tests.support.exercising import exercise_in
from tests.support.seeding import seed_city

NOW = datetime.now(UTC)
#: What every id and every area of the exercise begins with.
TRACES = ("exercise-1-", "990000001104")
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@pytest.fixture(scope="module", params=DATABASES)
def api(request: pytest.FixtureRequest, database_servers: Callable[[str], DatabaseServer]) -> Iterator[ApiServer]:
    server = database_servers(request.param)
    url = server.fresh()
    seed_city(url, now=NOW)
    with connect(url, application="tests") as connection:
        exercise_in(connection, NOW)
    with ApiServer(url) as running:
        yield running
    server.release(url)


def items(api: ApiServer, path: str, **parameters: object) -> list[dict[str, Any]]:
    answer = api.client.get(path, params={name: str(value) for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("items", found.get("features")) or []


def paths(api: ApiServer) -> dict[str, dict[str, Any]]:
    """Every question without a name in its path."""
    document = api.client.get("/openapi.json").json()
    return {
        path: operations["get"]
        for path, operations in document["paths"].items()
        if "get" in operations and "{" not in path and path.startswith("/api/") and path != "/api/v1/stream"
    }


def takes_exercise(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "exercise" for parameter in operation.get("parameters", []))


def test_no_route_shows_anything_of_an_exercise_unless_asked(api: ApiServer) -> None:
    asked = paths(api)
    assert len(asked) > 15
    for path in asked:
        if path.startswith("/api/v1/exercises"):
            continue
        for query in ("", "?network=gas"):
            text = api.client.get(path + query).text
            assert not [trace for trace in TRACES if trace in text], path


def test_every_list_of_alerts_and_equipment_can_be_asked_for_exercises(api: ApiServer) -> None:
    choosing = {path for path, operation in paths(api).items() if takes_exercise(operation)}
    lists = {f"/api/v1/{name}" for name in ("alerts", "assets", "devices", "datastreams", "latest", "dead-letters")}
    assert choosing == lists | {"/api/v1/dead-letters/reasons"}
    for path in lists:
        real, only = items(api, path, limit=1000), items(api, path, exercise="only", limit=1000)
        both = items(api, path, exercise="include", limit=1000)
        assert real, path
        assert only, path
        assert {one["exercise"] for one in real} == {None}, path
        assert {one["exercise"] for one in only} == {1}, path
        assert len(both) == len(real) + len(only), path
        assert api.client.get(path, params={"exercise": "all"}).status_code == 422


def test_geojson_says_what_is_of_an_exercise(api: ApiServer) -> None:
    found = items(api, "/api/v1/assets", exercise="include", format="geojson", limit=1000)
    marks = {one["id"].startswith("exercise-1-"): one["properties"]["exercise"] for one in found}
    assert marks == {True: 1, False: None}


def test_every_description_of_an_alert_or_of_equipment_has_the_mark(api: ApiServer) -> None:
    models = api.client.get("/openapi.json").json()["components"]["schemas"]
    # Of what is answered; figures and windows leave exercises out or are real.
    carrying = {
        "AlertSummary", "AlertDetail", "AlertEvent", "Event", "Notification", "Explanation", "AssetSummary",
        "AssetDetail", "Device", "DeviceDetail", "Datastream", "Latest", "ObservationPage",
    }  # fmt: skip
    assert {name for name in carrying & models.keys() if "exercise" not in models[name]["properties"]} == set()
    assert carrying - models.keys() <= {"AlertEvent", "ObservationPage"}
    real = {"Incident", "AssetLoad", "Window", "Load", "StaleAlarm", "AlarmKpis"}
    for name, model in models.items():
        if "area" in model.get("properties", {}) and not name.endswith("Request") and name not in real:
            assert "exercise" in model["properties"], name


def test_one_alert_of_an_exercise_carries_the_mark_in_every_part(api: ApiServer) -> None:
    alert = items(api, "/api/v1/alerts", exercise="only", limit=1)[0]["id"]
    detail = api.client.get(f"/api/v1/alerts/{alert}").json()
    parts = [detail, *detail["events"], *detail["notifications"]]
    parts.append(api.client.get(f"/api/v1/alerts/{alert}/explanation").json())
    parts.append(api.client.post(f"/api/v1/alerts/{alert}/comments", json={"operator": "Li", "comment": "x"}).json())
    assert [part["exercise"] for part in parts] == [1] * len(parts)
    assert len(parts) >= 5
    assert detail["title_en"].startswith("EXERCISE – ")
    assert detail["title_zh"].startswith("【演练】")


@pytest.mark.parametrize(("wanted", "status", "notes"), [("only", "Exercise", 1), ("exclude", "Actual", 0)])
def test_cap_says_exercise_of_an_exercise_and_actual_of_what_is_real(
    api: ApiServer, wanted: str, status: str, notes: int
) -> None:
    alert = items(api, "/api/v1/alerts", exercise=wanted, limit=1)[0]["id"]
    answer = api.client.get(f"/api/v1/alerts/{alert}/cap")
    assert answer.headers["content-type"].startswith("application/cap+xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - our own answer
    assert root.findtext(f"{CAP}status") == status
    assert len(root.findall(f"{CAP}note")) == notes
    assert [info.findtext(f"{CAP}language") for info in root.findall(f"{CAP}info")] == ["zh-CN", "en"]
    order = ["identifier", "sender", "sent", "status", "msgType", "scope", "restriction", "note", "references", "info"]
    places = [order.index(child.tag.removeprefix(CAP)) for child in root]
    assert places == sorted(places)


@pytest.mark.parametrize(("wanted", "marks"), [("exclude", {None}), ("only", {1}), ("include", {None, 1})])
def test_the_stream_gives_what_was_asked_for(api: ApiServer, wanted: str, marks: set[int | None]) -> None:
    found = set()
    with api.client.stream("GET", f"/api/v1/stream?exercise={wanted}", headers={"Last-Event-ID": "0"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.add(json.loads(line[6:])["exercise"])
            if found == marks:
                break
    assert found == marks


def test_exercises_are_listed_and_reported_on(api: ApiServer) -> None:
    (found,) = items(api, "/api/v1/exercises")
    assert (found["id"], found["running"], found["scenario"]) == (1, True, "cabinet-open")
    report = api.client.get("/api/v1/exercises/1/report").json()
    assert report["exercise"]["id"] == 1
    assert report["alerts"] == len(items(api, "/api/v1/alerts", exercise="only", limit=1000))
    assert api.client.get("/api/v1/exercises/9/report").status_code == 404


def test_an_alert_is_escalated_to_somebody_above_and_people_are_told(api: ApiServer) -> None:
    (first,) = items(api, "/api/v1/alerts", open="true", limit=1)
    path = f"/api/v1/alerts/{first['id']}/escalate"
    answer = api.client.post(path, json={"operator": "王伟", "to": "值班领导", "note": "请派人"})
    assert answer.status_code == 200
    event = answer.json()["events"][-1]
    told = (event["event"], event["actor"], event["addressee"], event["comment"], event["told"], event["exercise"])
    assert told == ("escalated", "王伟", "值班领导", "请派人", True, None)
    over = items(api, "/api/v1/alerts", open="false", limit=1)[0]["id"]
    refused = api.client.post(f"/api/v1/alerts/{over}/escalate", json={"operator": "王伟", "to": "值班领导"})
    assert refused.status_code == 409
    assert api.client.post(path, json={"operator": "王伟"}).status_code == 422
