"""Slow training of free parameters: plain torch with autograd and all penalties in the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from search.experiment import Experiment
from search.layers import Layers
from workers.datasets import Dataset
from workers.orders import permutation
from workers.step_schedule import learning_rates

Tensors = Sequence[torch.Tensor]

WeightsOf = Callable[[Tensors, int, int], Tensors]
"""(free parameters, epoch, step over all epochs) -> the weight of each layer."""


def slow_objective(
    experiment: Experiment,
    dataset: Dataset,
    layers: Layers,
    free: Sequence[torch.Tensor],
    weights_of: WeightsOf,
    penalty_of: Callable[[Tensors, int], torch.Tensor],
) -> None:
    """Train free parameters in place for `Experiment.epochs` epochs, in their dtype.

    Args:
        experiment: the training.
        dataset: data set to train on.
        layers: initial network, whose biases are trained too.
        free: leaves with gradients.
        weights_of: function of the free parameters.
        penalty_of: (free parameters, epoch) -> penalty that is added to the mean loss.
    """
    dtype = free[0].dtype
    biases = [torch.tensor(bias, dtype=dtype, requires_grad=True) for _, bias in layers]
    optimiser = torch.optim.SGD([*free, *biases], lr=1.0, momentum=experiment.momentum)
    points = torch.tensor(dataset.points, dtype=dtype)
    labels = torch.tensor(dataset.labels, dtype=dtype)
    order = np.empty(len(dataset), np.uint32)
    steps = dataset.steps_per_epoch(experiment.batch_size)
    rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
    for epoch, rate in enumerate(rates):
        optimiser.param_groups[0]["lr"] = float(rate)
        permutation(experiment.order_seed, epoch, order)
        for step in range(steps):
            first = step * experiment.batch_size
            batch = torch.tensor(order[first : first + experiment.batch_size].astype(np.int64))
            value = points[batch]
            weights = weights_of(free, epoch, epoch * steps + step)
            for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                value = value @ weight.T + bias
                if layer < len(biases) - 1:
                    value = value.relu()
            loss = nn.functional.binary_cross_entropy_with_logits(value[:, 0], labels[batch])
            loss = loss + penalty_of(free, epoch)
            for bias in biases:
                loss = loss + experiment.weight_decay / 2 * (bias**2).sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()


def leaves(layers: Layers, *, value: float | None = None) -> list[torch.Tensor]:
    """Return a float64 leaf for each layer: its weights, or one value in their place."""
    return [
        torch.tensor(
            weight if value is None else np.full_like(weight, value),
            dtype=torch.float64,
            requires_grad=True,
        )
        for weight, _ in layers
    ]
