"""The schema on every level: the same relations with the same meaning, migrated once, guarded by roles."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import ConfigurationError, SchemaError
from storage import migrate
from storage.database import connect
from tests.support.databases import OPTIONS
from tests.support.rollups import ROLLUPS, recomputed, run_jobs, stored

_DAY = 86_400
DOCUMENTED = {
    "networks", "properties", "assets", "links", "devices", "datastreams", "observations", "observations_5m",
    "observations_1h", "observations_1d", "latest_observations", "alerts", "alert_events", "dead_letters",
    "notifications", "effective_alert_events", "shelvings", "out_of_service", "maintenance_windows",
    "rules", "catalogue_state", "rule_health", "kpi_limits", "rule_positions", "alert_episodes", "exercises",
}  # fmt: skip
OURS = """
SELECT relname::text FROM pg_class c
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""


def _names(connection: Connection[TupleRow], sql: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(sql.encode())}


def test_postgresql_is_its_own_level(plain_database_url: str) -> None:
    with connect(plain_database_url, application="tests") as connection:
        found = migrate.status(connection)
        assert (found.level, found.timescaledb, found.current) == ("postgresql", None, True)
        assert migrate.check(connection) == "postgresql"


def test_timescaledb_keeps_a_compressed_hypertable_with_rollups_and_policies(timescaledb_url: str) -> None:
    with connect(timescaledb_url, application="tests") as connection:
        found = migrate.status(connection)
        assert (found.level, found.current) == ("timescaledb", True)
        assert found.timescaledb
        assert found.timescaledb >= "2.23"
        assert _names(connection, "SELECT view_name FROM timescaledb_information.continuous_aggregates") == set(ROLLUPS)
        hypertable = connection.execute(
            "SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = 'observations'"
        ).fetchone()
        assert hypertable == (True,)
        assert sorted(run_jobs(connection)) == [
            "policy_compression",
            *["policy_refresh_continuous_aggregate"] * 3,
            *["policy_retention"] * 2,
        ]


