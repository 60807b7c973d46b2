"""Instants. Inside the pipeline an instant is an integer: microseconds since 1970-01-01T00:00:00Z.

Integers compare, subtract and fill numpy arrays without a time zone ever being in doubt. `datetime` appears at the
edges only, and always aware, in UTC.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MICROS_PER_SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years 1 and 9999 with a day to spare: what datetime and timestamptz both hold.
EARLIEST = -62_135_510_400 * MICROS_PER_SECOND
LATEST = 253_402_214_400 * MICROS_PER_SECOND

Clock = Callable[[], int]


def now_micros() -> int:
    """The system clock, in microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000


def to_datetime(micros: int) -> datetime:
    """An instant as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as an instant; a naive one is a bug and raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def isoformat(micros: int) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-05-01T08:00:00.000Z."""
    return to_datetime(micros).isoformat(timespec="milliseconds").replace("+00:00", "Z")
