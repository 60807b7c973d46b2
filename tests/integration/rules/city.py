"""A database with two devices, its writer, and sessions of the rules opened on it."""

from contextlib import ExitStack
from copy import copy
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import Clock
from rules.rule import Rule
from rules.session import Session
from rules.shelf import Shelf
from storage.database import connect
from tests.support.catalogues import Fixed
from tests.support.rulebook import T0, above
from tests.support.storing import Writer, register

RULES = (above("methane", hysteresis=2, yellow=20, red=50), above("slow", on_delay_s=100, hysteresis=2, blue=10))


class City:
    """A database with two devices, its writer, and sessions of the rules opened on it."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._stack = stack
        self.url = url
        self.connection = self.connect("tests")
        self.streams = register(self.connection, ["a", "b"])
        self.writer = Writer(url)
        stack.callback(self.writer.close)

    @classmethod
    def again(cls, city: "City", stack: ExitStack) -> "City":
        """The same city, whose further connections are closed with `stack`."""
        found = copy(city)
        found._stack = stack
        return found

    def connect(self, name: str) -> Connection[TupleRow]:
        connection = connect(self.url, application=name)
        self._stack.callback(connection.close)
        return connection

    def writer_of(self, partition: str) -> Writer:
        """The one writer of a further partition."""
        writer = Writer(self.url, partition)
        self._stack.callback(writer.close)
        return writer

    def rules(self, *rules: Rule, leader: str = "one", clock: Clock = lambda: T0) -> Session:
        return Session(self.connect("rules"), Shelf(Fixed(rules or RULES)), leader=leader, clock=clock)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def alerts(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT rule, subject, level, state, acknowledged, open,"
            " extract(epoch FROM raised_at - to_timestamp(1777593600))::float,"
            " extract(epoch FROM cleared_at - to_timestamp(1777593600))::float FROM alerts ORDER BY id"
        )

    def events(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT a.rule, e.event, e.level, extract(epoch FROM e.time - to_timestamp(1777593600))::float, e.value"
            " FROM alert_events e JOIN alerts a ON a.id = e.alert ORDER BY e.id"
        )

    def acknowledge(self) -> None:
        self.connection.execute(
            "UPDATE alerts SET acknowledged = true, acknowledged_at = now(), acknowledged_by = 'li' WHERE open"
        )
