"""The faults that acceptance tests rely on really happen."""

from collections.abc import Callable

import psycopg
import pytest

from storage.database import connect
from tests.support.proxy import Proxy


def _count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM observations").fetchone()
        assert row
        return int(row[0])


def _insert_through(way: Proxy) -> None:
    with connect(way.url, application="tests") as connection, connection.transaction():
        connection.execute("INSERT INTO observations VALUES (1, now(), 2, 0)")


def test_a_swallowed_reply_means_committed_and_not_told(plain_database_url: str, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(plain_database_url)
    way.swallow_commit_replies()
    with pytest.raises(psycopg.OperationalError):
        _insert_through(way)
    assert way.swallowed == 1
    assert _count(plain_database_url) == 1
    _insert_through(way)
    assert _count(plain_database_url) == 2


def test_a_stopped_way_refuses_and_a_started_one_is_the_same(
    plain_database_url: str, proxy: Callable[[str], Proxy]
) -> None:
    way = proxy(plain_database_url)
    port = way.port
    with psycopg.connect(way.url, autocommit=True) as connection:
        way.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(way.url, connect_timeout=2)
    way.start()
    assert way.port == port
    assert _count(way.url) == 0


def test_a_frozen_way_holds_everything_until_it_thaws(plain_database_url: str, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(plain_database_url)
    way.freeze()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(way.url, connect_timeout=2)
    way.thaw()
    assert _count(way.url) == 0


def test_a_way_is_cut_after_so_many_bytes(plain_database_url: str, proxy: Callable[[str], Proxy]) -> None:
    way = proxy(plain_database_url)
    with psycopg.connect(way.url, autocommit=True) as connection:
        way.cut_after(20_000)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT repeat('x', 100) FROM generate_series(1, 1000)")
    assert _count(way.url) == 0
