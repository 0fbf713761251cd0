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
    """All points in blocks, as `workers.kernel.sgd.gather` lays them, each with weight 1.

    Returns:
        float32 [blocks * (features + 2) * BLOCK], 64-byte aligned.
    """
    blocks = -(-len(dataset) // BLOCK)
    rows = aligned_zeros(blocks * (dataset.features + 2) * BLOCK)
    order = np.arange(len(dataset), dtype=np.uint32)
    gather(dataset.points, dataset.labels, order, 0, len(dataset), np.float32(1), rows)
    return rows
