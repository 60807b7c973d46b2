import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg
import pytest

from domain.access import Role
from storage import tokens
from storage.database import connect
from tests.integration.api.conftest import City
from tests.support.api import ApiServer
from tests.support.waiting import wait_until


@dataclass
class Reader:
    """Reads a stream in a thread of its own."""

    url: str
    parameters: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    blocks: list[dict[str, str]] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.url, timeout=None)  # noqa: S113 - a stream has no end
        self._thread = threading.Thread(target=self._read, daemon=True)

        self._socket: socket.socket | None = None

    def _read(self) -> None:
        try:
            with self._client.stream("GET", "/api/v1/stream", params=self.parameters, headers=self.headers) as answer:
                self.status = answer.status_code
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                block: dict[str, str] = {}
                for line in answer.iter_lines():
                    if line:
                        name, _, value = line.partition(":")
                        block[name or "comment"] = value.strip()
                    else:
                        self.blocks.append(block)
                        block = {}
        except (httpx.TransportError, httpx.StreamError):
            pass
        self.ended = True

    def events(self, kind: str) -> list[Any]:
        return [json.loads(b["data"]) for b in list(self.blocks) if b.get("event") == kind]

    def ids(self) -> list[int]:
        return [int(b["id"]) for b in list(self.blocks) if "id" in b]

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.blocks or self.ended, what="the stream opens")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # From another thread a socket is woken by shutdown only.
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._client.close()


