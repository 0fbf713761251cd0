"""Slow implementation of RigL (docs/paper.md, section 5).

The method of Evci et al., "Rigging the lottery" (2020): a sparse training that periodically drops
its smallest weights and grows others where the dense gradient is largest.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers
from tests.pruning.slow_training import SlowNetwork, SlowResult, batches, steps_of_a_round
from workers.datasets import Dataset

Shapes = list[tuple[int, int]]
"""(n_out, n_in) of each layer."""

Matrix = list[list[float]]


def erk_densities(shapes: Shapes, target: int) -> list[float]:
    """Return the Erdos-Renyi-Kernel density of each layer for `target` weights in total."""
    sizes = [n_out * n_in for n_out, n_in in shapes]
    raw = [(n_in + n_out) / (n_in * n_out) for n_out, n_in in shapes]
    total_density = target / sum(sizes)
    dense: set[int] = set()
    while True:
        others = [layer for layer in range(len(shapes)) if layer not in dense]
        wanted = sum(sizes[layer] * total_density for layer in others)
        excess = sum(sizes[layer] * (1 - total_density) for layer in sorted(dense))
        eps = (wanted - excess) / sum(raw[layer] * sizes[layer] for layer in others)
        largest = max(raw[layer] for layer in others)
        if largest * eps <= 1:
            return [1.0 if layer in dense else eps * raw[layer] for layer in range(len(shapes))]
        dense |= {layer for layer in others if raw[layer] == largest}


def removed_per_layer(shapes: Shapes, target: int) -> list[int]:
    """Return the number of weights of each layer that the initial random mask removes."""
    densities = erk_densities(shapes, target)
    return [
        int((1 - density) * (n_out * n_in))
        for density, (n_out, n_in) in zip(densities, shapes, strict=True)
    ]


def rigl_events(total: int) -> list[int]:
    """Return the steps, counted from 1, at which a training of `total` steps moves weights."""
    end = int(0.75 * total)
    return [step for step in range(1, total + 1) if step % 100 == 0 and step < end]


def moved(active: int, step: int, total: int) -> int:
    """Return the number of weights that a layer drops and grows at a step."""
    end = int(0.75 * total)
    return int(active * 0.3 / 2 * (1 + math.cos(math.pi * step / end)))


def drop_and_grow(
    weight: Matrix, mask: list[list[bool]], gradient: Matrix, count: int
) -> list[list[bool]]:
    """Return the new mask of one layer.

    Ties: among active weights of equal magnitude the last in row-major order is dropped first, and
    among gradients of equal magnitude the first in row-major order is grown first. Only active
    weights are dropped, even if an active weight is exactly zero like the inactive ones.

    Args:
        weight: [n_out, n_in].
        mask: [n_out, n_in], active weights.
        gradient: [n_out, n_in], dense.
        count: number of weights to drop and to grow.
    """
    positions = [(row, column) for row in range(len(mask)) for column in range(len(mask[0]))]
    active = [(row, column) for row, column in positions if mask[row][column]]
    # sorted is stable: the last of equal weights comes first and is dropped.
    smallest_first = sorted(active[::-1], key=lambda at: abs(weight[at[0]][at[1]]))
    kept = set(smallest_first[count:])
    rest = [position for position in positions if position not in kept]
    steepest_first = sorted(rest, key=lambda at: -abs(gradient[at[0]][at[1]]))
    active_now = kept | set(steepest_first[:count])
    return [
        [(row, column) in active_now for column in range(len(mask[0]))] for row in range(len(mask))
    ]


def slow_rigl(
    experiment: Experiment,
    layers: Layers,
    weight_masks: list[NDArray[np.bool_]],
    dataset: Dataset,
    steps: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> SlowResult:
    """Train, and move weights at the steps of `rigl_events`, which do not update parameters.

    Grown weights and returning biases start at zero without velocity, because everything masked is
    (`slow_training`). A weight that is dropped and grown at once is never masked: it keeps its
    value and velocity. `drop_and_grow` breaks ties.

    Args:
        experiment: experiment whose target_nnz decides which layers are dense and never change.
        layers: initial network, before masks.
        weight_masks: bool [n_out, n_in] for each layer, the initial random masks.
        dataset: data set for training.
        steps: maximum number of batches, including those of events; None for all.
        dtype: type of parameters and points.
    """
    k = experiment.target_nnz
    assert k is not None
    total = steps_of_a_round(experiment, dataset)
    densities = erk_densities([(len(bias), weight.shape[1]) for weight, bias in layers], k)
    network = SlowNetwork(experiment, layers, [mask.tolist() for mask in weight_masks], dtype)
    moments = rigl_events(total)
    events = []
    for step, batch in enumerate(batches(experiment, dataset, steps, dtype), start=1):
        if step not in moments:
            network.step(batch)
            continue
        network.backward(batch)
        masks = []
        for linear, mask, density in zip(network.linears, network.masks, densities, strict=True):
            if density == 1:
                masks.append(mask)
                continue
            assert linear.weight.grad is not None
            count = moved(sum(sum(row) for row in mask), step, total)
            weight, gradient = linear.weight.tolist(), linear.weight.grad.tolist()
            masks.append(drop_and_grow(weight, mask, gradient, count))
        network.set_masks(masks)
        events.append(network.event(step))
    return network.result(events)
