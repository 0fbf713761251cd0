"""The masked multilayer perceptron as a torch module."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from search.layers import Layer, Layers, MaskArrays


class MaskedNetwork(nn.Module):
    """ReLU layers and logits, with parameters that masks hold at zero.

    Two classes have one logit, that of class 1; more classes have one each.

    Masks act on the parameters, not in the forward pass: masked parameters are zero from the start,
    and code that changes parameters calls `apply_masks` afterwards. Masked parameters therefore
    have gradients, which algorithms that grow weights need.

    Attributes:
        weights: parameters [n_out, n_in], input side first.
        biases: parameters [n_out].
        dataset: name of the data set that the network was trained on; None if unknown.
    """

    dataset: str | None = None

    def __init__(
        self,
        layers: Layers,
        weight_masks: MaskArrays | None = None,
        bias_masks: MaskArrays | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Copy the parameters and apply the masks.

        The last layer has one output, or one for each of several classes. Without masks all
        weights, or all biases, are kept, as the search does with biases (docs/paper.md, section 3).
        `dtype` is the type of the parameters.

        Raises:
            ValueError: the shapes of layers or masks do not match.
        """
        super().__init__()
        check_shapes(layers)
        weights = [weight for weight, _ in layers]
        biases = [bias for _, bias in layers]
        self.weights = _parameters(weights, dtype)
        self.biases = _parameters(biases, dtype)
        # Buffers, so that the masks are saved and moved between devices with the parameters.
        for kind, arrays, masks in (
            ("weight", weights, weight_masks),
            ("bias", biases, bias_masks),
        ):
            for layer, mask in enumerate(_checked_masks(kind, arrays, masks)):
                self.register_buffer(f"{kind}_mask_{layer}", torch.tensor(mask))
        self.apply_masks()

    @property
    def weight_masks(self) -> list[torch.Tensor]:
        """Bool [n_out, n_in] for each layer."""
        return [self.get_buffer(f"weight_mask_{layer}") for layer in range(len(self.weights))]

    @property
    def bias_masks(self) -> list[torch.Tensor]:
        """Bool [n_out] for each layer."""
        return [self.get_buffer(f"bias_mask_{layer}") for layer in range(len(self.biases))]

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return the logits of points [batch, inputs] in the parameters' dtype.

        Returns:
            [batch], the logits of class 1, for a network with one output; otherwise [batch,
            classes].
        """
        activation = points
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            activation = nn.functional.linear(activation, weight, bias)
            if layer < last:
                activation = activation.relu()
        return activation.squeeze(-1)

    @torch.no_grad()
    def apply_masks(self) -> None:
        """Set masked parameters to exactly zero, even infinite or NaN ones."""
        for parameters, masks in (
            (self.weights, self.weight_masks),
            (self.biases, self.bias_masks),
        ):
            for parameter, mask in zip(parameters, masks, strict=True):
                parameter.masked_fill_(~mask, 0.0)

    def layers(self) -> list[Layer]:
        """Return a copy of the parameters, in float32."""
        return [
            (_float32(weight), _float32(bias))
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]


def check_shapes(layers: Layers) -> None:
    """Raise a ValueError that names the first wrong layer unless the shapes of layers match."""
    if not layers:
        raise ValueError("a network needs at least one layer")
    inputs = layers[0][0].shape[-1]
    for number, (weight, bias) in enumerate(layers):
        if weight.ndim != 2 or weight.shape[1] != inputs or bias.shape != weight.shape[:1]:
            raise ValueError(
                f"layer {number}: weight {list(weight.shape)} and bias {list(bias.shape)}, "
                f"wanted [n, {inputs}] and [n]"
            )
        inputs = weight.shape[0]


def _parameters(arrays: Sequence[NDArray[np.float32]], dtype: torch.dtype) -> nn.ParameterList:
    return nn.ParameterList([nn.Parameter(torch.tensor(array, dtype=dtype)) for array in arrays])


def _checked_masks(
    kind: str, arrays: Sequence[NDArray[np.float32]], masks: MaskArrays | None
) -> MaskArrays:
    if masks is None:
        return [np.ones(array.shape, dtype=np.bool_) for array in arrays]
    expected = [array.shape for array in arrays]
    shapes = [mask.shape for mask in masks]
    if shapes != expected:
        raise ValueError(f"{kind} masks have shapes {shapes}, the {kind} parameters {expected}")
    return [mask.astype(np.bool_) for mask in masks]


def _float32(parameter: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = parameter.detach().cpu().float().numpy().copy()
    return array
