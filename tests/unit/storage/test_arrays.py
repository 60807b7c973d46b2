"""Columns travel in PostgreSQL's binary array format and come back unchanged."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from storage.arrays import FLOAT8, INT2, INT4, INT8, POSTGRES_EPOCH_MICROS, TIMESTAMPTZ, Column, to_bytes, to_numpy

_DTYPES = {INT2: np.int16, INT4: np.int32, INT8: np.int64, FLOAT8: np.float64}


@pytest.mark.parametrize("oid", sorted(_DTYPES))
@given(data=st.data())
def test_a_column_survives_the_way(oid: int, data: st.DataObject) -> None:
    values = data.draw(numpy_arrays(_DTYPES[oid], st.integers(0, 50)))
    found = to_numpy(to_bytes(Column(values, oid)), oid)
    assert found.dtype == _DTYPES[oid]
    np.testing.assert_array_equal(found, values)


@given(st.lists(st.integers(-(2**62), 2**62), max_size=50))
def test_instants_keep_their_microsecond(micros: list[int]) -> None:
    values = np.array(micros, dtype=np.int64)
    np.testing.assert_array_equal(to_numpy(to_bytes(Column(values, TIMESTAMPTZ)), TIMESTAMPTZ), values)


def test_the_format_is_postgresqls() -> None:
    data = to_bytes(Column(np.array([7], dtype=np.int32), INT4))
    assert data == struct.pack("!iiIiiii", 1, 0, INT4, 1, 1, 4, 7)
    data = to_bytes(Column(np.array([POSTGRES_EPOCH_MICROS + 5]), TIMESTAMPTZ))
    assert data == struct.pack("!iiIiiiq", 1, 0, TIMESTAMPTZ, 1, 1, 8, 5)


@pytest.mark.parametrize("header", [(1, 1, INT4, 1, 1), (2, 0, INT4, 1, 1)])
def test_nulls_and_matrices_are_refused(header: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="without NULL"):
        to_numpy(struct.pack("!iiIii", *header) + struct.pack("!ii", 4, 7), INT4)
