"""FORCE: prune in rounds like Iterative SNIP, but allow pruned weights to return.

Idea: a pruned weight is scored by its effect if it returned to its original value, measured in the
network as currently masked ("foresight connection sensitivity"). De Jorge, Sanyal,
Behl, Torr, Rogez and Dokania, "Progressive skeletonization: trimming more fat from a network at
initialization" (ICLR 2021), equations 4 and 5. In each of 10 rounds:

    score_j = |w_j * g_j|, w: original weights, g: gradients of the network masked so far

Changes in the authors' run (docs/paper.md, section 5): as for Iterative SNIP.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pruning.biases import bias_masks
from pruning.functional import Tensors, masked, parameters, saliencies, weight_gradients
from pruning.iter_snip import count
from pruning.protocol import Batch, Batches, Pruned, target_of
from pruning.selection import by_layer, strictly_above
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def score(weights: Tensors, remaining: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Return |original w * g| for every weight, float32 [N].

    Args:
        weights: original weights.
        remaining: the same weights, zero where currently masked.
        biases: unmasked biases.
        batch: batch whose loss is differentiated.
    """
    return saliencies(weights, weight_gradients(remaining, biases, batch))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of FORCE; see `pruning.protocol.PrunesBefore`."""
    weights, biases = parameters(layers)
    shapes = [weight.shape for weight, _ in layers]
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    masks: list[NDArray[np.bool_]] = []
    remaining = weights
    rounds = int(setting(experiment, "rounds"))
    for round_number in range(1, rounds + 1):
        scores = score(weights, remaining, biases, next(batches)).numpy()
        left = count(total, target, round_number, rounds)
        masks = by_layer(strictly_above(scores, left), shapes)
        remaining = masked(weights, masks)
    return Pruned(masks, bias_masks(masks))
