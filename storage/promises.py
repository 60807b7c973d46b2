"""What devices promise themselves: the most seconds until the next reading of a datastream (SenML `ut`)."""

from collections.abc import Mapping

from psycopg import Connection
from psycopg.rows import TupleRow

from storage.database import translated
from storage.sql import queries


def keep(connection: Connection[TupleRow], promises: Mapping[int, float]) -> dict[int, float] | None:
    """Keeps what has changed and tells running stages; returns what is kept of these datastreams now.

    A longer promise is kept at once, a shorter one only an hour after the last change, and nothing that differs by less
    than a tenth: a device that changes its mind with each message reloads nobody's registry. None if somebody else is
    changing the registry now: try again later.

    Args:
        connection: In autocommit.
        promises: Seconds by datastream.
    """
    sql = queries("promises")
    datastreams = list(promises)
    with translated(), connection.transaction():
        if connection.execute(sql["lock_registry"]).fetchone() is None:
            return None
        changed = connection.execute(
            sql["keep"], {"datastreams": datastreams, "seconds": [promises[one] for one in datastreams]}
        ).rowcount
        if changed:
            connection.execute(sql["raise_registry_version"])
        return dict(connection.execute(sql["kept"], {"datastreams": datastreams}).fetchall())
