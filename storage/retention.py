"""What is removed when its time is over, in bounded deletes, so that no lock and no transaction lasts.

Raw observations are removed here only where the database does not do it by a policy of its own (level `timescaledb`).
"""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from storage.database import translated
from storage.sql import queries

#: Rows in one delete, and deletes of one relation in one sweep.
_ROWS = 5_000
_DELETES = 100
#: A journal row holds a whole batch.
_JOURNAL_ROWS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long things are kept, in seconds."""

    journal_s: int
    observations_s: int
    dead_letters_s: int


def sweep(connection: Connection[TupleRow], retention: Retention) -> dict[str, int]:
    """Removes what is too old, as far as one sweep goes; returns the rows removed by relation."""
    with translated():
        level = connection.execute(queries("retention")["level"]).fetchone()
    removed = {
        "journal": _remove(connection, "journal", retention.journal_s, _JOURNAL_ROWS),
        "dead_letters": _remove(connection, "dead_letters", retention.dead_letters_s, _ROWS),
    }
    if level is not None and level[0] != "timescaledb":
        removed["observations"] = _remove(connection, "observations", retention.observations_s, _ROWS)
    return removed


def _remove(connection: Connection[TupleRow], relation: str, keep_s: int, limit: int) -> int:
    removed = 0
    for _ in range(_DELETES):
        with translated():
            count = connection.execute(queries("retention")[relation], {"keep_s": keep_s, "limit": limit}).rowcount
        removed += count
        if count < limit:
            break
    return removed
