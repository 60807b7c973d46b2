"""By which clock a database hears: the system's, or that of replays. It is decided while the database is empty.

Absence and running delays are judged by how far ingest has heard. In a replay that is not the time of day but how far
the replay has come, so a test platform may live by the clock that the replay tells. A database that has ever stored
anything by the system's clock can never be turned into one: nobody can take the time away from a platform that people
rely on.
"""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import ConfigurationError
from domain.times import to_datetime
from storage.database import translated
from storage.sql import queries

REPLAY = "replay"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """A replay has come to an instant (microseconds since 1970, UTC), or begins there."""

    time: int
    begins: bool


def take_clock(connection: Connection[TupleRow], clock: str) -> None:
    """Makes an empty database one that lives by the clock of replays, where the settings say so.

    Raises:
        ConfigurationError: It holds something, or it lives by another clock than the settings say.
    """
    sql = queries("clock")
    with translated(), connection.transaction():
        row = connection.execute(sql["lock_clock"]).fetchone()
        if clock == REPLAY and row is not None and row[0] != REPLAY:
            used = connection.execute(sql["used"]).fetchone()
            if used is None or used[0]:
                raise _wrong(clock, "lives by the system's clock, since it holds observations")
            connection.execute(sql["take_replay"])
            connection.execute(sql["registered_before_all"])
            connection.execute(sql["known_before_all"])
            connection.execute(sql["raise_registry_version"])
            return
    check_clock(connection, clock)


def check_clock(connection: Connection[TupleRow], clock: str) -> None:
    """Raises ConfigurationError where settings and database do not speak of one clock."""
    with translated():
        row = connection.execute(queries("clock")["clock"]).fetchone()
    found = row[0] if row else "system"
    if found != clock:
        raise _wrong(clock, f"lives by the clock {found!r}")


def refuse_replays(connection: Connection[TupleRow]) -> None:
    """Raises ConfigurationError in a database of replays: nobody may be told of what is over as if it were now."""
    with translated():
        row = connection.execute(queries("clock")["clock"]).fetchone()
    if row and row[0] == REPLAY:
        raise ConfigurationError(
            "this is a database of replays",
            ["nobody may be told of what is over as if it were now: run notify without LIFELINE_NOTIFY_CONFIG"],
        )


def _wrong(clock: str, what: str) -> ConfigurationError:
    advice = (
        "replay into an empty database of its own, made by `lifeline db migrate` with LIFELINE_CLOCK=replay"
        if clock == REPLAY
        else "set LIFELINE_CLOCK=replay for a database of replays, or name another database"
    )
    return ConfigurationError(
        "the clock is another one", [f"LIFELINE_CLOCK={clock}, but the database {what}: {advice}"]
    )


def reach(connection: Connection[TupleRow], partition: str, reached: Reached) -> None:
    """Notes how far a replay has come, in the caller's transaction."""
    sql = queries("clock")
    time = to_datetime(reached.time)
    if reached.begins and connection.execute(sql["begin_registered"], {"time": time}).rowcount:
        connection.execute(sql["raise_registry_version"])
    connection.execute(sql["reach"], {"partition": partition, "time": time, "begins": reached.begins})


def reached(connection: Connection[TupleRow], partition: str) -> int | None:
    """How far a partition has heard; None if it never has. Microseconds since 1970 (UTC)."""
    with translated():
        row = connection.execute(queries("clock")["reached"], {"partition": partition}).fetchone()
    return None if row is None or row[0] is None else int(row[0])
