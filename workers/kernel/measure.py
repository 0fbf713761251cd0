"""Accuracy and loss of packed networks over all points of a data set."""

from __future__ import annotations

import numpy as np

from workers.datasets import Dataset
from workers.kernel.points import all_points
from workers.kernel.sgd import Networks, evaluate
from workers.kernel.simd import BLOCK, LANES, aligned_zeros


def evaluate_networks(networks: Networks, dataset: Dataset) -> tuple[list[float], list[float]]:
    """Sum of the loss and number of correct predictions over all points, a network each.

    Args:
        networks: packed.
        dataset: what to measure on.
    """
    rows = all_points(dataset)
    blocks = -(-len(dataset) // BLOCK)
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    workspace = aligned_zeros(int(networks.hidden.max()) * BLOCK)
    sums = aligned_zeros(2 * LANES)
    evaluate(networks, dataset.features, rows, blocks, workspace, sums, losses, hits)
    return losses.tolist(), hits.tolist()
