"""The network as a function of its parameters, for scores that are gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, linear

from pruning.protocol import Batch
from search.layers import Layers, MaskArrays

Tensors = Sequence[torch.Tensor]
"""One tensor for each layer, input side first."""


def parameters(layers: Layers) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return copies of the weights [n_out, n_in] and biases [n_out] as tensors.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> weights, biases = sparsest.parameters(layers)
        >>> weights[0].tolist(), biases[0].tolist()
        ([[2.0, -1.0]], [0.0])
    """
    return (
        [torch.tensor(weight) for weight, _ in layers],
        [torch.tensor(bias) for _, bias in layers],
    )


def logits(weights: Tensors, biases: Tensors, points: torch.Tensor) -> torch.Tensor:
    """Return the logits of points [batch, inputs].

    Returns:
        [batch], the logits of class 1, for a network with one output; otherwise [batch, classes].

    Example:
        >>> import sparsest, torch
        >>> weights, biases = [torch.tensor([[2.0, -1.0]])], [torch.zeros(1)]
        >>> batch = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, 0.0])
        >>> sparsest.logits(weights, biases, batch[0]).tolist()
        [1.0, -1.0]
    """
    activation = points
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        activation = linear(activation, weight, bias).relu()
    return linear(activation, weights[-1], biases[-1]).squeeze(-1)


def batch_loss(weights: Tensors, biases: Tensors, batch: Batch) -> torch.Tensor:
    """Return the mean cross-entropy of a batch, in nats.

    Example:
        >>> import sparsest, torch
        >>> weights, biases = [torch.tensor([[2.0, -1.0]])], [torch.zeros(1)]
        >>> batch: sparsest.Batch = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, 0.0])
        >>> round(float(sparsest.batch_loss(weights, biases, batch)), 4)
        0.3133
    """
    points, labels = batch
    return mean_loss(logits(weights, biases, points), labels)


def mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of points, in nats: binary for one logit, else of softmax.

    Labels are [batch], class numbers in the dtype of the logits; for these see `logits`.
    """
    if logits.ndim == 1:
        return binary_cross_entropy_with_logits(logits, labels)
    return cross_entropy(logits, labels.long())


def weight_gradients(weights: Tensors, biases: Tensors, batch: Batch) -> tuple[torch.Tensor, ...]:
    """Return the gradient of `batch_loss` with respect to all weights, masked ones included.

    Example:
        >>> import sparsest, torch
        >>> weights, biases = [torch.tensor([[2.0, -1.0]])], [torch.zeros(1)]
        >>> batch = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, 0.0])
        >>> (gradient,) = sparsest.weight_gradients(weights, biases, batch)
        >>> gradient.shape
        torch.Size([1, 2])
    """
    leaves = [weight.detach().requires_grad_() for weight in weights]
    return torch.autograd.grad(batch_loss(leaves, biases, batch), leaves)


def masked(weights: Tensors, masks: MaskArrays) -> list[torch.Tensor]:
    """Return the weights, exactly zero where the mask is False.

    Example:
        >>> import numpy as np, sparsest, torch
        >>> weights = [torch.tensor([[2.0, -1.0]])]
        >>> sparsest.masked(weights, [np.array([[True, False]])])[0].tolist()
        [[2.0, 0.0]]
    """
    return [
        weight.masked_fill(~torch.from_numpy(mask), 0.0)
        for weight, mask in zip(weights, masks, strict=True)
    ]


def saliencies(weights: Tensors, gradients: Tensors) -> torch.Tensor:
    """Return `|w * g|` for every weight, [N]: roughly the change of the loss if it were zero.

    Example:
        >>> import sparsest, torch
        >>> weights, biases = [torch.tensor([[2.0, -1.0]])], [torch.zeros(1)]
        >>> batch = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, 0.0])
        >>> gradients = sparsest.weight_gradients(weights, biases, batch)
        >>> sparsest.saliencies(weights, gradients).shape
        torch.Size([2])
    """
    return torch.cat([(w * g).abs().flatten() for w, g in zip(weights, gradients, strict=True)])
