import base64

import psycopg

from tests.integration.api.conftest import City
from tests.integration.api.pages import walk


def test_dead_letters_are_paged_newest_first_and_found_by_reason(city: City) -> None:
    items = walk(city.client, "/api/v1/dead-letters", limit=2)
    assert [d["id"] for d in items] == sorted((d["id"] for d in items), reverse=True)
    assert len(items) == 4
    assert len(walk(city.client, "/api/v1/dead-letters", reason="unknown_device")) == 1


def test_reasons_are_counted_and_explained(city: City) -> None:
    items = city.client.get("/api/v1/dead-letters/reasons").json()["items"]
    assert [(r["reason"], r["count"]) for r in items] == [("bad_json", 3), ("unknown_device", 1)]
    assert items[0]["help"] == "the payload is empty or not JSON"


def test_a_dead_letter_gives_back_the_very_bytes_that_came(city: City) -> None:
    payload = bytes(range(256))
    with psycopg.connect(city.database_url, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute(
            "INSERT INTO dead_letters (partition, topic, reason, detail, payload) "
            "VALUES ('all', 't', 'bad_encoding', 'd', %s) RETURNING id",
            (payload,),
        ).fetchone()
    assert row is not None
    found = city.client.get(f"/api/v1/dead-letters/{row[0]}").json()
    assert base64.b64decode(found["payload_base64"]) == payload
    assert found["size"] == 256


def test_ingest_says_whether_its_counters_balance_and_who_is_behind(city: City) -> None:
    with psycopg.connect(city.database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "INSERT INTO ingest_partitions (partition, seq, messages, received, stored, duplicates, connected, "
            "caught_up_at) VALUES ('all', 3, 5, 10, 9, 1, true, now()), ('3301', 0, 1, 2, 1, 0, false, NULL)"
        )
        connection.execute(
            "INSERT INTO journal (partition, seq, stored_at, datastreams, times, values, qualities) "
            "SELECT 'all', n, now() - INTERVAL '5 seconds', '{}', '{}', '{}', '{}' FROM generate_series(1, 3) n"
        )
        connection.execute("INSERT INTO journal_positions (follower, partition, seq) VALUES ('rules', 'all', 1)")
    found = city.client.get("/api/v1/ingest").json()
    partitions = {p["partition"]: p for p in found["partitions"]}
    assert partitions["all"]["balanced"] is True
    assert partitions["all"]["lag_s"] < 60
    assert partitions["3301"]["balanced"] is False
    assert partitions["3301"]["lag_s"] is None
    follower = found["followers"][0]
    assert (follower["follower"], follower["behind"]) == ("rules", 2)
    assert 5 <= follower["lag_s"] < 60


def test_health_readiness_and_metrics_answer(city: City) -> None:
    assert city.client.get("/healthz").json() == {"status": "alive"}
    assert city.client.get("/readyz").json() == {"ready": True, "problems": {}}
    city.client.get("/api/v1/assets/gas-a1")
    text = city.client.get("/metrics").text
    assert 'lifeline_api_requests_total{route="/api/v1/assets/{id}",status="200"}' in text
    assert "gas-a1" not in text


def test_the_documentation_needs_nothing_from_elsewhere(plain_city: City) -> None:
    answer = plain_city.client.get("/docs")
    assert answer.status_code == 200
    assert "/api/v1/alerts/{id}/acknowledge" in answer.text
    assert "src=" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
