"""SNIP: prune once, before training, the weights to which the loss is least sensitive.

Idea: the derivative of the loss with respect to a weight's mask, w * g with the gradient g on one
batch, measures how much the weight matters. Lee, Ajanthan and Torr, "SNIP: Single-shot network
pruning based on connection sensitivity" (ICLR 2019), equations 4 to 6:

    score_j = |w_j * g_j| / sum over all weights of |w * g|

Changes in the authors' run (docs/paper.md, section 5): in the groups that start from fresh networks
the weights are redrawn from a Xavier-normal distribution; biases have no scores, which they have in
SNIP's own code (namhoonlee/snip-public); scores equal to the threshold are kept, so a network with
fewer nonzero scores than its target keeps all of its weights.
"""

from __future__ import annotations

import torch

from pruning.gradients import Tensors, parameters, saliencies, weight_gradients
from pruning.masks import masks_of
from pruning.protocol import Batch, Batches, Pruned, target_of
from pruning.selection import at_or_above
from search.experiment import Experiment
from search.layers import Layers


def score(weights: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Return the connection sensitivity of every weight, float32 [N]; NaN if all are zero."""
    scores = saliencies(weights, weight_gradients(weights, biases, batch))
    return scores / scores.sum()


def count(weights: int, target: int) -> int:
    """Return the rank of the threshold score; truncation can make it target - 1."""
    return int(weights * (target / weights))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of SNIP; see `pruning.protocol.PrunesBefore`."""
    weights, biases = parameters(layers)
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    scores = score(weights, biases, next(batches)).numpy()
    return masks_of(at_or_above(scores, count(total, target)), layers)
