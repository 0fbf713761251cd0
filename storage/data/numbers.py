"""Columns of numbers as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


def number_array(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of integers or floating-point numbers, NaN where it is NULL.

    `Array.to_numpy` would import pandas, which takes longer than `status`.

    Returns:
        float64 [rows].
    """
    validity, data = column.buffers()
    if data is None:
        return np.full(len(column), np.nan)
    ours = slice(column.offset, column.offset + len(column))
    numbers = np.frombuffer(data, column.type.to_pandas_dtype())[ours].astype(np.float64)
    if column.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[ours]
        numbers[valid == 0] = np.nan
    return numbers