def _happen(url: str, comment: str) -> int:
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute(
            "INSERT INTO alert_events (alert, time, event, level, comment) "
            "SELECT min(id), now(), 'commented', 'red', %s FROM alerts RETURNING id",
            (comment,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def _store(url: str, seq: int, rows: list[tuple[int, float]]) -> None:
    """What ingest does with a batch: observations apart, one journal row and the counters, in one transaction."""
    now = datetime.now(UTC)
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute(
            "INSERT INTO journal (partition, seq, datastreams, times, values, qualities) "
            "VALUES ('all', %s, %s, %s, %s, %s)",
            (seq, [d for d, _ in rows], [now] * len(rows), [v for _, v in rows], [0] * len(rows)),
        )
        connection.execute(
            "INSERT INTO ingest_partitions (partition, seq) VALUES ('all', %s) "
            "ON CONFLICT (partition) DO UPDATE SET seq = excluded.seq",
            (seq,),
        )


def test_the_stream_delivers_events_of_alerts_and_chosen_observations(city: City) -> None:
    _store(city.database_url, 1, [(1, 0.0)])
    with Reader(city.server.url, {"datastreams": "1,2"}) as reader:
        happened = _happen(city.database_url, "现场已处置")
        wait_until(lambda: reader.events("alert"), what="the event of the alert")
        found = reader.events("alert")[0]
        assert (found["id"], found["comment"], found["network"]) == (happened, "现场已处置", "gas")
        assert found["title_zh"] == "gas报警"
        seq = 1

        def observed() -> list[Any]:
            nonlocal seq
            seq += 1
            _store(city.database_url, seq, [(1, 5.5), (3, 6.5), (2, 7.5)])
            return reader.events("observations")

        # The first batches may be stored before the follower has looked where the journal ends.
        observations = wait_until(observed, what="observations", poll_s=0.2)[0]
        assert [(o["datastream"], o["value"], o["quality"]) for o in observations] == [(1, 5.5, 0), (2, 7.5, 0)]
        datetime.fromisoformat(observations[0]["time"])


def test_an_acknowledgement_through_the_api_reaches_every_reader(plain_city: City) -> None:
    with Reader(plain_city.server.url, {}) as one, Reader(plain_city.server.url, {}) as two:
        plain_city.client.post("/api/v1/alerts/1/acknowledge", json={"operator": "王伟"})
        for reader in (one, two):
            found = wait_until(lambda r=reader: r.events("alert"), what="the acknowledgement")  # type: ignore[misc]
            assert (found[0]["event"], found[0]["actor"], found[0]["alert"]) == ("acknowledged", "王伟", 1)


def test_a_reader_that_comes_back_gets_what_it_missed_once_and_in_order(plain_city: City) -> None:
    with Reader(plain_city.server.url, {}) as reader:
        first = _happen(plain_city.database_url, "first")
        wait_until(lambda: reader.ids() == [first], what="the first event")
    missed = [_happen(plain_city.database_url, f"missed {n}") for n in range(3)]
    with Reader(plain_city.server.url, {}, {"Last-Event-ID": str(first)}) as reader:
        live = _happen(plain_city.database_url, "live")
        wait_until(lambda: live in reader.ids(), what="the live event")
        assert reader.ids() == [*missed, live]


def test_an_event_that_commits_late_is_neither_lost_nor_out_of_order(plain_city: City) -> None:
    with Reader(plain_city.server.url, {}) as reader, psycopg.connect(plain_city.database_url) as slow:
        row = slow.execute(
            "INSERT INTO alert_events (alert, time, event, level) VALUES (1, now(), 'cleared', 'red') RETURNING id"
        ).fetchone()
        assert row is not None
        quick = _happen(plain_city.database_url, "quick")
        seen = plain_city.server.app.state.service.follower._sequencer
        wait_until(lambda: quick in seen._seen, what="the follower sees the later number first")
        slow.commit()
        wait_until(lambda: len(reader.ids()) == 2, what="both events")
        assert reader.ids() == [row[0], quick]


def test_a_number_that_was_never_committed_holds_nobody_up_for_long(plain_city: City) -> None:
    with Reader(plain_city.server.url, {}) as reader, psycopg.connect(plain_city.database_url) as broken:
        broken.execute("INSERT INTO alert_events (alert, time, event, level) VALUES (1, now(), 'cleared', 'red')")
        broken.rollback()
        after = _happen(plain_city.database_url, "after")
        wait_until(lambda: reader.ids() == [after], what="the event behind the gap")


def test_streams_are_bounded_and_a_place_is_given_back(plain_database_url: str) -> None:
    with ApiServer(plain_database_url, api_streams=2) as server:
        with Reader(server.url, {}), Reader(server.url, {}):
            refused = server.client.get("/api/v1/stream")
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"]

        def free() -> bool:
            with server.client.stream("GET", "/api/v1/stream") as answer:
                return answer.status_code == 200

        wait_until(free, what="a place becomes free")


def test_a_stream_does_not_outlive_its_token(plain_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.stream.HEARTBEAT_S", 0.2)
    with connect(plain_database_url, application="tests") as connection:
        token = tokens.add(connection, "screen", Role.VIEWER)
        with (
            ApiServer(plain_database_url) as server,
            Reader(server.url, {}, {"Authorization": f"Bearer {token}"}) as reader,
        ):
            wait_until(lambda: any("comment" in b for b in reader.blocks), what="a heartbeat")
            assert not reader.ended
            tokens.revoke(connection, "screen")
            wait_until(lambda: reader.ended, what="the stream ends")


@pytest.fixture
def interrupted(plain_city: City, proxy: Any) -> Iterator[tuple[Any, ApiServer, City]]:  # noqa: ANN401
    way = proxy(plain_city.database_url)
    with ApiServer(way.url) as server:
        yield way, server, plain_city


def test_a_stream_survives_the_loss_of_the_database_without_losing_an_event(
    interrupted: tuple[Any, ApiServer, City],
) -> None:
    way, server, city = interrupted
    with Reader(server.url, {}) as reader:
        before = _happen(city.database_url, "before")
        wait_until(lambda: reader.ids() == [before], what="the event before")
        way.stop()
        during = _happen(city.database_url, "during")
        way.start()
        wait_until(lambda: reader.ids() == [before, during], what="the event during the loss")