def test_every_level_has_the_same_relations(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        assert _names(connection, OURS) >= DOCUMENTED
        for rollup in ROLLUPS:
            columns = [c.name for c in connection.execute(f"SELECT * FROM {rollup}".encode()).description or []]  # noqa: S608
            assert columns == ["datastream", "bucket", "count", "doubtful", "sum", "minimum", "maximum", "average"]


def test_the_apache_level_has_the_same_relations_and_rollups(empty_timescaledb_url: str) -> None:
    with connect(empty_timescaledb_url, application="tests") as connection:
        texts = [m.text for m in migrate.load("timescaledb-apache")]
        for text in texts:
            for key, value in OPTIONS.placeholders().items():
                text = text.replace("{" + key + "}", value)  # noqa: PLW2901
            if "schema_migrations" in text:
                connection.execute("CREATE TABLE schema_migrations (number integer, level text)")
            connection.execute(text.encode())
        assert _names(connection, OURS) >= DOCUMENTED
        assert _names(connection, "SELECT hypertable_name FROM timescaledb_information.hypertables") == {"observations"}
        _fill(connection, _now(), days=2, seed=3)
        for rollup in ROLLUPS:
            assert stored(connection, rollup) == recomputed(connection, rollup)


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    with connect(empty_database_url, application="tests") as connection:
        first = migrate.migrate(connection, OPTIONS)
        before = connection.execute("SELECT * FROM schema_migrations ORDER BY number").fetchall()
        assert [m.number for m in first] == [row[0] for row in before]
        assert migrate.migrate(connection, OPTIONS) == []
        assert connection.execute("SELECT * FROM schema_migrations ORDER BY number").fetchall() == before
        assert migrate.check(connection)


def test_of_many_who_migrate_at_once_each_step_is_done_by_one(empty_plain_database_url: str) -> None:
    start = Barrier(5)

    def work(_: int) -> list[int]:
        with connect(empty_plain_database_url, application="tests") as connection:
            start.wait(10)
            return [m.number for m in migrate.migrate(connection, OPTIONS)]

    with ThreadPoolExecutor(5) as threads:
        done = [number for numbers in threads.map(work, range(5)) for number in numbers]
    assert sorted(done) == [m.number for m in migrate.load("postgresql")]


def test_a_failed_migration_leaves_the_steps_before_it_and_can_be_repeated(
    empty_plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = migrate.load("postgresql")
    broken = [*real, migrate.Migration(number=9000, name="broken", text="CREATE TABLE half (id int); SELECT 1 / 0")]
    with connect(empty_plain_database_url, application="tests") as connection:
        monkeypatch.setattr(migrate, "load", lambda _: broken)
        with pytest.raises(Exception, match="division by zero"):
            migrate.migrate(connection, OPTIONS)
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
        monkeypatch.undo()
        assert migrate.migrate(connection, OPTIONS) == []
        assert migrate.check(connection) == "postgresql"


def test_an_empty_or_older_schema_says_which_command_mends_it(empty_database_url: str) -> None:
    with connect(empty_database_url, application="tests") as connection:
        with pytest.raises(SchemaError, match=r"lacks migration\(s\) 0001.*run `lifeline db migrate`"):
            migrate.check(connection)
        migrate.migrate(connection, OPTIONS)
        connection.execute("DELETE FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)")
        with pytest.raises(SchemaError, match="run `lifeline db migrate`"):
            migrate.check(connection)


def test_a_newer_schema_is_refused_by_start_and_by_migration(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        connection.execute("INSERT INTO schema_migrations (number, name, level) VALUES (9999, 'future', 'postgresql')")
        with pytest.raises(SchemaError, match=r"9999.*install the newer City Lifeline"):
            migrate.check(connection)
        with pytest.raises(SchemaError, match="install the newer City Lifeline"):
            migrate.migrate(connection, OPTIONS)


def test_retention_that_would_drop_late_observations_is_refused(empty_plain_database_url: str) -> None:
    options = migrate.TimeSeriesOptions(lateness_s=7 * _DAY, retention_s=8 * _DAY, zone="no; zone")
    with connect(empty_plain_database_url, application="tests") as connection:
        with pytest.raises(ConfigurationError) as failure:
            migrate.migrate(connection, options)
        assert len(failure.value.problems) == 2
        assert connection.execute("SELECT to_regclass('observations')").fetchone() == (None,)


def test_the_reader_selects_from_the_documented_relations_and_nothing_else(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        for relation in sorted(_names(connection, OURS)):
            select = f"SELECT count(*) FROM {relation}"  # noqa: S608
            if relation in DOCUMENTED:
                _as_role(connection, "lifeline_reader", select)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    _as_role(connection, "lifeline_reader", select)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO observations VALUES (1, now(), 1, 0)",
        "UPDATE alerts SET acknowledged = true",
        "DELETE FROM dead_letters",
        "TRUNCATE observations",
        "CREATE TABLE mine (id int)",
        "DROP VIEW latest_observations",
        "SELECT digest FROM tokens",
        "SET ROLE lifeline_writer",
    ],
)
def test_the_reader_changes_nothing(plain_database_url: str, statement: str) -> None:
    with connect(plain_database_url, application="tests") as connection:
        connection.execute("DROP ROLE IF EXISTS grafana_of_a_test")
        connection.execute("CREATE ROLE grafana_of_a_test LOGIN IN ROLE lifeline_reader")
        try:
            with connect(_as(plain_database_url, "grafana_of_a_test"), application="tests") as reader:
                assert reader.execute("SELECT count(*) FROM latest_observations").fetchone() == (0,)
                with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject)):
                    reader.execute(statement.encode())
        finally:
            connection.execute("DROP ROLE grafana_of_a_test")


