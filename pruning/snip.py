"""SNIP: prune once, before training, what the loss is least sensitive to.

Idea: the derivative of the loss with respect to a weight's mask says how much the weight matters.
It is w * g, with g the gradient of the weight on one batch. Lee, Ajanthan and Torr, "SNIP:
Single-shot network pruning based on connection sensitivity" (ICLR 2019), equations 4 to 6:

    score_j = |w_j * g_j| / sum over all weights of |w * g|

What the authors' run changed (docs/paper.md, section 5): a single batch of the training's size; the
weights are drawn afresh from a Xavier-normal distribution beforehand, in the groups that start
from fresh networks; scores that equal the threshold are kept, so a network with fewer than the
wanted number of nonzero scores keeps all of its weights.
"""

from __future__ import annotations

import torch

from pruning.biases import bias_masks
from pruning.functional import Tensors, parameters, saliencies, weight_gradients
from pruning.protocol import Batch, Batches, Pruned, target_of
from pruning.selection import at_or_above, by_layer
from search.experiment import Experiment
from search.layers import Layers


def score(weights: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Connection sensitivity of every weight, float32 [N]; not a number where all are zero."""
    scores = saliencies(weights, weight_gradients(weights, biases, batch))
    return scores / scores.sum()


def count(weights: int, target: int) -> int:
    """Which of the largest scores is the threshold; truncation can make it target - 1."""
    return int(weights * (target / weights))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """The masks of SNIP; see `pruning.protocol.PrunesBefore`."""
    weights, biases = parameters(layers)
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    scores = score(weights, biases, next(batches)).numpy()
    masks = by_layer(at_or_above(scores, count(total, target)), [w.shape for w, _ in layers])
    return Pruned(masks, bias_masks(masks))
