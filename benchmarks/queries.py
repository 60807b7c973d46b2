"""How long the questions of dashboards take at the database, over a month of one-minute data of 600 datastreams.

Run: python benchmarks/queries.py [--on embedded|wasm|URL] [--days N] [--datastreams N] [--runs N] [--json]

`embedded` is PostgreSQL from the wheel, `wasm` TimescaleDB compiled to WebAssembly (needs `npm ci` in
tests/support/timescale), a URL a database of any server: an empty one, or one that this has filled before. Times are
those of EXPLAIN (ANALYZE, TIMING OFF): planning and execution at the database, without the way to it and without a
clock read for every row. On TimescaleDB days older
than the promised lateness are compressed and the continuous aggregates refreshed, as its jobs would have done.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from psycopg import Connection
from psycopg.rows import TupleRow
from rich.console import Console
from rich.table import Table

from benchmarks.rig import PROPERTIES
from runtime.embedded.database import EmbeddedDatabase
from runtime.progress import Steps
from storage import migrate
from storage.database import connect
from storage.sql import queries
from tests.support.databases import TimescaleServer

_DAY = timedelta(days=1)
_LATENESS = 7 * _DAY
OPTIONS = migrate.TimeSeriesOptions(lateness_s=7 * 86_400, retention_s=400 * 86_400)

_REGISTRY = """
INSERT INTO assets (id, network, kind, name_en, name_zh, area, geometry, longitude, latitude)
SELECT 'asset-' || n, 'water', 'site', 'Site ' || n, n || '号点', '330106',
       '{"type": "Point", "coordinates": [120, 30]}', 120, 30
  FROM generate_series(1, %(devices)s) n;
INSERT INTO devices (id, asset, model, reporting_interval_s)
SELECT 'device-' || n, 'asset-' || n, 'benchmark', 60 FROM generate_series(1, %(devices)s) n;
INSERT INTO datastreams (device, property, unit)
SELECT 'device-' || n, p.id, p.unit
  FROM generate_series(1, %(devices)s) n, properties p
 WHERE p.id = ANY (%(properties)s)
"""
#: One day: a daily rhythm and noise, minute by minute as devices report, so that rows lie as ingest would lay them.
_DAY_OF_DATA = """
INSERT INTO observations (datastream, time, value)
SELECT d.id, t, round((50 + 20 * sin(extract(epoch FROM t) / 13751 + d.id) + random())::numeric, 2)::float8
  FROM generate_series(%(day)s::timestamptz, %(day)s::timestamptz + INTERVAL '1 day' - INTERVAL '1 minute',
                       INTERVAL '1 minute') t,
       datastreams d
