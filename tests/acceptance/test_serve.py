"""`lifeline serve`, `lifeline tokens` and `lifeline status` as real processes."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.processes import Lifeline
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance


@pytest.fixture
def run(plain_database_url: str, tmp_path: Path) -> Callable[..., Lifeline]:
    """Runs a command against the test's database."""

    def start(*arguments: str, **environment: str) -> Lifeline:
        values = {"LIFELINE_DATABASE_URL": plain_database_url, "LIFELINE_LOG_FORMAT": "json", **environment}
        return Lifeline(arguments, folder=tmp_path, environment=values)

    return start


def _url(serve: Lifeline) -> str:
    serve.wait_for_log("api_listening")
    line = next(line for line in serve.log().splitlines() if "api_listening" in line)
    return str(json.loads(line)["url"])


def _token(run: Callable[..., Lifeline], *arguments: str) -> str:
    with run("tokens", "add", *arguments, "--json") as add:
        assert add.wait() == 0
        return str(json.loads(add.output())["token"])


def test_serve_takes_a_free_port_says_which_and_stops_in_order_with_a_stream_open(
    run: Callable[..., Lifeline],
) -> None:
    with run("serve", "--port", "0") as serve:
        url = _url(serve)
        assert url in serve.output()
        with httpx.Client(base_url=url, timeout=10) as client:
            assert client.get("/readyz").status_code == 200
            assert client.get("/api/v1/alerts").status_code == 200
            with client.stream("GET", "/api/v1/stream") as answer:
                lines = answer.iter_lines()
                assert next(lines) == "retry: 2000"
                assert serve.terminate(timeout_s=10) == 0
                assert list(lines) == [""]
        assert "Traceback" not in serve.log()


def test_an_address_that_others_can_reach_is_refused_without_a_token(run: Callable[..., Lifeline]) -> None:
    with run("serve", "--host", "0.0.0.0", "--port", "0") as serve:  # noqa: S104 - the point of the test
        assert serve.wait() == 2
        assert "lifeline tokens add" in serve.log()
        assert "LIFELINE_API_HOST" in serve.log()
        assert "api_listening" not in serve.log()


def test_a_token_opens_that_address_and_its_end_closes_it(run: Callable[..., Lifeline]) -> None:
    token = _token(run, "duty-room", "--role", "operator")
    with run("serve", "--host", "0.0.0.0", "--port", "0") as serve:  # noqa: S104 - the point of the test
        url = _url(serve).replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        with httpx.Client(base_url=url, timeout=10) as client:
            header = {"Authorization": f"Bearer {token}"}
            assert client.get("/api/v1/alerts").status_code == 401
            assert client.get("/api/v1/alerts", headers=header).status_code == 200
            with run("tokens", "revoke", "duty-room") as revoke:
                assert revoke.wait() == 0
            wait_until(
                lambda: client.get("/api/v1/alerts", headers=header).status_code in {401, 429},
                timeout_s=5,
                what="the revoked token is refused",
                poll_s=0.2,
            )
        assert serve.terminate() == 0
        assert token not in serve.log()
    with run("tokens", "list", "--json") as listed:
        assert listed.wait() == 0
        (entry,) = json.loads(listed.output())
    assert (entry["name"], entry["role"], entry["valid"]) == ("duty-room", "operator", False)
    assert token not in listed.output()


def test_a_name_of_a_token_is_never_used_twice(run: Callable[..., Lifeline]) -> None:
    _token(run, "duty-room")
    with run("tokens", "add", "duty-room") as again:
        assert again.wait() == 1
        assert "used before" in again.log()
    with run("tokens", "revoke", "nobody") as revoke:
        assert revoke.wait() == 1


def test_a_port_that_is_taken_is_named(run: Callable[..., Lifeline]) -> None:
    with run("serve", "--port", "0") as first:
        port = _url(first).rpartition(":")[2]
        with run("serve", "--port", port) as second:
            assert second.wait() == 2
            assert f"127.0.0.1:{port}" in second.log()


def test_serve_refuses_a_database_that_was_never_migrated(empty_plain_database_url: str, tmp_path: Path) -> None:
    environment = {"LIFELINE_DATABASE_URL": empty_plain_database_url}
    for command in (("serve", "--port", "0"), ("tokens", "list")):
        with Lifeline(command, folder=tmp_path, environment=environment) as process:
            assert process.wait() == 2
            assert "lifeline db migrate" in process.log()


def test_status_is_one_when_something_is_wrong_and_nought_when_all_is_well(
    run: Callable[..., Lifeline], plain_database_url: str
) -> None:
    with run("status", "--json") as status:
        assert status.wait() == 1
        assert json.loads(status.output())["problems"] == [
            "no ingest worker has ever run on this database: start `lifeline ingest`"
        ]
    with psycopg.connect(plain_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ingest_partitions (partition, messages, received, stored, connected, caught_up_at) "
            "VALUES ('all', 1, 2, 2, true, now() + INTERVAL '1 hour')"
        )
        connection.execute("UPDATE ingest_partitions SET heartbeat_at = now() + INTERVAL '1 hour'")
        with run("status", "--json") as status:
            assert status.wait() == 0
            found = json.loads(status.output())
        assert found["ok"] is True
        assert found["partitions"][0]["balanced"] is True
        assert found["level"] == "postgresql"
        connection.execute("UPDATE ingest_partitions SET received = 3")
    with run("status") as status:
        assert status.wait() == 1
        assert "does not balance" in " ".join(status.output().split())


def test_status_is_two_when_the_database_cannot_be_read(tmp_path: Path) -> None:
    environment = {"LIFELINE_DATABASE_URL": "postgresql://postgres:secret@127.0.0.1:1/lifeline"}
    with Lifeline(("status",), folder=tmp_path, environment=environment) as status:
        assert status.wait() == 2
        assert "lifeline status:" in status.log()
        assert "secret" not in status.log()
