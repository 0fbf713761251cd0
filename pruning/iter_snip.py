"""Iterative SNIP: SNIP's score in several rounds, each on the network that the last one left.

Idea: a single large cut scores a weight in a network that will not exist afterwards; small cuts
with new scores after each one compare it with the weights that stay. De Jorge, Sanyal, Behl, Torr,
Rogez and Dokania, "Progressive skeletonization: trimming more fat from a network at
initialization" (ICLR 2021), with the exponential schedule and the single batch per round of their
code (naver/force). In round i of 10:

    score_j = |w_j * g_j| on the network masked so far: pruned weights score 0 and stay pruned

Changes in the authors' run (docs/paper.md, section 5): the threshold weight of a round is pruned
too, which naver/force keeps, so one weight fewer than scheduled is left; rounds mask weights only,
and biases are masked after the last round.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from pruning.gradients import Tensors, masked, parameters, saliencies, weight_gradients
from pruning.masks import masks_of
from pruning.protocol import Batch, Batches, Pruned, target_of
from pruning.selection import strictly_above
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def score(weights: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Return |w * g| for every weight of a masked network, float32 [N]; 0 where w is masked."""
    return saliencies(weights, weight_gradients(weights, biases, batch))


def count(weights: int, target: int, round_number: int, rounds: int) -> int:
    """Return the rank of the threshold score in a round, counted from 1.

    It decays exponentially from all weights to the target, in double precision in this order. In
    the last round it is the target, or one fewer if the rounding of exp and log makes it so.
    """
    return int(weights * math.exp(-(round_number * (0 - math.log(target / weights)) / rounds)))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of Iterative SNIP; see `pruning.protocol.PrunesBefore`."""
    return prune_in_rounds(
        experiment,
        layers,
        lambda weights, remaining, biases: score(remaining, biases, next(batches)),
    )


def prune_in_rounds(
    experiment: Experiment,
    layers: Layers,
    score_of: Callable[[Tensors, Tensors, Tensors], torch.Tensor],
) -> Pruned:
    """Return the masks after all rounds of a score.

    `score_of` returns float32 [N] for the initial weights, the same weights, zero where masked so
    far, and the biases.
    """
    weights, biases = parameters(layers)
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    pruned, remaining = Pruned([], []), weights
    rounds = int(setting(experiment, "rounds"))
    for round_number in range(1, rounds + 1):
        scores = score_of(weights, remaining, biases).numpy()
        left = count(total, target, round_number, rounds)
        pruned = masks_of(strictly_above(scores, left), layers)
        remaining = masked(weights, pruned.weight_masks)
    return pruned