def test_the_writer_stores_but_never_edits_the_life_of_an_alert(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        _as_role(connection, "lifeline_writer", "INSERT INTO observations VALUES (1, now(), 1, 0)")
        for statement in ("DELETE FROM alert_events", "UPDATE alert_events SET event = 'cleared'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _as_role(connection, "lifeline_writer", statement)


def test_rollups_equal_a_recomputation_from_raw_rows(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        _fill(connection, _now(), days=5, seed=1)
        for rollup in ROLLUPS:
            expected = recomputed(connection, rollup)
            assert len(expected) > 15
            assert stored(connection, rollup) == expected, f"{rollup} before any refresh"
        run_jobs(connection)
        for rollup in ROLLUPS:
            assert stored(connection, rollup) == recomputed(connection, rollup), f"{rollup} after a refresh"


def test_late_observations_reach_the_rollups_after_one_refresh(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        now = _now()
        _fill(connection, now, days=7, seed=1)
        run_jobs(connection)
        latest = timedelta(seconds=OPTIONS.lateness_s) - timedelta(minutes=1)
        for age in (latest, timedelta(days=3), timedelta(hours=2)):
            _store(connection, [(1, now - age, 1000.5, 0), (77, now - age, 5.0, 0), (2, now - age, 9.0, 1)])
        run_jobs(connection)
        for rollup in ROLLUPS:
            found = stored(connection, rollup)
            assert found == recomputed(connection, rollup), rollup
            assert {b.datastream for b in found} == {1, 2, 3, 77}


def test_compressed_chunks_keep_the_key_and_every_value(timescaledb_url: str) -> None:
    with connect(timescaledb_url, application="tests") as connection:
        now = _now()
        _fill(connection, now, days=14, seed=2)
        before = connection.execute("SELECT * FROM observations ORDER BY 1, 2").fetchall()
        run_jobs(connection)
        compressed = connection.execute(
            "SELECT count(*) FROM timescaledb_information.chunks "
            "WHERE hypertable_name = 'observations' AND is_compressed"
        ).fetchone()
        assert compressed
        assert 4 <= compressed[0] <= 6
        assert connection.execute("SELECT * FROM observations ORDER BY 1, 2").fetchall() == before
        # A batch that comes again changes nothing; a new row among old ones is stored.
        _store(connection, [*before[:50], (1, now - timedelta(days=12, seconds=7), 4.5, 0)])
        assert connection.execute("SELECT count(*) FROM observations").fetchone() == (len(before) + 1,)


def test_the_stand_in_for_time_bucket_equals_timescaledbs(plain_database_url: str, timescaledb_url: str) -> None:
    chance = random.Random(7)
    first = datetime(1985, 1, 1, tzinfo=UTC)
    times = [first + timedelta(seconds=chance.uniform(0, 50 * 365 * _DAY)) for _ in range(500)]
    times += [first.replace(year=2026, hour=hour) for hour in (0, 15, 16, 17)]
    times += [datetime(2000, 1, 3, tzinfo=UTC), datetime(1999, 12, 31, 15, 59, 59, 999999, tzinfo=UTC)]
    widths = ["1 minute", "5 minutes", "15 minutes", "1 hour", "6 hours", "1 day", "7 days"]
    zones = [None, "Asia/Shanghai", "Asia/Urumqi", "UTC"]
    with (
        connect(plain_database_url, application="tests") as ours,
        connect(timescaledb_url, application="tests") as theirs,
    ):
        for width, zone in itertools.product(widths, zones):
            call = "time_bucket(%(width)s::interval, t, %(zone)s)" if zone else "time_bucket(%(width)s::interval, t)"
            sql = f"SELECT t, {call} FROM unnest(%(times)s::timestamptz[]) AS t".encode()  # noqa: S608
            values = {"width": width, "zone": zone, "times": times}
            found = ours.execute(sql, values).fetchall()
            assert found == theirs.execute(sql, values).fetchall(), f"{width} in {zone}"


def _now() -> datetime:
    return datetime.now(UTC)


def _fill(connection: Connection[TupleRow], now: datetime, *, days: int, seed: int) -> None:
    """Irregular rows of three datastreams up to `now`; values are halves, so that sums are exact in any order."""
    chance = random.Random(seed)
    rows: dict[tuple[int, datetime], tuple[int, datetime, float, int]] = {}
    for _ in range(days * 200):
        datastream = chance.choice([1, 1, 2])
        time = now - timedelta(seconds=chance.randrange(days * _DAY))
        quality = chance.choice([0, 0, 0, 0, 1, 2, 4])
        rows[datastream, time] = (datastream, time, chance.randrange(-2000, 2000) / 2, quality)
    for hour in range(days * 24):
        # A datastream that nobody trusts.
        time = now - timedelta(hours=hour, seconds=30)
        rows[3, time] = (3, time, 1.0, 1)
    _store(connection, list(rows.values()))


def _store(connection: Connection[TupleRow], rows: list[tuple[int, datetime, float, int]] | list[TupleRow]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(
        "INSERT INTO observations SELECT * FROM unnest(%s::int[], %s::timestamptz[], %s::float8[], %s::smallint[]) "
        "ON CONFLICT DO NOTHING",
        columns,
    )


def _as(url: str, user: str) -> str:
    return url.replace("postgres@", f"{user}@")


def _as_role(connection: Connection[TupleRow], role: str, statement: str) -> None:
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {role}".encode())
        connection.execute(statement.encode())
