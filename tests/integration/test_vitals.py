"""What the database knows of the platform's health, and the alerts that come of it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rules.session import Session
from rules.shelf import Shelf
from storage.database import connect
from storage.vitals import keep_counts, read_vitals
from tests.integration.rules.city import City
from tests.support.catalogues import Fixed
from tests.support.rulebook import SECOND, T0
from tests.unit.rules.test_vitals import LAG, SILENT, about

LOST = about("lost", "platform.broker.lost", yellow=0)


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(database_url, stack)


def test_a_partition_lags_behind_its_own_sign_of_life(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        connection.execute(
            "INSERT INTO ingest_partitions (partition, caught_up_at, heartbeat_at) VALUES"
            " ('dead', now() - INTERVAL '101 s', now() - INTERVAL '100 s'),"
            " ('slow', now() - INTERVAL '90 s', now()), ('new', NULL, now())"
        )
        connection.execute("INSERT INTO ingest_counts VALUES ('new', now() - INTERVAL '50 s', 0, 0, 0)")
        found = {one.partition: one for one in read_vitals(connection).partitions}
    assert found["dead"].lag_s == pytest.approx(1, abs=0.5)
    assert found["dead"].silent_s == pytest.approx(100, abs=5)
    assert found["slow"].lag_s == pytest.approx(90, abs=0.5)
    assert found["slow"].silent_s < 5
    assert found["new"].lag_s == pytest.approx(50, abs=0.5)


def test_what_moved_lately_is_told_even_if_nobody_counted_for_a_while(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        connection.execute(
            "INSERT INTO ingest_partitions (partition, received, stored, rejected, session_losses)"
            " VALUES ('all', 1000, 900, 100, 3)"
        )
        (fresh,) = read_vitals(connection).partitions
        assert (fresh.received, fresh.rejected, fresh.lost) == (1000, 100, 3)
        connection.execute(
            "INSERT INTO ingest_counts VALUES"
            " ('all', now() - INTERVAL '5 hours', 0, 0, 0), ('all', now() - INTERVAL '3 hours', 100, 10, 1),"
            " ('all', now() - INTERVAL '20 minutes', 700, 40, 2), ('all', now() - INTERVAL '5 minutes', 900, 60, 3)"
        )
        (found,) = read_vitals(connection).partitions
        assert (found.received, found.rejected, found.lost) == (300, 60, 2)
        keep_counts(connection)
        # Of those too old to be compared with only the newest stays.
        assert connection.execute("SELECT received FROM ingest_counts ORDER BY at").fetchall() == [
            (100,), (700,), (900,), (1000,),
        ]  # fmt: skip
        (again,) = read_vitals(connection).partitions
        assert (again.received, again.rejected, again.lost) == (300, 60, 2)


def test_who_waits_to_be_told_is_known(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        assert (read_vitals(connection).waiting_s, read_vitals(connection).failed) == (0.0, 0)


def test_a_dead_pipeline_is_one_alert_and_no_device_is_blamed(city: City) -> None:
    now = T0

    def session(leader: str) -> Session:
        rules = (SILENT, LAG, LOST)
        return Session(city.connect("rules"), Shelf(Fixed(rules)), leader=leader, clock=lambda: now)

    one = session("one")
    city.writer.store((city.streams["a"], 0, 1))
    city.writer.caught_up(1)
    one.look_ahead()
    assert city.alerts() == []
    city.connection.execute(
        "UPDATE ingest_partitions SET heartbeat_at = now() - INTERVAL '70 s', caught_up_at = now() - INTERVAL '71 s'"
    )
    for _ in range(3):
        now += 3 * SECOND
        one.look_ahead()
    assert [(rule, subject, level) for rule, subject, level, *_ in city.alerts()] == [
        ("silent", "platform:all", "yellow")
    ]
    assert city.rows("SELECT network, area, asset, device, property FROM alerts") == [
        ("platform", "", None, None, "platform.ingest.silent_s")
    ]
    # It survives a restart, is not raised again, and ends.
    two = session("two")
    now += 3 * SECOND
    two.look_ahead()
    city.connection.execute("UPDATE ingest_partitions SET heartbeat_at = now(), caught_up_at = now()")
    now += 3 * SECOND
    two.look_ahead()
    assert [event for _, event, *_ in city.events()] == ["raised", "cleared"]
