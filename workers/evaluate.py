"""What a trained network is worth: accuracy and loss over all points of its data set."""

from __future__ import annotations

import torch
from torch import nn

from workers.datasets import Dataset


def evaluate(network: nn.Module, dataset: Dataset) -> tuple[float, float]:
    """Accuracy and mean loss over all points (docs/paper.md, section 2).

    A point is classified as class 1 when its logit is above 0, so a NaN counts as class 0.

    Args:
        network: maps points [N, features] to logits [N], in the dtype of its parameters.
        dataset: what to measure on.

    Returns:
        (accuracy from 0 to 1, mean binary cross-entropy in nats).
    """
    reference = next(network.parameters())
    points = torch.tensor(dataset.points, dtype=reference.dtype, device=reference.device)
    labels = torch.tensor(dataset.labels, dtype=reference.dtype, device=reference.device)
    with torch.no_grad():
        logits = network(points)
        correct = (logits > 0) == (labels > 0.5)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.double(), labels.double())
    return int(correct.sum()) / len(dataset), float(loss)
