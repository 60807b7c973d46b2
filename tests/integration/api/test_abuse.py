import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest

from tests.integration.api.conftest import City
from tests.support.api import ApiServer
from tests.support.waiting import wait_until

OBSERVATIONS = "/api/v1/datastreams/1/observations"


def _is_problem(answer: Any, status: int) -> None:  # noqa: ANN401
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:city-lifeline:problem:")
    assert "Traceback" not in answer.text
    assert "psycopg" not in answer.text


def test_what_cannot_be_meant_is_answered_with_a_problem_never_with_an_error(plain_standing_city: City) -> None:
    long = "x" * 5000
    for path in (
        f"{OBSERVATIONS}?limit=1000000000",
        f"{OBSERVATIONS}?limit=0",
        f"{OBSERVATIONS}?limit={'9' * 5000}",
        f"{OBSERVATIONS}?from=2016-01-01T00:00:00Z",
        f"{OBSERVATIONS}?from=-infinity",
        f"{OBSERVATIONS}?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z",
        f"{OBSERVATIONS}?bucket=1y",
        f"{OBSERVATIONS}?cursor=%00",
        f"{OBSERVATIONS}?cursor={long}",
        "/api/v1/datastreams/2147483648",
        "/api/v1/datastreams/0",
        "/api/v1/datastreams/1e3",
        "/api/v1/alerts/9223372036854775808",
        "/api/v1/alerts?limit=-1",
        "/api/v1/alerts?level=purple",
        "/api/v1/alerts?network=gas%00",
        "/api/v1/alerts?network=gas'%20OR%20'1'='1",
        "/api/v1/alerts?area=%25",
        "/api/v1/alerts?open=perhaps",
        "/api/v1/assets/%00",
        "/api/v1/assets/%F0%28%8C%28",
        "/api/v1/assets?bbox=1,2,3",
        "/api/v1/assets?bbox=nan,nan,nan,nan",
        "/api/v1/latest?cursor=bm90IGpzb24",
        "/api/v1/dead-letters?reason=none",
        "/api/v1/stream?datastreams=1,,2",
        "/api/v1/stream?datastreams=9999999999",
        "/api/v1/stream?alerts=false",
    ):
        _is_problem(plain_standing_city.client.get(path), 422)


def test_unknown_paths_and_methods_are_problems_too(plain_standing_city: City) -> None:
    _is_problem(plain_standing_city.client.get("/api/v1/nothing"), 404)
    refused = plain_standing_city.client.delete("/api/v1/alerts")
    _is_problem(refused, 405)
    assert refused.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"operator": "a", "extra": 1}',
        b'{"operator": ""}',
        b'{"operator": "   "}',
        b'{"operator": "a\\u0000b"}',
        b'{"operator": "a\\nb"}',
        b'{"operator": "\\ud800"}',
        b'{"operator": 7}',
        b'{"operator": "' + b"x" * 101 + b'"}',
        b'{"operator": "a", "comment": "\\u0000"}',
        b'{"operator": "a", "comment": "' + b"x" * 2001 + b'"}',
        b"[" * 30_000,
    ],
)
def test_a_body_that_cannot_be_used_is_a_problem(plain_standing_city: City, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = plain_standing_city.client.post("/api/v1/alerts/1/acknowledge", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    _is_problem(answer, answer.status_code)


def test_a_body_too_large_is_refused_with_and_without_a_declared_length(plain_standing_city: City) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"operator": "' + b"x" * 100_000 + b'"}'
    declared = plain_standing_city.client.post("/api/v1/alerts/1/acknowledge", content=body, headers=headers)
    _is_problem(declared, 413)
    pieces = (body[i : i + 10_000] for i in range(0, len(body), 10_000))
    undeclared = plain_standing_city.client.post("/api/v1/alerts/1/acknowledge", content=pieces, headers=headers)
    _is_problem(undeclared, 413)


def test_every_answer_carries_the_security_headers_and_no_cross_origin_permission(plain_standing_city: City) -> None:
    for path in ("/healthz", "/api/v1/alerts", "/api/v1/nothing", "/docs"):
        headers = plain_standing_city.client.get(path, headers={"Origin": "https://evil.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_slow_questions_at_once_are_answered_503_in_time_while_health_answers(plain_database_url: str) -> None:
    timeout_s = 2.0
    with (
        ApiServer(plain_database_url, api_query_timeout_s=timeout_s) as server,
        psycopg.connect(plain_database_url) as lock,
        ThreadPoolExecutor(200) as threads,
    ):
        # Whoever asks for observations now waits until the statement timeout ends the question.
        lock.execute("LOCK TABLE observations IN ACCESS EXCLUSIVE MODE")
        host, port = server.url.removeprefix("http://").split(":")

        def ask(_number: int) -> tuple[int, str | None, float]:
            begun = time.monotonic()
            connection = HTTPConnection(host, int(port), timeout=30)
            connection.request("GET", "/api/v1/latest")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, answer.getheader("retry-after"), time.monotonic() - begun

        slow = [threads.submit(ask, number) for number in range(200)]
        wait_until(lambda: any(one.done() for one in slow), what="the first answers")
        for _ in range(5):
            begun = time.monotonic()
            assert server.client.get("/healthz").status_code == 200
            assert server.client.get("/readyz").status_code == 200
            assert time.monotonic() - begun < timeout_s
        answers = [one.result(30) for one in slow]
        assert {status for status, _, _ in answers} == {503}
        assert all(retry for _, retry, _ in answers)
        # Waiting for a connection takes a second at most, then the statement timeout rules; the rest is this machine.
        assert max(seconds for _, _, seconds in answers) < timeout_s + 1 + 4
        lock.rollback()
        wait_until(lambda: server.client.get("/api/v1/latest").status_code == 200, what="answers again")


def test_heavy_questions_never_take_the_last_connection(plain_database_url: str) -> None:
    with (
        ApiServer(plain_database_url, api_query_timeout_s=20) as server,
        psycopg.connect(plain_database_url) as lock,
        ThreadPoolExecutor(8) as threads,
    ):
        lock.execute("LOCK TABLE observations IN ACCESS EXCLUSIVE MODE")
        for _ in range(8):
            threads.submit(server.client.get, "/api/v1/latest")
        blocked = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with psycopg.connect(plain_database_url, autocommit=True) as watch:
            wait_until(lambda: watch.execute(blocked).fetchall()[0][0] >= 3, what="heavy questions wait")
        assert server.client.get("/api/v1/alerts").status_code == 200
        lock.rollback()


def test_without_the_database_the_api_says_so_and_recovers_by_itself(plain_database_url: str, proxy: Any) -> None:  # noqa: ANN401
    way = proxy(plain_database_url)
    with ApiServer(way.url) as server:
        assert server.client.get("/api/v1/alerts").status_code == 200
        way.stop()
        answer = server.client.get("/api/v1/alerts")
        _is_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert "127.0.0.1" not in answer.text
        assert server.client.get("/healthz").status_code == 200
        assert server.client.get("/readyz").status_code == 503
        way.start()
        wait_until(lambda: server.client.get("/api/v1/alerts").status_code == 200, what="the API answers again")
        wait_until(lambda: server.client.get("/readyz").status_code == 200, what="ready again")
