"""Slow implementation of learning-rate rewinding, as `pruning.lrr` describes it.

The method of Renda et al., "Comparing rewinding and fine-tuning in neural network pruning" (2020).
"""

from __future__ import annotations

import torch

from search.experiment import Experiment
from search.layers import Layers
from tests.pruning.slow_training import (
    SlowNetwork,
    SlowResult,
    batches,
    dense,
    number_of_weights,
    steps_of_a_round,
)
from workers.datasets import Dataset


def lrr_rounds(n: int, k: int, fraction: float = 0.2) -> list[int]:
    """Return the number of weights in each round, for n weights and target k."""
    rounds = [n]
    while n != k:
        n = max(k, int(n * (1 - fraction)))
        rounds.append(n)
    return rounds


def slow_lrr(
    experiment: Experiment, layers: Layers, dataset: Dataset, steps: int | None = None
) -> SlowResult:
    """Train all rounds; before each but the first, keep the largest weights and their values.

    The optimiser of a round is new: it has no velocity from the round before.

    Args:
        experiment: experiment with target_nnz and the epochs of one round.
        layers: initial network.
        dataset: data set for training.
        steps: maximum number of batches, counted over all rounds; None for all.
    """
    assert experiment.target_nnz is not None
    length = steps_of_a_round(experiment, dataset)
    fraction = float(dict(experiment.hyperparameters).get("fraction", 0.2))
    counts = lrr_rounds(number_of_weights(layers), experiment.target_nnz, fraction)
    network = SlowNetwork(experiment, layers, dense(layers), torch.float32)
    events = []
    for drawn, batch in enumerate(batches(experiment, dataset, steps, network.dtype, len(counts))):
        if drawn > 0 and drawn % length == 0:
            left = counts[drawn // length]
            parameters = [
                (linear.weight.detach().numpy(), linear.bias.detach().numpy())
                for linear in network.linears
            ]
            magnitudes = [
                (abs(float(number)), layer, row, column)
                for layer, (weight, _) in enumerate(parameters)
                for row, numbers in enumerate(weight)
                for column, number in enumerate(numbers)
            ]
            kept = {place[1:] for place in sorted(magnitudes, reverse=True)[:left]}
            masks = [
                [
                    [(layer, row, column) in kept for column in range(weight.shape[1])]
                    for row in range(weight.shape[0])
                ]
                for layer, (weight, _) in enumerate(parameters)
            ]
            network = SlowNetwork(experiment, parameters, masks, network.dtype)
            events.append(network.event(drawn))
        network.step(batch)
    return network.result(events)
