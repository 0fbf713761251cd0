"""The kernels' layout of points: stripes of rows.

A *stripe* holds `STRIPE` points: one row for each feature, one for the labels and one for the
points' weights in the loss.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.simd import STRIPE, aligned_zeros


@compiled
def gather(points, labels, order, first, count, scale, stripe):  # type: ignore[no-untyped-def]
    """Copy the points order[first : first + count] into a stripe.

    Args:
        points: float32 [N, features].
        labels: float32 [N], class numbers.
        order: uint32 [N].
        first: index in `order` of the first point.
        count: number of points, at most STRIPE.
        scale: weight of each point in the loss.
        stripe: float32 [(features + 2) * STRIPE], written; padded with points of weight 0.
    """
    features = points.shape[1]
    # Row by row: copying point by point takes twice as long.
    for feature in range(features):
        for s in range(count):
            stripe[feature * STRIPE + s] = points[order[first + s], feature]
    for s in range(count):
        stripe[features * STRIPE + s] = labels[order[first + s]]
    for s in range(count):
        stripe[(features + 1) * STRIPE + s] = scale
    for row in range(features + 2):
        for s in range(count, STRIPE):
            stripe[row * STRIPE + s] = np.float32(0)


@lru_cache(maxsize=4)
def all_points(dataset: Dataset) -> NDArray[np.float32]:
    """Return all points in stripes, each with weight 1.

    Returns:
        float32 [stripes * (features + 2) * STRIPE], 64-byte aligned. The last stripe is padded with
        points of weight 0.
    """
    size = (dataset.features + 2) * STRIPE
    stripes = aligned_zeros(-(-len(dataset) // STRIPE) * size)
    order = np.arange(len(dataset), dtype=np.uint32)
    for number, first in enumerate(range(0, len(dataset), STRIPE)):
        count = min(STRIPE, len(dataset) - first)
        target = stripes[number * size :]
        gather(dataset.points, dataset.labels, order, first, count, np.float32(1), target)
    return stripes
