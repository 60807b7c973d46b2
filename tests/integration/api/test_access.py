import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
import structlog

from domain.access import Role
from domain.times import now_micros
from runtime.logs import configure
from runtime.settings import Settings
from storage import tokens
from storage.database import connect
from tests.support.api import ApiServer

ALERTS = "/api/v1/alerts"
SECOND = 1_000_000


@dataclass
class SteppingClock:
    """The system's clock, and ahead of it by what the test says."""

    ahead: int = field(default=0)

    def __call__(self) -> int:
        return now_micros() + self.ahead

    def step(self, seconds: float) -> None:
        self.ahead += int(seconds * SECOND)


@dataclass(frozen=True)
class Door:
    url: str
    client: httpx.Client
    clock: SteppingClock

    def token(self, name: str, role: Role = Role.VIEWER, *, valid_s: float | None = None) -> dict[str, str]:
        """The header of a new token, after any memory of the tokens before it has gone."""
        with connect(self.url, application="tests") as connection:
            token = tokens.add(connection, name, role, valid_s=valid_s)
        assert token is not None
        self.clock.step(3)
        return {"Authorization": f"Bearer {token}"}

    def revoke(self, name: str) -> None:
        with connect(self.url, application="tests") as connection:
            assert tokens.revoke(connection, name)
        self.clock.step(3)


@pytest.fixture
def door(plain_database_url: str) -> Iterator[Door]:
    clock = SteppingClock()
    with ApiServer(plain_database_url, clock=clock) as server:
        yield Door(plain_database_url, server.client, clock)


def test_loopback_is_open_until_the_first_token_is_made(door: Door) -> None:
    assert door.client.get(ALERTS).status_code == 200
    header = door.token("duty")
    refused = door.client.get(ALERTS)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert door.client.get(ALERTS, headers=header).status_code == 200


def test_revoking_the_last_token_does_not_open_the_door(door: Door) -> None:
    door.token("duty")
    door.revoke("duty")
    assert door.client.get(ALERTS).status_code == 401


def test_a_revoked_token_stops_working_within_two_seconds(door: Door) -> None:
    header = door.token("duty")
    assert door.client.get(ALERTS, headers=header).status_code == 200
    door.revoke("duty")
    assert door.client.get(ALERTS, headers=header).status_code == 401


def test_an_expired_token_is_refused(door: Door) -> None:
    lasting, brief = door.token("lasting"), door.token("brief", valid_s=-1)
    assert door.client.get(ALERTS, headers=lasting).status_code == 200
    assert door.client.get(ALERTS, headers=brief).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer lifeline_wrong", "Basic dTpw", "lifeline_x", "Bearer " + "x" * 5000]
)
def test_anything_that_is_not_a_token_is_refused(door: Door, header: str) -> None:
    door.token("duty")
    assert door.client.get(ALERTS, headers={"Authorization": header}).status_code == 401


def test_a_wrong_token_is_refused_even_while_the_door_is_open(door: Door) -> None:
    assert door.client.get(ALERTS, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_viewers_read_but_do_not_act_and_see_no_raw_bytes(door: Door) -> None:
    viewer, operator = door.token("screen"), door.token("duty", Role.OPERATOR)
    body = {"operator": "王伟", "comment": "x"}
    assert door.client.get("/api/v1/networks", headers=viewer).status_code == 200
    for path in (f"{ALERTS}/1/acknowledge", f"{ALERTS}/1/comments"):
        refused = door.client.post(path, json=body, headers=viewer)
        assert refused.status_code == 403
        assert refused.json()["type"].endswith("role-too-low")
        assert door.client.post(path, json=body, headers=operator).status_code == 404
    assert door.client.get("/api/v1/dead-letters", headers=viewer).status_code == 403
    assert door.client.get("/api/v1/dead-letters", headers=operator).status_code == 200


def test_without_a_token_everything_but_health_and_description_is_closed(door: Door) -> None:
    door.token("duty")
    paths = door.client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            status = door.client.request(method, path.replace("{id}", "1"), json={}).status_code
            expected = {200} if path in {"/healthz", "/readyz"} else {401, 429}
            assert status in expected, (method, path, status)


def test_a_client_that_keeps_failing_is_told_to_wait_but_a_right_token_passes(door: Door) -> None:
    header = door.token("duty")
    statuses = [door.client.get(ALERTS).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    answer = door.client.get(ALERTS)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert door.client.get(ALERTS, headers=header).status_code == 200
    door.clock.step(61)
    assert door.client.get(ALERTS).status_code == 401


def test_a_page_from_elsewhere_cannot_reach_the_open_door_under_its_own_name(door: Door) -> None:
    refused = door.client.get(ALERTS, headers={"Host": "evil.example"})
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("foreign-host")


def test_on_another_address_nobody_comes_in_without_a_token(plain_database_url: str) -> None:
    with ApiServer(plain_database_url, open_to_all=False) as server:
        assert server.client.get(ALERTS).status_code == 401


def test_only_a_digest_of_a_token_is_kept(door: Door) -> None:
    secret = door.token("duty")["Authorization"].removeprefix("Bearer ")
    with connect(door.url, application="tests") as connection:
        row = connection.execute("SELECT digest, tokens::text FROM tokens").fetchone()
        again = tokens.add(connection, "duty", Role.ADMIN)
    assert row is not None
    assert row[0] == tokens.digest(secret)
    assert secret not in row[1]
    assert len(secret) >= 43
    assert again is None


@pytest.fixture(params=["json", "text"])
def logged(request: pytest.FixtureRequest, door: Door) -> Iterator[io.StringIO]:
    """What the process logs, in each format."""
    root = logging.getLogger()
    before = root.handlers[:]
    configure("serve", Settings.model_validate({"log_format": request.param}))
    written = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:] = before
    structlog.reset_defaults()


def test_a_refusal_is_logged_on_one_line_without_what_was_sent_as_token(door: Door, logged: io.StringIO) -> None:
    door.token("duty")
    header = {"Authorization": "Bearer lifeline_guessed"}
    door.client.get("/api/v1/assets/x%0Alevel=critical%20forged", headers=header)
    lines = [line for line in logged.getvalue().splitlines() if "access_refused" in line or "forged" in line]
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]
    assert "guessed" not in logged.getvalue()
