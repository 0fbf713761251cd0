"""Many small networks in one tensor, with gradients and evaluation for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.datasets import Dataset

EVALUATED_POINTS = 2048
"""Number of points evaluated at once, by all networks of a batch."""


@dataclass(frozen=True)
class Stack:
    """The layout of many networks in one flat tensor, so that SGD is a handful of operations.

    Each layer is a block [networks, n_out, n_in + 1] whose last column holds the biases. With a row
    of ones below the activations, weights and biases take one product in each direction. Smaller
    networks are padded with neurons whose parameters are and remain zero.

    Attributes:
        networks: number of networks.
        widths: number of neurons of each layer, inputs first; the maximum over the networks.
    """

    networks: int
    widths: tuple[int, ...]

    @property
    def size(self) -> int:
        """Length of the flat tensor."""
        return sum(self.networks * rows * columns for rows, columns in self._shapes())

    def blocks(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Return a view [networks, n_out, n_in + 1] of a flat tensor for each layer."""
        shapes = list(self._shapes())
        parts = torch.split(flat, [self.networks * rows * columns for rows, columns in shapes])
        return [
            part.view(self.networks, rows, columns)
            for part, (rows, columns) in zip(parts, shapes, strict=True)
        ]

    def packed(
        self,
        networks: Sequence[Sequence[tuple[NDArray[np.generic], NDArray[np.generic]]]],
        device: torch.device,
    ) -> torch.Tensor:
        """Return a flat tensor, float32 [size], with each network's layers, padded with zeros.

        A layer is (weight [n_out, n_in], bias [n_out]), numbers or masks.
        """
        flat = torch.zeros(self.size)
        for layer, block in enumerate(self.blocks(flat)):
            padded = block.numpy()
            for number, network in enumerate(networks):
                weight, bias = network[layer]
                padded[number, : weight.shape[0], : weight.shape[1]] = weight
                padded[number, : bias.shape[0], -1] = bias
        return flat.to(device)

    def spread(self, values: Sequence[float], device: torch.device) -> torch.Tensor:
        """Return a flat tensor that repeats each network's value for all of its parameters."""
        flat = torch.empty(self.size, device=device)
        column = torch.tensor(values, dtype=flat.dtype, device=device)[:, None, None]
        for block in self.blocks(flat):
            block.copy_(column.expand_as(block))
        return flat

    def _shapes(self) -> list[tuple[int, int]]:
        return [
            (rows, columns + 1)
            for columns, rows in zip(self.widths[:-1], self.widths[1:], strict=True)
        ]


class Gradient:
    """Computes the gradient of the mean loss of every network."""

    def __init__(
        self, stack: Stack, params: torch.Tensor, grads: torch.Tensor, batch_size: int
    ) -> None:
        """Prepare to read `params` and write `grads`, flat tensors of `stack`, in `compute`."""
        self._blocks = stack.blocks(params)
        self._grads = stack.blocks(grads)
        self._batch_size = batch_size
        self._classes = torch.arange(stack.widths[-1], device=params.device)[:, None]
        # Activations of the hidden layers, with a row of ones for the biases.
        self._activations = [
            torch.ones(stack.networks, neurons + 1, batch_size, device=params.device)
            for neurons in stack.widths[1:-1]
        ]

    def compute(self, batch: torch.Tensor) -> None:
        """Write the gradient for a batch [networks, features + 2, points]."""
        inputs = [batch[:, :-1], *self._activations]
        for block, layer_input, output in zip(
            self._blocks, inputs, self._activations, strict=False
        ):
            torch.clamp(torch.bmm(block, layer_input), min=0.0, out=output[:, :-1])
        logits, labels = torch.bmm(self._blocks[-1], inputs[-1]), batch[:, -1:]
        # The derivative of a point's loss in a logit is the class's probability, minus 1 for the
        # point's own class.
        if logits.shape[1] == 1:
            delta = torch.sigmoid(logits).sub_(labels)
        else:
            delta = torch.softmax(logits, dim=1).sub_((labels == self._classes).float())
        delta.div_(self._batch_size)
        for layer in range(len(self._blocks) - 1, 0, -1):
            torch.bmm(delta, inputs[layer].transpose(1, 2), out=self._grads[layer])
            delta = torch.bmm(self._blocks[layer][:, :, :-1].transpose(1, 2), delta)
            delta = torch.ops.aten.threshold_backward(delta, inputs[layer][:, :-1], 0.0)
        torch.bmm(delta, inputs[0].transpose(1, 2), out=self._grads[0])


def evaluate_stack(
    stack: Stack, params: torch.Tensor, dataset: Dataset
) -> tuple[list[float], list[float], list[NDArray[np.int64]]]:
    """Return measurements of every network over all points.

    Returns:
        (accuracy of each network, mean loss of each network, for each hidden layer the number of
        points at which each neuron is active, int64 [networks, neurons]).
    """
    correct = torch.zeros(stack.networks, dtype=torch.int64, device=params.device)
    loss = torch.zeros(stack.networks, dtype=torch.float64, device=params.device)
    active = [torch.zeros_like(correct)[:, None] for _ in stack.widths[1:-1]]
    blocks = stack.blocks(params)
    for first in range(0, len(dataset), EVALUATED_POINTS):
        part = slice(first, first + EVALUATED_POINTS)
        activation = torch.tensor(dataset.points[part].T, device=params.device)
        activation = activation.expand(stack.networks, -1, -1)
        labels = torch.tensor(dataset.labels[part], device=params.device)
        for layer, block in enumerate(blocks):
            if layer:
                activation = activation.relu()
                active[layer - 1] = active[layer - 1] + (activation > 0).sum(dim=2)
            activation = torch.baddbmm(block[:, :, -1:], block[:, :, :-1], activation)
        if activation.shape[1] == 1:
            logits = activation[:, 0]
            correct += ((logits > 0) == (labels > 0.5)).sum(dim=1)
            softplus = torch.nn.functional.softplus(logits.double())
            loss += (softplus - logits * labels).sum(dim=1)
        else:
            correct += (activation.argmax(dim=1) == labels).sum(dim=1)
            own = labels.long().expand(stack.networks, 1, -1)
            loss -= activation.double().log_softmax(dim=1).gather(1, own).sum(dim=(1, 2))
    accuracies, losses = correct.double() / len(dataset), loss / len(dataset)
    return accuracies.tolist(), losses.tolist(), [counts.cpu().numpy() for counts in active]
