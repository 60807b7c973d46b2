"""How long it took: from a device's clock to storage and to an alert. True as far as the two clocks are one."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import to_datetime
from storage.database import translated
from storage.sql import queries


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Percentiles in milliseconds; None while nothing was measured."""

    p50: float | None
    p99: float | None
    count: int


def published_to_stored(connection: Connection[TupleRow], *, since: int) -> Latency:
    """From the newest sample of each datastream in a batch to its storage, for batches stored since an instant."""
    with translated():
        row = connection.execute(queries("latencies")["published_to_stored"], {"since": to_datetime(since)}).fetchone()
    return _latency(row)


def published_to_alert(connection: Connection[TupleRow], rules: Sequence[str], *, since: int) -> Latency:
    """From the sample that raised an alert to the record of it.

    Args:
        connection: Database.
        rules: Rules without a delay of their own, whose raises carry the time of the sample.
        since: Only raises recorded since this instant (microseconds since 1970).
    """
    parameters = {"since": to_datetime(since), "rules": list(rules)}
    with translated():
        row = connection.execute(queries("latencies")["published_to_alert"], parameters).fetchone()
    return _latency(row)


def raised_by_network(connection: Connection[TupleRow], *, since: int) -> dict[str, int]:
    """How often an alert was raised since an instant, by network."""
    with translated():
        rows = connection.execute(queries("latencies")["raised_by_network"], {"since": to_datetime(since)}).fetchall()
    return dict(rows)


def _latency(row: TupleRow | None) -> Latency:
    p50, p99, count = row or (None, None, 0)
    return Latency(
        p50=None if p50 is None else round(float(p50), 1),
        p99=None if p99 is None else round(float(p99), 1),
        count=count,
    )
