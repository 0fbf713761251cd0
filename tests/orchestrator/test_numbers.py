"""Columns of numbers as NumPy arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from orchestrator.display.store_summary import number_array


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int32(), pa.uint8()])
def test_null_is_nan_also_in_a_slice(kind: pa.DataType) -> None:
    column = pa.array([1, None, 3, None, *range(5, 20)], kind)
    for part in (column, column.slice(2), column.slice(3, 9), column.slice(0, 0)):
        expected = [np.nan if value is None else value for value in part.to_pylist()]
        np.testing.assert_array_equal(number_array(part), expected)


def test_column_without_a_value_is_nan() -> None:
    assert np.isnan(number_array(pa.array([None, None], pa.float64()))).all()
