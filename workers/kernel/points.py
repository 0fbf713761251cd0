"""All points of a data set as the kernel reads them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset
from workers.kernel.sgd import gather
from workers.kernel.simd import BLOCK, aligned_zeros


@lru_cache(maxsize=4)
def all_points(dataset: Dataset) -> NDArray[np.float32]:
    """All points in blocks, each with its rows: features, label and weight, which is 1.

    Returns:
        float32 [blocks * (features + 2) * BLOCK], 64-byte aligned. The last block is filled up
        with points of weight 0.
    """
    size = (dataset.features + 2) * BLOCK
    rows = aligned_zeros(-(-len(dataset) // BLOCK) * size)
    order = np.arange(len(dataset), dtype=np.uint32)
    for block, first in enumerate(range(0, len(dataset), BLOCK)):
        count = min(BLOCK, len(dataset) - first)
        place = rows[block * size :]
        gather(dataset.points, dataset.labels, order, first, count, np.float32(1), place, BLOCK)
    return rows
