"""Slow implementation of GraNet, as `pruning.granet` describes it.

The method of Liu et al., "Sparse training via boosting pruning plasticity with neuroregeneration"
(2021).
"""

from __future__ import annotations

import math

import torch

from search.experiment import Experiment
from search.layers import Layers
from tests.pruning.slow_rigl import Matrix, drop_and_grow
from tests.pruning.slow_training import (
    Masks,
    SlowNetwork,
    SlowResult,
    batches,
    dense,
    number_of_weights,
    steps_of_a_round,
)
from workers.datasets import Dataset


def granet_count(event: int, last: int, n: int, k: int) -> int:
    """Return the number of weights kept by an event, for n weights and target k."""
    return int(k + (n - k) * (1 - event / last) ** 3)


def granet_moved(left: int, step: int, total: int) -> int:
    """Return the number of weights that a layer of `left` weights drops and grows at a step."""
    rate = 0.005 + 0.495 * 0.5 * (1 + math.cos(math.pi * step / total))
    return math.ceil(rate * left)


def largest(weights: list[Matrix], count: int) -> Masks:
    """Return masks of the weights above the largest removed one; `count` if none are equal."""
    order = sorted((abs(w) for matrix in weights for row in matrix for w in row), reverse=True)
    return [[[abs(w) > order[count] for w in row] for row in matrix] for matrix in weights]


def remove(network: SlowNetwork, masks: Masks) -> None:
    """Set weights and their velocities to zero; biases follow when all masks are known."""
    network.masks = masks
    for linear, mask in zip(network.linears, masks, strict=True):
        removed = ~torch.tensor(mask)
        linear.weight.data[removed] = 0
        network.optimiser.state[linear.weight]["momentum_buffer"][removed] = 0


def slow_granet(
    experiment: Experiment, layers: Layers, dataset: Dataset, steps: int | None = None
) -> SlowResult:
    """Train; every 100 steps prune and move weights, then take the step with the same batch.

    Args:
        experiment: experiment with target_nnz.
        layers: initial network.
        dataset: data set for training.
        steps: maximum number of batches; None for all.
    """
    k = experiment.target_nnz
    assert k is not None
    total = steps_of_a_round(experiment, dataset)
    last = int(0.6875 * total / 100)
    network = SlowNetwork(experiment, layers, dense(layers), torch.float32)
    events = []
    for step, batch in enumerate(batches(experiment, dataset, steps, torch.float32)):
        if step and step % 100 == 0:
            network.backward(batch)
            gradients = []
            for linear in network.linears:
                assert linear.weight.grad is not None
                gradients.append(linear.weight.grad.tolist())
            if step // 100 <= last:
                count = granet_count(step // 100, last, number_of_weights(layers), k)
                weights = [linear.weight.tolist() for linear in network.linears]
                remove(network, largest(weights, count))
            moved = [
                drop_and_grow(
                    linear.weight.tolist(),
                    mask,
                    gradient,
                    granet_moved(sum(map(sum, mask)), step, total),
                )
                for linear, mask, gradient in zip(
                    network.linears, network.masks, gradients, strict=True
                )
            ]
            network.set_masks(moved)
            events.append(network.event(step))
        network.step(batch)
    return network.result(events)
