"""Promises of devices in the database: the registry is reloaded when one has really changed, and seldom."""

from psycopg import Connection
from psycopg.rows import TupleRow

from storage import promises
from storage.database import connect
from storage.watched import read_watched, registry_version
from tests.support.storing import register


def an_hour_passes(connection: Connection[TupleRow]) -> None:
    connection.execute("UPDATE datastreams SET promised_at = promised_at - INTERVAL '61 minutes'")


def test_a_longer_promise_is_kept_at_once_and_a_shorter_one_after_an_hour(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        a = register(connection, ["a"])["a"]
        version = registry_version(connection)
        assert promises.keep(connection, {a: 60.0, 10_000: 5.0}) == {a: 60.0}
        assert registry_version(connection) == version + 1
        assert [w.promised_s for w in read_watched(connection).watched] == [60.0]
        # Nearly the same is the same.
        assert promises.keep(connection, {a: 65.0}) == {a: 60.0}
        assert promises.keep(connection, {a: 3600.0}) == {a: 3600.0}
        # A device that changes its mind with each message.
        for _ in range(5):
            assert promises.keep(connection, {a: 60.0}) == {a: 3600.0}
            assert promises.keep(connection, {a: 3600.0}) == {a: 3600.0}
        assert registry_version(connection) == version + 2
        an_hour_passes(connection)
        assert promises.keep(connection, {a: 60.0}) == {a: 60.0}
        assert registry_version(connection) == version + 3


def test_an_import_that_is_running_is_not_waited_for(plain_database_url: str) -> None:
    with connect(plain_database_url, application="tests") as one, connect(plain_database_url, application="x") as two:
        a = register(one, ["a"])["a"]
        with one.transaction():
            one.execute("SELECT version FROM registry_version FOR UPDATE")
            assert promises.keep(two, {a: 60.0}) is None
        assert promises.keep(two, {a: 60.0}) == {a: 60.0}