"""
_COMPRESS = "SELECT compress_chunk(c, true) FROM show_chunks('observations', older_than => %(before)s::timestamptz) c"
_ROLLUPS = ("observations_5m", "observations_1h", "observations_1d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question and how fast it should be."""

    name: str
    sql: LiteralString
    parameters: Callable[[int], dict[str, Any]]
    target_ms: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Medians over the runs, milliseconds at the database."""

    name: str
    planning_ms: float
    execution_ms: float
    total_ms: float
    rows: int
    target_ms: float | None


@contextmanager
def database(where: str) -> Iterator[str]:
    """The URL of an empty database."""
    if where == "wasm":
        server = TimescaleServer()
        try:
            yield server.fresh(migrated=False)
        finally:
            server.stop()
    elif where == "embedded":
        with tempfile.TemporaryDirectory() as folder, EmbeddedDatabase(Path(folder) / "database") as embedded:
            yield embedded.url
    else:
        yield where


def filled_until(connection: Connection[TupleRow]) -> datetime | None:
    """The end of the data of an earlier run; None for an empty database."""
    row = connection.execute("SELECT max(time) + INTERVAL '1 minute' FROM observations").fetchone()
    return row[0] if row else None


def load(connection: Connection[TupleRow], end: datetime, days: int, datastreams: int) -> None:
    """Writes the registry and the observations up to `end`."""
    values = {"devices": -(-datastreams // len(PROPERTIES)), "properties": [p.id for p in PROPERTIES]}
    for statement in _REGISTRY.split(";"):
        connection.execute(statement, values)
    compressing = migrate.status(connection).level == "timescaledb"
    with Steps(days) as steps:
        for number in range(days):
            day = end - (days - number) * _DAY
            steps.next(f"loading {day:%Y-%m-%d}")
            connection.execute(_DAY_OF_DATA, {"day": day})
            if compressing:
                connection.execute(_COMPRESS, {"before": min(day, end - _LATENESS - _DAY)})
    if compressing:
        for rollup in _ROLLUPS:
            connection.execute(
                f"CALL refresh_continuous_aggregate('{rollup}', NULL, %s::timestamptz)",
                (end - timedelta(hours=1),),
            )
    for statement in ("VACUUM (ANALYZE) observations", "ANALYZE"):
        connection.execute(statement)


def questions(end: datetime, datastreams: int) -> list[Question]:
    """What is measured; each run asks about another datastream."""
    sql = queries("readings")
    everywhere = dict.fromkeys(("after", "device", "asset", "network", "area"))

    def chart(run: int) -> dict[str, Any]:
        number = 1 + run * 37 % datastreams
        return {"datastream": number, "since": end - 30 * _DAY, "until": end, "limit": 10_000}

    return [
        Question(
            name="latest values of all datastreams (API)",
            sql=sql["latest"],
            parameters=lambda _: {**everywhere, "limit": datastreams, "since": end - _DAY},
            target_ms=50,
        ),
        Question(
            name="the same, of a tenth that has been silent for a day",
            sql=sql["latest_before"],
            parameters=lambda _: {"datastreams": list(range(1, datastreams // 10 + 1)), "since": end - _DAY},
            target_ms=50,
        ),
        Question(
            name="latest values of all datastreams (view)",
            sql="SELECT * FROM latest_observations",
            parameters=lambda _: {},
            target_ms=50,
        ),
        Question(name="30 days of one datastream, hours", sql=sql["rollup_1h"], parameters=chart, target_ms=30),
        Question(name="30 days of one datastream, days", sql=sql["rollup_1d"], parameters=chart, target_ms=30),
        Question(name="30 days of one datastream, 5 minutes", sql=sql["rollup_5m"], parameters=chart, target_ms=None),
        Question(
            name="one day of one datastream, raw",
            sql=sql["raw"],
            parameters=lambda run: chart(run) | {"since": end - _DAY},
            target_ms=None,
        ),
    ]


def measure(connection: Connection[TupleRow], question: Question, runs: int) -> Answer:
    """Asks once to warm up, then `runs` times."""
    plans = []
    for run in range(runs + 1):
        statement = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + question.sql
        row = connection.execute(statement, question.parameters(run)).fetchone()
        plans.append(row[0][0] if row else {})
    planning = statistics.median(p["Planning Time"] for p in plans[1:])
    execution = statistics.median(p["Execution Time"] for p in plans[1:])
    return Answer(
        name=question.name,
        planning_ms=round(planning, 2),
        execution_ms=round(execution, 2),
        total_ms=round(statistics.median(p["Planning Time"] + p["Execution Time"] for p in plans[1:]), 2),
        rows=int(plans[-1]["Plan"]["Actual Rows"]),
        target_ms=question.target_ms,
    )


def plan(connection: Connection[TupleRow], question: Question) -> str:
    """The plan of one question as text."""
    statement = "EXPLAIN (ANALYZE, COSTS OFF) " + question.sql
    return "\n".join(row[0] for row in connection.execute(statement, question.parameters(1)).fetchall())


def main() -> None:
    """Loads, asks, prints; exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", default="embedded", help="embedded, wasm, or the URL of an empty database")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--datastreams", type=int, default=600)
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with (
        database(options.on) as url,
        connect(url, application="benchmark", statement_timeout_s=600) as connection,
    ):
        migrate.migrate(connection, OPTIONS)
        begun = time.monotonic()
        end = filled_until(connection)
        if end is None:
            end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
            load(connection, end, options.days, options.datastreams)
        rows = options.days * options.datastreams * 1440
        seconds = round(time.monotonic() - begun, 1)
        asked = questions(end, options.datastreams)
        answers = [measure(connection, question, options.runs) for question in asked]
        plans = {question.name: plan(connection, question) for question in asked}
        level = migrate.status(connection).level
    if options.json:
        document = {"level": level, "rows": rows, "load_s": seconds, "answers": [asdict(a) for a in answers]}
        sys.stdout.write(json.dumps(document | {"plans": plans}) + "\n")
    else:
        _show(f"{level}: {rows:,} observations, ready after {seconds} s; median of {options.runs}", answers, plans)
    sys.exit(int(any(a.target_ms is not None and a.total_ms > a.target_ms for a in answers)))


def _show(title: str, answers: list[Answer], plans: dict[str, str]) -> None:
    table = Table("question", "rows", "planning ms", "execution ms", "total ms", "target ms", title=title)
    for answer in answers:
        style = "red" if answer.target_ms is not None and answer.total_ms > answer.target_ms else "green"
        table.add_row(
            answer.name, str(answer.rows), str(answer.planning_ms), str(answer.execution_ms),
            f"[{style}]{answer.total_ms}[/]", str(answer.target_ms or ""),
        )  # fmt: skip
    console = Console(width=140)
    console.print(table)
    for name, text in plans.items():
        console.print(f"\n[bold]{name}[/]")
        console.print(text, markup=False, highlight=False)


if __name__ == "__main__":
    main()
