"""The kernels' layout of points: stripes of rows.

A *stripe* holds `STRIPE` points: one row for each feature, one for the labels and one for the
points' weights in the loss.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from workers.datasets import Dataset
from workers.kernel.codegen import constant
from workers.kernel.compiled import compiled
from workers.kernel.simd import (
    LANES,
    STRIPE,
    aligned_zeros,
    element_pointer,
    shuffled,
    type_float,
    type_int64,
)

_COLUMNS = 4
"""Columns transposed at a time: 128 bits of a point, the unit within which processors shuffle."""


@intrinsic  # type: ignore[untyped-decorator]
def _transpose(
    typing_context: Any,
    table: Any,
    width: Any,
    column: Any,
    order: Any,
    first: Any,
    stripe: Any,
    target: Any,
    last_row: Any,
) -> Any:
    """Copy `_COLUMNS` columns of the points order[first : first + LANES] into rows of a stripe.

    Column c becomes row c, but no row after `last_row` is written: `last_row` is written instead.

    table: float32 [N, width].
    width: row length of the table.
    column: first of the columns.
    order: uint32 [N].
    first: index in `order` of the first point.
    stripe: float32, the stripe.
    target: number of the first point in the stripe.
    last_row: last row to write.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, width, column, order, first, stripe, target, last_row = args
        table_type, order_type, stripe_type = (signature.args[i] for i in (0, 3, 5))
        quarter = ir.VectorType(type_float, _COLUMNS)

        def point(number: int) -> Any:
            position = builder.add(first, constant(number))
            index = builder.load(element_pointer(context, builder, order_type, order, position))
            start = builder.add(builder.mul(builder.zext(index, type_int64), width), column)
            pointer = element_pointer(context, builder, table_type, table, start)
            return builder.load(builder.bitcast(pointer, quarter.as_pointer()), align=4)

        def joined(parts: list[Any]) -> Any:
            while len(parts) > 1:
                every = list(range(2 * parts[0].type.count))
                parts = [
                    shuffled(builder, parts[i], parts[i + 1], every)
                    for i in range(0, len(parts), 2)
                ]
            return parts[0]

        # Register r holds the points r, r + 4, r + 8 and so on, so that quarters are transposed.
        points = [
            joined([point(r + number) for number in range(0, LANES, _COLUMNS)])
            for r in range(_COLUMNS)
        ]

        def picked(a: Any, b: Any, pattern: list[int]) -> Any:
            """Shuffle each quarter; numbers from 4 on are elements of `b`."""
            indices = [
                start + p % _COLUMNS + (LANES if p >= _COLUMNS else 0)
                for start in range(0, LANES, _COLUMNS)
                for p in pattern
            ]
            return shuffled(builder, a, b, indices)

        low = [picked(points[r], points[r + 1], [0, 4, 1, 5]) for r in (0, 2)]
        high = [picked(points[r], points[r + 1], [2, 6, 3, 7]) for r in (0, 2)]
        for c, (pair, pattern) in enumerate(
            (pair, pattern) for pair in (low, high) for pattern in ([0, 1, 4, 5], [2, 3, 6, 7])
        ):
            row = builder.add(column, constant(c))
            row = builder.select(builder.icmp_signed("<", row, last_row), row, last_row)
            start = builder.add(builder.mul(row, constant(STRIPE)), target)
            pointer = element_pointer(context, builder, stripe_type, stripe, start)
            values = picked(pair[0], pair[1], pattern)
            builder.store(values, builder.bitcast(pointer, values.type.as_pointer()), align=4)
        return context.get_dummy_value()

    kinds = (table, types.int64, types.int64, order, types.int64, stripe, types.int64, types.int64)
    return types.void(*kinds), generate


@compiled
def gather(table, features, order, first, count, scale, stripe):  # type: ignore[no-untyped-def]
    """Copy the points order[first : first + count], at most STRIPE, into a stripe.

    Arrays:
        table: float32, points and labels in the layout of `packed_points`.
        order: uint32 [N].
        scale: weight of each point in the loss.
        stripe: float32 [(features + 2) * STRIPE], written; padded with points of weight 0.
    """
    width = table.shape[1]
    whole = count // LANES * LANES
    for column in range(0, width, _COLUMNS):
        for s in range(0, whole, LANES):
            # The table's padding goes to the last row, which is written afterwards.
            _transpose(table, width, column, order, first + s, stripe, s, features + 1)
    for s in range(whole, count):
        for column in range(features + 1):
            stripe[column * STRIPE + s] = table[order[first + s], column]
    for s in range(count):
        stripe[(features + 1) * STRIPE + s] = scale
    for row in range(features + 2):
        for s in range(count, STRIPE):
            stripe[row * STRIPE + s] = np.float32(0)


@lru_cache(maxsize=4)
def packed_points(dataset: Dataset) -> NDArray[np.float32]:
    """Return points and labels in one table, float32 [N, width], 64-byte aligned.

    A row has the features, the class number, and zeros up to a multiple of `_COLUMNS`.
    """
    width = -(-(dataset.features + 1) // _COLUMNS) * _COLUMNS
    table = aligned_zeros(len(dataset) * width).reshape(-1, width)
    table[:, : dataset.features] = dataset.points
    table[:, dataset.features] = dataset.labels
    return table


@lru_cache(maxsize=4)
def all_points(dataset: Dataset) -> NDArray[np.float32]:
    """Return all points in stripes, float32 [stripes * (features + 2) * STRIPE], 64-byte aligned.

    Each has weight 1; the last stripe is padded with points of weight 0.
    """
    size = (dataset.features + 2) * STRIPE
    stripes = aligned_zeros(-(-len(dataset) // STRIPE) * size)
    table, order = packed_points(dataset), np.arange(len(dataset), dtype=np.uint32)
    for number, first in enumerate(range(0, len(dataset), STRIPE)):
        count = min(STRIPE, len(dataset) - first)
        target = stripes[number * size :]
        gather(table, dataset.features, order, first, count, np.float32(1), target)
    return stripes
