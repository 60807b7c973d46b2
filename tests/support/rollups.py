"""Rollups, computed once more in Python from raw rows, and refreshed as TimescaleDB's scheduler would."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import TupleRow

ZONE = ZoneInfo("Asia/Shanghai")
ROLLUPS = ("observations_5m", "observations_1h", "observations_1d")
_WIDTH = {"observations_5m": timedelta(minutes=5), "observations_1h": timedelta(hours=1)}
_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One row of a rollup."""

    datastream: int
    bucket: datetime
    count: int
    doubtful: int
    sum: float | None
    minimum: float | None
    maximum: float | None
    average: float | None


def bucket_of(rollup: str, time: datetime) -> datetime:
    """The start of the bucket that an instant falls into; days are days of the place."""
    if rollup in _WIDTH:
        return _EPOCH + (time - _EPOCH) // _WIDTH[rollup] * _WIDTH[rollup]
    return time.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def recomputed(connection: Connection[TupleRow], rollup: str) -> list[Bucket]:
    """What the rollup must hold, from the raw rows alone."""
    values: defaultdict[tuple[int, datetime], list[float]] = defaultdict(list)
    doubtful: defaultdict[tuple[int, datetime], int] = defaultdict(int)
    for datastream, time, value, quality in connection.execute(
        "SELECT datastream, time, value, quality FROM observations"
    ):
        key = (datastream, bucket_of(rollup, time))
        if quality == 0:
            values[key].append(value)
        else:
            doubtful[key] += 1
    return [
        Bucket(
            *key,
            len(good := values.get(key, [])),
            doubtful[key],
            sum(good) if good else None,
            min(good, default=None),
            max(good, default=None),
            sum(good) / len(good) if good else None,
        )
        for key in sorted({*values, *doubtful})
    ]


def stored(connection: Connection[TupleRow], rollup: str) -> list[Bucket]:
    """What the rollup holds."""
    rows = connection.execute(
        "SELECT datastream, bucket, count, doubtful, sum, minimum, maximum, average "  # noqa: S608
        f"FROM {rollup} ORDER BY datastream, bucket".encode()
    )
    return [Bucket(*row) for row in rows]


def run_jobs(connection: Connection[TupleRow]) -> list[str]:
    """Runs every policy once, rollups from fine to coarse; returns what ran (nothing on plain PostgreSQL)."""
    if connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        return []
    jobs = connection.execute(
        "SELECT job_id, proc_name FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY job_id"
    ).fetchall()
    for job, _ in jobs:
        connection.execute(f"CALL run_job({int(job)})".encode())
    return [str(name) for _, name in jobs]
