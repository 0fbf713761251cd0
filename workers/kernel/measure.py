"""Accuracy and loss of packed networks over all points of a data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset
from workers.kernel.points import all_points
from workers.kernel.sgd import Networks, evaluate
from workers.kernel.simd import BLOCK, LANES, aligned_zeros


def evaluate_networks(
    networks: Networks, dataset: Dataset, workspace: NDArray[np.float32]
) -> tuple[list[float], list[float]]:
    """Sum of the loss and number of correct predictions over all points, a network each.

    Args:
        networks: packed.
        dataset: what to measure on.
        workspace: float32 [(hidden neurons + 1) * BLOCK], aligned, for the largest network.
    """
    rows = all_points(dataset)
    blocks = -(-len(dataset) // BLOCK)
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    sums = aligned_zeros(2 * LANES)
    evaluate(networks, dataset.features, rows, blocks, workspace, sums, losses, hits)
    return losses.tolist(), hits.tolist()
