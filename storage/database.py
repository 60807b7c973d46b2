"""Connections: one pool a process, one place where psycopg's errors become ours.

Timeouts are set on every session, so that no statement and no lock can hold a stage for ever. Prepared statements are
off unless asked for: poolers and single-backend servers do not keep them apart.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.errors import RefusedDataError, UnavailableError

#: What other packages call a connection, without knowing psycopg.
Link = Connection[TupleRow]
#: SQLSTATE classes that speak of the values, not of the server: 22 data exception, 23 integrity constraint violation.
_DATA_CLASSES = ("22", "23")
#: More tuples than one transaction may decompress: the batch is too large, not wrong (TimescaleDB raises 53400).
_TOO_MUCH_AT_ONCE = "53400"


@contextmanager
def translated() -> Iterator[None]:
    """Turns psycopg's errors into ours at this one seam; a programming error of ours passes through unchanged."""
    try:
        yield
    except PoolTimeout as exc:
        raise UnavailableError(f"no database connection became free in time: {exc}") from exc
    except (errors.DataError, errors.IntegrityError) as exc:
        raise RefusedDataError(_first_line(exc)) from exc
    except UnicodeEncodeError as exc:
        raise RefusedDataError(f"text cannot be encoded: {exc}") from exc
    except (psycopg.OperationalError, psycopg.InterfaceError, errors.InternalError) as exc:
        if exc.sqlstate == _TOO_MUCH_AT_ONCE:
            raise RefusedDataError(_first_line(exc)) from exc
        raise UnavailableError(_first_line(exc)) from exc
    except psycopg.DatabaseError as exc:
        if exc.sqlstate and exc.sqlstate.startswith(_DATA_CLASSES):
            raise RefusedDataError(_first_line(exc)) from exc
        raise


def _first_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__


def connection_parameters(url: str, *, application: str, statement_timeout_s: float = 30.0) -> dict[str, Any]:
    """What every connection of ours is opened with."""
    parameters = conninfo_to_dict(url)
    parameters.setdefault("connect_timeout", 5)
    parameters.setdefault("application_name", f"lifeline {application}")
    parameters.setdefault("keepalives_idle", 5)
    parameters.setdefault("keepalives_interval", 2)
    parameters.setdefault("keepalives_count", 3)
    parameters.setdefault("tcp_user_timeout", 15000)
    # Any password is accepted by a server that asks for none, but some must be sent to single-backend servers.
    parameters.setdefault("password", "none")
    milliseconds = int(statement_timeout_s * 1000)
    options = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c timezone=UTC"
    # The server, too, must notice soon that a client's host is gone: until then it keeps the client's locks.
    keepalives = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    parameters["options"] = f"{parameters.get('options') or ''} {options} {keepalives}".strip()
    return parameters


def connect(url: str, *, application: str, statement_timeout_s: float = 30.0) -> Connection[TupleRow]:
    """One connection in autocommit; the caller opens transactions with `with connection.transaction()`."""
    parameters = connection_parameters(url, application=application, statement_timeout_s=statement_timeout_s)
    with translated():
        return psycopg.connect(make_conninfo(**parameters), autocommit=True, prepare_threshold=None)


def cut(connection: Connection[TupleRow]) -> None:
    """Ends a connection from another thread without waiting: whoever waits on it gets UnavailableError."""
    with (
        contextlib.suppress(OSError, psycopg.OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)


def open_pool(url: str, *, application: str, size: int = 4, statement_timeout_s: float = 30.0) -> "Pool":
    """A pool of at most `size` connections, opened lazily, so that a process can start before its database."""
    parameters = connection_parameters(url, application=application, statement_timeout_s=statement_timeout_s)
    pool = ConnectionPool(
        make_conninfo(**parameters),
        min_size=1,
        max_size=size,
        open=True,
        timeout=5.0,
        max_waiting=200,
        reconnect_timeout=5.0,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True, "prepare_threshold": None},
        name=application,
    )
    return Pool(pool)


class Pool:
    """A psycopg pool whose errors are ours."""

    def __init__(self, pool: ConnectionPool[Connection[TupleRow]]) -> None:
        self._pool = pool

    @contextmanager
    def connection(self, timeout_s: float | None = None) -> Iterator[Connection[TupleRow]]:
        """Lends a connection in autocommit; raises UnavailableError when none can be had in time."""
        with translated(), self._pool.connection(timeout_s) as connection:
            yield connection

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close(timeout=2.0)
