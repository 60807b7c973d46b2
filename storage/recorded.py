"""What a database holds of a period, in the order of time and page after page: for replays.

Memory is bounded by the page, not by the period. Instants are microseconds since 1970 (UTC).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import EARLIEST, LATEST, to_datetime
from storage.arrays import INT4, Column, register
from storage.database import translated
from storage.sql import queries

#: Observations in a page, about; as many as one statement may need memory for.
PAGE = 20_000
_FIRST_WINDOW = 600_000_000
_LONGEST_WINDOW = 32 * 86_400_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A datastream, and the place on whose topic its device publishes."""

    id: int
    device: str
    property: str
    boolean: bool
    area: str
    network: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How much there is of a period, and the first and the last instant of it; 0 where there is nothing."""

    observations: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Observations in the order of time, those of one instant by datastream; no instant is torn apart."""

    datastreams: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


def streams(
    connection: Connection[TupleRow], *, network: str | None = None, area: str | None = None, device: str | None = None
) -> tuple[Stream, ...]:
    """The datastreams of a network, of an area, and of the devices whose id matches a pattern with `*` and `?`."""
    like = None
    if device is not None:
        # A backslash takes the meaning of the patterns of SQL from what is none of ours.
        for plain, escaped in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%"), ("?", "_")):
            device = device.replace(plain, escaped)
        like = device
    with translated():
        rows = connection.execute(
            queries("recorded")["chosen"], {"network": network, "area": area, "device": like}
        ).fetchall()
    return tuple(
        Stream(id=r[0], device=r[1], property=r[2], boolean=r[3] == "boolean", area=r[4], network=r[5]) for r in rows
    )


def extent(connection: Connection[TupleRow], datastreams: NDArray[np.int32], since: int, until: int) -> Extent:
    """What some datastreams have in [since, until)."""
    register(connection)
    with translated():
        row = connection.execute(queries("recorded")["extent"], _bounds(datastreams, since, until)).fetchone()
    if row is None or not row[0]:
        return Extent(observations=0, first=0, last=0)
    return Extent(observations=int(row[0]), first=int(row[1]), last=int(row[2]))


def pages(
    connection: Connection[TupleRow], datastreams: NDArray[np.int32], since: int, until: int, *, size: int = PAGE
) -> Iterator[Page]:
    """Everything that some datastreams have in [since, until); pages that hold nothing are left out.

    Time is cut into windows that grow and shrink with what they hold: every server finds a window through the key, and
    none has to sort the period.
    """
    begin, width = since, _FIRST_WINDOW
    while begin < until:
        end = min(begin + width, until)
        found = _page(connection, datastreams, begin, end, size)
        full = len(found.times) == size
        if not full:
            begin, width = end, min(2 * width, _LONGEST_WINDOW) if len(found.times) < size // 4 else width
        elif found.times[0] < found.times[-1]:
            # More may lie at the last instant than came: it is left to the next page.
            whole = int(np.searchsorted(found.times, found.times[-1]))
            begin, width = int(found.times[-1]), max(1, width // 2)
            found = Page(datastreams=found.datastreams[:whole], times=found.times[:whole], values=found.values[:whole])
        else:
            # All of it is one instant: as much as is needed to have it whole.
            begin = int(found.times[0]) + 1
            found = _page(connection, datastreams, begin - 1, begin, len(datastreams))
        if len(found.times):
            yield found


def _page(connection: Connection[TupleRow], datastreams: NDArray[np.int32], since: int, until: int, limit: int) -> Page:
    register(connection, load=True)
    with translated(), connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries("recorded")["page"], {**_bounds(datastreams, since, until), "limit": limit}
        ).fetchone()
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return Page(datastreams=row[0], times=row[1], values=row[2])


def _bounds(datastreams: NDArray[np.int32], since: int, until: int) -> dict[str, object]:
    low, high = (to_datetime(min(max(instant, EARLIEST), LATEST)) for instant in (since, until))
    return {"datastreams": Column(datastreams, INT4), "since": low, "until": high}


def heard(connection: Connection[TupleRow], datastreams: NDArray[np.int32]) -> tuple[int | None, int | None]:
    """Since when these datastreams have been listened to, and up to when all is stored; None where nothing is known."""
    register(connection)
    with translated():
        row = connection.execute(queries("recorded")["heard"], {"datastreams": Column(datastreams, INT4)}).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def same_streams(connection: Connection[TupleRow], chosen: Sequence[Stream]) -> NDArray[np.int32]:
    """The datastreams of the same devices and properties in this database."""
    with translated():
        rows = connection.execute(
            queries("recorded")["same_streams"],
            {"devices": [one.device for one in chosen], "properties": [one.property for one in chosen]},
        ).fetchall()
    return np.array([row[0] for row in rows], dtype=np.int32)
