"""Whole columns to and from PostgreSQL in its binary array format, without a Python object for each element.

`Column(values, oid)` wraps a one-dimensional numpy array; psycopg sends it as int4[], int2[], float8[] or
timestamptz[]. Reading, `to_numpy` takes the raw bytes of a binary result. Instants are int64 microseconds since 1970.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.abc import DumperKey
from psycopg.adapt import Dumper, Loader, PyFormat
from psycopg.pq import Format
from psycopg.rows import TupleRow

INT2, INT4, INT8, FLOAT8, TIMESTAMPTZ = 21, 23, 20, 701, 1184
_ARRAY_OID = {INT2: 1005, INT4: 1007, INT8: 1016, FLOAT8: 1022, TIMESTAMPTZ: 1185}
_ELEMENT = {INT2: ">i2", INT4: ">i4", INT8: ">i8", FLOAT8: ">f8", TIMESTAMPTZ: ">i8"}
#: psycopg keeps one dumper a key, and a key is made of types.
_KEY: dict[int, type] = {INT2: np.int16, INT4: np.int32, INT8: np.int64, FLOAT8: np.float64, TIMESTAMPTZ: datetime}
_OF_ARRAY = {array: element for element, array in _ARRAY_OID.items()}
#: PostgreSQL counts from 2000-01-01; we count from 1970-01-01.
POSTGRES_EPOCH_MICROS = 946_684_800_000_000
_HEADER = struct.Struct("!iiIii")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of values to send as one array parameter."""

    values: NDArray[Any]
    oid: int


def to_bytes(column: Column) -> bytes:
    """The binary array of a column: header, then length and value of each element."""
    size = len(column.values)
    if size == 0:
        return _HEADER.pack(0, 0, column.oid, 0, 1)[:12]
    element = np.dtype(_ELEMENT[column.oid])
    out = np.empty(size, dtype=[("length", ">i4"), ("value", element)])
    out["length"] = element.itemsize
    values = column.values
    out["value"] = values - POSTGRES_EPOCH_MICROS if column.oid == TIMESTAMPTZ else values
    return _HEADER.pack(1, 0, column.oid, size, 1) + out.tobytes()


def to_numpy(data: bytes | memoryview, oid: int) -> NDArray[Any]:
    """The array of a binary result without NULLs, in native byte order; timestamps as microseconds since 1970."""
    element = np.dtype(_ELEMENT[oid])
    dimensions, has_null, _, size, _ = _HEADER.unpack_from(bytes(data[:20]).ljust(20, b"\0"))
    if dimensions == 0:
        return np.empty(0, dtype=element.newbyteorder("="))
    if has_null or dimensions != 1:
        raise ValueError("only one-dimensional arrays without NULL are read here")
    pairs = np.frombuffer(data, dtype=[("length", ">i4"), ("value", element)], count=size, offset=20)
    values = pairs["value"].astype(element.newbyteorder("="))
    return values + POSTGRES_EPOCH_MICROS if oid == TIMESTAMPTZ else values


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return to_bytes(obj)

    def get_key(self, obj: Column, format: PyFormat) -> DumperKey:  # noqa: A002, ARG002
        return (self.cls, _KEY[obj.oid])

    def upgrade(self, obj: Column, format: PyFormat) -> "_ColumnDumper":  # noqa: A002, ARG002
        dumper = _ColumnDumper(self.cls)
        dumper.oid = _ARRAY_OID[obj.oid]
        return dumper


class _ColumnLoader(Loader):
    format = Format.BINARY

    def load(self, data: Any) -> NDArray[Any]:  # noqa: ANN401
        return to_numpy(data, _OF_ARRAY[self.oid])


def register(connection: Connection[TupleRow], *, load: bool = False) -> None:
    """Lets this connection send columns; with `load`, arrays of binary cursors come back as numpy arrays."""
    connection.adapters.register_dumper(Column, _ColumnDumper)
    if load:
        for oid in _OF_ARRAY:
            connection.adapters.register_loader(oid, _ColumnLoader)
