"""Housekeeping: what is too old goes, what somebody still needs stays."""

import pytest

from storage.database import connect
from storage.retention import Retention, sweep
from tests.support.storing import Writer, register

DAY = 86_400
KEEP = Retention(journal_s=DAY, observations_s=30 * DAY, dead_letters_s=DAY)


def test_a_journal_row_goes_when_it_is_old_and_every_follower_has_passed_it(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        stream = register(connection, ["a"])["a"]
        writer = Writer(database_url)
        for minute in range(5):
            writer.store((stream, 60 * minute, 1))
        assert sweep(connection, KEEP)["journal"] == 0
        connection.execute("UPDATE journal SET stored_at = now() - INTERVAL '2 days' WHERE seq <= 4")
        assert sweep(connection, KEEP)["journal"] == 0
        connection.execute("INSERT INTO journal_positions VALUES ('rules', 'all', 5), ('slow', 'all', 3)")
        assert sweep(connection, KEEP)["journal"] == 3
        assert connection.execute("SELECT seq FROM journal ORDER BY seq").fetchall() == [(4,), (5,)]
        writer.close()


def test_old_dead_letters_go(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        connection.execute(
            "INSERT INTO dead_letters (received_at, partition, topic, reason, detail, payload)"
            " SELECT now() - n * INTERVAL '10 hours', 'all', 't', 'bad_json', '', '' FROM generate_series(0, 5) n"
        )
        assert sweep(connection, KEEP)["dead_letters"] == 3
        assert sweep(connection, KEEP)["dead_letters"] == 0


@pytest.mark.parametrize("rows", [12_000])
def test_old_observations_go_in_bounded_deletes_where_the_database_has_no_policy(
    plain_database_url: str, rows: int
) -> None:
    with connect(plain_database_url, application="tests") as connection:
        streams = register(connection, ["a", "b"])
        for stream in streams.values():
            connection.execute(
                "INSERT INTO observations SELECT %s, now() - INTERVAL '31 days' - n * INTERVAL '1 second', 1"
                " FROM generate_series(1, %s) n",
                (stream, rows // 2),
            )
            connection.execute("INSERT INTO observations VALUES (%s, now(), 1)", (stream,))
        assert sweep(connection, KEEP)["observations"] == rows
        assert connection.execute("SELECT count(*) FROM observations").fetchone() == (2,)


def test_where_the_database_has_a_policy_it_is_left_to_it(timescaledb_url: str) -> None:
    with connect(timescaledb_url, application="tests") as connection:
        assert "observations" not in sweep(connection, KEEP)
