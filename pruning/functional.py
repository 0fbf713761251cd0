"""The dense network as a function of its parameters, for scores that are gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from pruning.protocol import Batch
from search.layers import Layers

Tensors = Sequence[torch.Tensor]
"""One tensor a layer, input side first."""


def parameters(layers: Layers) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights [n_out, n_in] and biases [n_out] of a network as tensors of their own."""
    return (
        [torch.tensor(weight) for weight, _ in layers],
        [torch.tensor(bias) for _, bias in layers],
    )


def logits(weights: Tensors, biases: Tensors, points: torch.Tensor) -> torch.Tensor:
    """Logits [batch] of class 1 of points [batch, inputs]."""
    activation = points
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        activation = linear(activation, weight, bias).relu()
    return linear(activation, weights[-1], biases[-1]).squeeze(-1)


def batch_loss(weights: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Mean binary cross-entropy of a batch, in nats."""
    points, labels = batch
    return binary_cross_entropy_with_logits(logits(weights, biases, points), labels)


def weight_gradients(weights: Tensors, biases: Tensors, batch: Batch) -> tuple[torch.Tensor, ...]:
    """Gradients of `batch_loss` with respect to the weights as they are, pruned ones included."""
    leaves = [weight.detach().requires_grad_() for weight in weights]
    return torch.autograd.grad(batch_loss(leaves, biases, batch), leaves)


def masked(weights: Tensors, masks: Sequence[NDArray[np.bool_]]) -> list[torch.Tensor]:
    """The weights, exactly zero where a mask says so."""
    return [
        weight.masked_fill(~torch.from_numpy(mask), 0.0)
        for weight, mask in zip(weights, masks, strict=True)
    ]


def saliencies(weights: Tensors, gradients: Tensors) -> torch.Tensor:
    """`|w * g|` of every weight, [N]: how much the loss would change if the weight were zero."""
    return torch.cat([(w * g).abs().flatten() for w, g in zip(weights, gradients, strict=True)])
