from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from domain.condition import DeviceCount, problems
from storage.database import connect
from storage.status import condition
from tests.support.seeding import DEVICES_PER_NETWORK, SeededCity, seed_city


@pytest.fixture
def city(database_url: str) -> SeededCity:
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "INSERT INTO ingest_partitions (partition, seq, messages, received, stored, duplicates, connected, "
            "caught_up_at) VALUES ('all', 2, 3, 10, 8, 2, true, %s)",
            (now,),
        )
        connection.execute(
            "INSERT INTO journal (partition, seq, stored_at, datastreams, times, values, qualities) "
            "SELECT 'all', n, now() - INTERVAL '2 minutes', '{}', '{}', '{}', '{}' FROM generate_series(1, 2) n"
        )
        connection.execute(
            "INSERT INTO journal_positions (follower, partition, seq) VALUES ('rules', 'all', 2), ('slow', 'all', 1)"
        )
    return seed_city(database_url, now=now)


def test_the_condition_is_what_the_database_holds(database_url: str, city: SeededCity) -> None:
    with connect(database_url, application="tests") as connection:
        found = condition(connection)
    assert found.schema_current
    (partition,) = found.partitions
    assert (partition.received, partition.balanced, partition.connected) == (10, True, True)
    assert 0 <= (partition.lag_s or 0) < 60
    assert {f.follower: f.behind for f in found.followers} == {"rules": 0, "slow": 1}
    assert {(a.level, a.network): a.active for a in found.alerts} == {
        ("red", "gas"): 1,
        ("orange", "water"): 1,
        ("yellow", "drainage"): 1,
        ("blue", "manhole"): 1,
        ("red", "lighting"): 1,
    }
    assert [a.level for a in found.alerts] == ["red", "red", "orange", "yellow", "blue"]
    assert (found.deliveries.pending, found.deliveries.failed, found.deliveries.outbox) == (5, 5, 0)
    assert found.devices[0] == DeviceCount(network="drainage", reporting=DEVICES_PER_NETWORK - 1, silent=1)


def test_what_is_wrong_is_found_and_nothing_else(database_url: str, city: SeededCity) -> None:
    with connect(database_url, application="tests") as connection:
        found = condition(connection)
    wrong = problems(found)
    assert len(wrong) == 3
    assert "slow is 1 journal row" in wrong[0]
    # The oldest of the city's pending notifications is as old as its oldest active alert: five minutes.
    assert "5 notification(s) could not be sent" in wrong[1]
    assert "5 notification(s) failed" in wrong[2]
    told = replace(found.deliveries, pending_age_s=0, failed=0)
    assert problems(replace(found, followers=(), deliveries=told)) == []


def test_devices_are_not_silent_while_ingest_does_not_listen(database_url: str, city: SeededCity) -> None:
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("UPDATE ingest_partitions SET caught_up_at = %s - INTERVAL '25 hours'", (city.now,))
    with connect(database_url, application="tests") as connection:
        assert all(d.silent == 0 for d in condition(connection).devices)


def test_a_database_that_was_never_migrated_says_so(empty_database_url: str) -> None:
    with connect(empty_database_url, application="tests") as connection:
        found = condition(connection)
    assert not found.schema_current
    assert "lifeline db migrate" in problems(found)[0]


def test_a_refused_catalogue_and_failing_rules_are_wrong(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        connection.execute(
            "UPDATE catalogue_state SET digest = 'a', refused_digest = 'b', refused_at = now() - INTERVAL '90 s',"
            ' problems = \'["x.yaml:3: wrong", "x.yaml:9: too"]\''
        )
        connection.execute("INSERT INTO rule_health (rule, failures, failed_at) VALUES ('r1', 1, now())")
        connection.execute(
            "INSERT INTO rule_health (rule, failures, failed_at) VALUES ('old', 1, now() - INTERVAL '1 h')"
        )
        found = condition(connection)
    assert found.catalogue is not None
    assert found.catalogue.problems == ("x.yaml:3: wrong", "x.yaml:9: too")
    wrong = [line for line in problems(found) if "catalogue" in line or "rule(s)" in line]
    assert len(wrong) == 2
    assert "refused for 9" in wrong[0]
    assert "2 problem(s), the first: x.yaml:3: wrong" in wrong[0]
    assert "1 rule(s) end in errors, such as r1" in wrong[1]
