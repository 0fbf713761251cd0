"""Training for the slow algorithms that prune during training: loops, autograd, torch's own SGD.

Two rules keep masks and momentum in order:

- The gradient of a masked weight or bias is set to zero before the optimiser's step, and a weight
  or bias that becomes masked loses its velocity. So the velocity of everything masked is zero.
- This matters only in RigL, where masked parameters return: grown weights and returning biases
  start with zero velocity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from search.experiment import Experiment
from search.layers import Layers
from workers.datasets import Dataset
from workers.orders import permutation
from workers.step_schedule import learning_rates

Masks = list[list[list[bool]]]
"""Kept weights: layer, row (output), column (input)."""


@dataclass(frozen=True)
class Event:
    """One choice of new masks, which can equal the old ones.

    Attributes:
        batch: number of batches before the new masks, over all rounds.
        kept: number of weights that the new masks keep.
        masks: bool [n_out, n_in] for each layer.
    """

    batch: int
    kept: int
    masks: list[NDArray[np.bool_]]


@dataclass(frozen=True)
class SlowResult:
    """The network after its last batch, and the history of its masks.

    Attributes:
        layers: the parameters.
        weight_masks: bool [n_out, n_in] for each layer.
        bias_masks: bool [n_out] for each layer.
        events: choices of masks, in order.
    """

    layers: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    events: list[Event]


@dataclass(frozen=True)
class SlowBatch:
    rate: float
    points: torch.Tensor
    labels: torch.Tensor


def steps_of_a_round(experiment: Experiment, dataset: Dataset) -> int:
    return experiment.epochs * dataset.steps_per_epoch(experiment.batch_size)


def batches(
    experiment: Experiment, dataset: Dataset, steps: int | None, dtype: torch.dtype, rounds: int = 1
) -> Iterator[SlowBatch]:
    """Yield the first `steps` batches of all rounds, each with its learning rate."""
    drawn = 0
    for number in range(rounds):
        rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
        for epoch in range(experiment.epochs):
            order = np.empty(len(dataset), dtype=np.uint32)
            permutation(experiment.order_seed, number * experiment.epochs + epoch, order)
            for step in range(dataset.steps_per_epoch(experiment.batch_size)):
                if drawn == steps:
                    return
                first = step * experiment.batch_size
                chosen = order[first : first + experiment.batch_size]
                yield SlowBatch(
                    float(rates[epoch]),
                    torch.tensor(dataset.points[chosen], dtype=dtype),
                    torch.tensor(dataset.labels[chosen], dtype=dtype),
                )
                drawn += 1


@dataclass
class SlowNetwork:
    """A masked network with a new optimiser. Masked parameters are set to zero.

    Attributes:
        experiment: experiment with momentum and weight decay.
        initial: initial parameters, before the first masks.
        masks: kept weights.
        dtype: type of the parameters.
        masked: every parameter with a bool tensor of its shape, True where it is masked.
    """

    experiment: Experiment
    initial: Layers
    masks: Masks
    dtype: torch.dtype
    network: nn.Sequential = field(init=False)
    linears: list[nn.Linear] = field(init=False)
    optimiser: torch.optim.SGD = field(init=False)
    masked: list[tuple[torch.Tensor, torch.Tensor]] = field(init=False)

    def __post_init__(self) -> None:
        modules: list[nn.Module] = []
        self.linears = []
        for weight, bias in self.initial:
            linear = nn.Linear(weight.shape[1], weight.shape[0]).to(self.dtype)
            linear.weight.data = torch.tensor(weight, dtype=self.dtype)
            linear.bias.data = torch.tensor(bias, dtype=self.dtype)
            self.linears.append(linear)
            modules += [linear, nn.ReLU()]
        self.network = nn.Sequential(*modules[:-1])
        self.optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=self.experiment.lr,
            momentum=self.experiment.momentum,
            weight_decay=self.experiment.weight_decay,
        )
        self.set_masks(self.masks)

    @property
    def bias_masks(self) -> list[list[bool]]:
        """Return bias masks: a hidden bias is kept if a kept weight leaves its neuron."""
        kept = []
        for layer, linear in enumerate(self.linears):
            if layer == len(self.linears) - 1:
                kept.append([True] * linear.out_features)
            else:
                following = self.masks[layer + 1]
                kept.append(
                    [any(row[neuron] for row in following) for neuron in range(linear.out_features)]
                )
        return kept

    def set_masks(self, masks: Masks) -> None:
        """Set every masked parameter and its velocity to zero."""
        self.masks = masks
        self.masked = []
        for linear, mask, bias_mask in zip(self.linears, masks, self.bias_masks, strict=True):
            self.masked.append((linear.weight, ~torch.tensor(mask)))
            self.masked.append((linear.bias, ~torch.tensor(bias_mask)))
        for parameter, masked in self.masked:
            parameter.data[masked] = 0
            state = self.optimiser.state[parameter]
            if "momentum_buffer" in state:
                state["momentum_buffer"][masked] = 0

    def backward(self, batch: SlowBatch) -> None:
        """Compute the dense gradient of the batch's loss, masked parameters included."""
        self.optimiser.zero_grad()
        logits = self.network(batch.points)[:, 0]
        nn.BCEWithLogitsLoss()(logits, batch.labels).backward()

    def step(self, batch: SlowBatch) -> None:
        """Make one step of SGD on the unmasked parameters."""
        self.backward(batch)
        for parameter, masked in self.masked:
            assert parameter.grad is not None
            parameter.grad[masked] = 0
        self.optimiser.param_groups[0]["lr"] = batch.rate
        self.optimiser.step()

    def event(self, batch: int) -> Event:
        """Return the event to record after new masks are set."""
        masks = [np.array(mask) for mask in self.masks]
        return Event(batch, sum(int(mask.sum()) for mask in masks), masks)

    def result(self, events: list[Event]) -> SlowResult:
        layers = []
        for linear in self.linears:
            weight, bias = linear.weight.detach(), linear.bias.detach()
            layers.append((weight.float().numpy().copy(), bias.float().numpy().copy()))
        return SlowResult(
            layers,
            [np.array(mask) for mask in self.masks],
            [np.array(mask) for mask in self.bias_masks],
            events,
        )


def dense(layers: Layers) -> Masks:
    """Return masks that keep everything."""
    return [[[True] * weight.shape[1] for _ in range(weight.shape[0])] for weight, _ in layers]


def number_of_weights(layers: Layers) -> int:
    return sum(weight.shape[0] * weight.shape[1] for weight, _ in layers)


def strict(network: SlowNetwork, m: int) -> Masks:
    """Return masks of the weights strictly above the m-th largest magnitude of all layers."""
    magnitudes = [linear.weight.detach().abs().tolist() for linear in network.linears]
    every = [magnitude for layer in magnitudes for row in layer for magnitude in row]
    assert 1 <= m <= len(every), f"no {m}-th largest of {len(every)} magnitudes"
    threshold = sorted(every, reverse=True)[m - 1]
    return [[[number > threshold for number in row] for row in layer] for layer in magnitudes]
