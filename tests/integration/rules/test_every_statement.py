"""The rules die before or after any of their statements, and history is what one session would have made of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Self

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from rules.session import Session
from rules.shelf import Shelf
from tests.integration.rules.city import City
from tests.support.catalogues import Fixed
from tests.support.rulebook import T0, above, silence

RULES = (
    above("methane", hysteresis=2, yellow=20, red=50),
    above("slow", on_delay_s=100, hysteresis=2, blue=10),
    silence(factor=3),
)
Step = Callable[[City], object]


class DeathError(BaseException):
    """The process is gone: nobody catches this."""


class Fate:
    """Dies once, before the n-th statement that writes or follows one that did: in between a death is the same death.

    What follows a write stands in its transaction, which is lost then, or behind its COMMIT.
    """

    def __init__(self, number: int) -> None:
        self.left = number
        self.died = False
        self._wrote = False

    def meet(self, query: str) -> None:
        writes = not query.lstrip().upper().startswith(("SELECT", "SET"))
        if (writes or self._wrote) and not self.died:
            self.left -= 1
            if self.left == 0:
                self.died = True
                raise DeathError
        self._wrote = writes


def mortal(connection: Connection[TupleRow], fate: Fate) -> Connection[TupleRow]:
    """Every statement of this connection meets its fate."""

    class Mortal(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Self:  # noqa: ANN401
            fate.meet(str(query))
            return super().execute(query, params, **options)

    connection.cursor_factory = Mortal
    return connection


def steps() -> Iterator[Step]:
    """Two sensors: one rises, outlasts the delay of `slow`, worsens, returns; the other falls silent and comes back."""

    def heard(until: float, *points: tuple[str, float, float]) -> Step:
        def step(city: City) -> None:
            city.writer.store(*[(city.streams[name], at, value) for name, at, value in points])
            city.writer.caught_up(until)

        return step

    yield heard(61, ("a", 0, 5), ("b", 0, 1), ("a", 60, 27), ("b", 60, 1))
    yield heard(165, ("a", 120, 28))
    yield heard(260, ("a", 180, 60), ("a", 240, 5))
    yield heard(270, ("b", 265, 1))


def works(session: Session) -> None:
    """One whole tick."""
    session.look_ahead()
    while session.catch_up():
        pass
    assert session.tick()


def lived(city: City, fate: Fate) -> tuple[list[Any], list[Any], list[Any]]:
    """The history of the city under a fate: events, alerts and what is left to be told."""
    leaders = 0

    def begun() -> Session:
        nonlocal leaders
        leaders += 1
        connection = mortal(city.connect("rules"), fate)
        try:
            return Session(connection, Shelf(Fixed(RULES)), leader=f"rules {leaders}", clock=lambda: T0)
        except DeathError:
            connection.close()
            return begun()

    session = begun()
    for step in steps():
        step(city)
        try:
            works(session)
        except DeathError:
            session = begun()
            works(session)
    return (
        sorted(city.events(), key=lambda row: (row[3], row[0])),
        city.alerts(),
        city.rows("SELECT e.event FROM outbox o JOIN alert_events e ON e.id = o.event ORDER BY 1"),
    )


def emptied(city: City) -> None:
    city.connection.execute(
        "TRUNCATE alerts, alert_events, outbox, notifications, observations, journal, journal_positions, rule_states,"
        " rules, rule_health RESTART IDENTITY CASCADE"
    )
    city.connection.execute("UPDATE ingest_partitions SET seq = 0, caught_up_at = NULL")
    city.writer.seq = 0


def test_a_death_at_any_statement_changes_no_history(plain_database_url: str) -> None:
    with ExitStack() as stack:
        city = City(plain_database_url, stack)
        expected = lived(city, Fate(0))
        assert [(rule, event) for rule, event, *_ in expected[0]] == [
            ("methane", "raised"), ("slow", "raised"), ("methane", "level_changed"),
            ("methane", "cleared"), ("silent", "raised"), ("slow", "cleared"), ("silent", "cleared"),
        ]  # fmt: skip
        number = 0
        while True:
            number += 1
            emptied(city)
            fate = Fate(number)
            with ExitStack() as connections:
                assert lived(City.again(city, connections), fate) == expected, f"death at statement {number}"
            if not fate.died:
                break
        assert number > 50
