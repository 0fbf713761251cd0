"""FORCE: prune in rounds like Iterative SNIP, but allow pruned weights to return.

Idea: a pruned weight is scored by its effect if it returned to its original value, measured in the
network as currently masked ("foresight connection sensitivity"). De Jorge, Sanyal,
Behl, Torr, Rogez and Dokania, "Progressive skeletonization: trimming more fat from a network at
initialization" (ICLR 2021), as in their code (naver/force). In each of 10 rounds:

    score_j = |w_j * g_j|, w: original weights, g: gradients of the network masked so far

Changes in the authors' run (docs/paper.md, section 5): as for Iterative SNIP.
"""

from __future__ import annotations

import torch

from pruning.gradients import Tensors, saliencies, weight_gradients
from pruning.iter_snip import prune_in_rounds
from pruning.protocol import Batch, Batches, Pruned
from search.experiment import Experiment
from search.layers import Layers


def score(weights: Tensors, remaining: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Return |original w * g| for every weight, float32 [N].

    The remaining weights are the original ones, zero where currently masked; biases are unmasked.
    """
    return saliencies(weights, weight_gradients(remaining, biases, batch))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of FORCE; see `pruning.protocol.PrunesBefore`."""
    return prune_in_rounds(
        experiment,
        layers,
        lambda weights, remaining, biases: score(weights, remaining, biases, next(batches)),
    )
