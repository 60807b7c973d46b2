"""KPIs over HTTP: the figures of a seeded city, judged."""

from datetime import timedelta

import pytest

from domain.kpi_names import ALARM_NAMES, INCIDENT_NAMES
from tests.integration.api.conftest import City


def test_alarm_health_names_every_kpi_with_its_target_and_verdict(standing_city: City) -> None:
    found = standing_city.client.get("/api/v1/kpis/alarms").json()
    kpis = {kpi["name"]: kpi for kpi in found["kpis"]}
    assert list(kpis) == list(ALARM_NAMES)
    assert kpis["alarms"]["value"] == 10
    assert kpis["rate"]["value"] == pytest.approx(10 / 720)
    assert (kpis["rate"]["target"], kpis["rate"]["verdict"]) == ("<= 6, at most 12", "good")
    assert (kpis["level_red"]["value"], kpis["level_red"]["verdict"]) == (40, "bad")
    assert kpis["window"]["value"] == 30
    assert kpis["unacknowledged"]["value"] == 5
    assert kpis["clear_median"]["value"] == 300
    assert [part["name"] for part in found["networks"]] == ["drainage", "gas", "lighting", "manhole", "water"]
    assert sum(part["alarms"] for part in found["top"]) == 10
    assert sum(band["intervals"] for band in found["distribution"]) in {4320, 4321}


def test_alarm_health_of_a_part_of_the_city(standing_city: City) -> None:
    def alarms(**asked: str) -> float:
        found = standing_city.client.get("/api/v1/kpis/alarms", params=asked).json()
        return float(next(kpi["value"] for kpi in found["kpis"] if kpi["name"] == "alarms"))

    assert alarms(network="gas") == 2
    assert alarms(area="34") == 10
    assert alarms(area="35") == 0
    assert alarms(position="Nobody") == 0
    an_hour_ago = (standing_city.seeded.now - timedelta(hours=1)).isoformat()
    assert alarms(**{"from": an_hour_ago}) == 5
    assert alarms(to=an_hour_ago) == 5


def test_resilience_tells_of_incidents_and_districts(standing_city: City) -> None:
    found = standing_city.client.get("/api/v1/kpis/resilience", params={"network": "gas"}).json()
    kpis = {kpi["name"]: kpi["value"] for kpi in found["kpis"]}
    assert [*kpis, "availability"] == list(INCIDENT_NAMES)
    assert (kpis["incidents"], kpis["not_restored"], kpis["not_acknowledged"]) == (2, 1, 2)
    assert kpis["restore_median"] == 300
    assert [i["restored_s"] for i in found["incidents"]] == [None, 300]
    # Registered now, but heard before: two for three hours up to now, one for three hours a day ago.
    district = found["availability"][0]
    assert (district["district"], district["devices"], district["verdict"]) == ("340104", 3, "bad")
    assert district["share"] == pytest.approx(9 / 33, abs=0.01)
    assert found["assets"][0] == {
        "asset": "gas-a1", "network": "gas", "area": "340104", "alarms": 2, "between_s": pytest.approx(15 * 86_400),
    }  # fmt: skip


def test_a_range_that_is_too_long_is_refused(standing_city: City) -> None:
    asked = {"from": "2024-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    for path in ("alarms", "resilience"):
        answer = standing_city.client.get(f"/api/v1/kpis/{path}", params=asked)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "long-range")


def test_limits_are_shown_with_their_sources(standing_city: City) -> None:
    items = {item["name"]: item for item in standing_city.client.get("/api/v1/kpis/limits").json()["items"]}
    assert (items["rate.acceptable"]["value"], items["rate.acceptable"]["evidence"]) == (6, "secondary")
    assert all(item["source"] and item["value"] == item["preset"] for item in items.values())
