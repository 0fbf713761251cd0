"""SynFlow: prune without data, by the flow through each weight from the inputs to the output.

Idea: in a network of absolute values with input ones and output R, w * dR/dw is the total strength
of all paths through a weight. Pruning the weakest weights in many small rounds avoids removing a
whole layer, because the flow into a neuron equals the flow out of it. Tanaka, Kunin, Yamins and
Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic flow" (NeurIPS
2020), as in their code (ganguli-lab/Synaptic-Flow), in which the absolute values of the biases take
part:

    score_j = |w_j * dR/dw_j| on the network of absolute values masked so far

Changes in the authors' run (docs/paper.md, section 5): biases are masked after every round by the
rule for pruned networks; one weight more than scheduled is pruned in a round, except that a round
without weights to prune prunes none.
"""

from __future__ import annotations

import numpy as np
import torch

from pruning.gradients import Tensors, logits, masked, parameters
from pruning.masks import masks_of
from pruning.protocol import Batches, Pruned, target_of
from pruning.selection import above_position
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def score(weights: Tensors, biases: Tensors) -> torch.Tensor:
    """Return the synaptic flow through every weight, float32 [N].

    Weights and biases are absolute values, zero where masked.
    """
    leaves = [weight.detach().requires_grad_() for weight in weights]
    output = logits(leaves, biases, torch.ones(1, weights[0].shape[1]))
    gradients = torch.autograd.grad(output.sum(), leaves)
    return torch.cat([(w * g).abs().flatten() for w, g in zip(weights, gradients, strict=True)])


def count(weights: int, target: int, round_number: int, rounds: int) -> int:
    """Return the position of the threshold score in a round, counted from 1."""
    fraction = round_number / rounds
    return int(weights - target**fraction / weights ** (fraction - 1))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of SynFlow; see `pruning.protocol.PrunesBefore`. Draws no batch."""
    weights, biases = parameters([(np.abs(weight), np.abs(bias)) for weight, bias in layers])
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    pruned = Pruned([], [])
    rounds = int(setting(experiment, "rounds"))
    for round_number in range(1, rounds + 1):
        scores = score(weights, biases).numpy()
        position = count(total, target, round_number, rounds)
        pruned = masks_of(above_position(scores, position), layers)
        weights = masked(weights, pruned.weight_masks)
        biases = masked(biases, pruned.bias_masks)
    return pruned
