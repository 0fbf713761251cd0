"""What every trainer returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, of which only what was trained is held, and its measurements.

    Attributes:
        sizes: neurons in each layer, inputs first.
        weight_index: uint32 [weights], place of each weight that is not masked in the layers'
            matrices (row-major) laid one behind the other.
        weights: float32 [weights].
        bias_index: uint32 [biases], likewise in the layers' vectors.
        biases: float32 [biases].
        accuracy: share of all points that are classified correctly.
        loss: mean binary cross-entropy over all points, in nats; NaN or infinite where the
            training diverged.
        train_ms: this network's share of the time that its batch took, in milliseconds; 0 where
            nobody measured it.
        curve: (accuracy, loss) at the end of every epoch of every round, where it was asked for.
    """

    sizes: tuple[int, ...]
    weight_index: NDArray[np.uint32]
    weights: NDArray[np.float32]
    bias_index: NDArray[np.uint32]
    biases: NDArray[np.float32]
    accuracy: float
    loss: float
    train_ms: float = 0.0
    curve: Sequence[tuple[float, float]] = ()

    @classmethod
    def of(
        cls,
        layers: Layers,
        accuracy: float,
        loss: float,
        *,
        weight_masks: Sequence[NDArray[np.bool_]] | None = None,
        bias_masks: Sequence[NDArray[np.bool_]] | None = None,
        train_ms: float = 0.0,
        curve: Sequence[tuple[float, float]] = (),
    ) -> Trained:
        """From matrices.

        Args:
            layers: (weight float32 [n_out, n_in], bias float32 [n_out]) a layer.
            accuracy: as the attribute.
            loss: as the attribute.
            weight_masks: bool [n_out, n_in] a layer; None: no weight is masked.
            bias_masks: bool [n_out] a layer; None: no bias is masked.
            train_ms: as the attribute.
            curve: as the attribute.
        """
        weights = np.concatenate([weight.ravel() for weight, _ in layers])
        biases = np.concatenate([bias for _, bias in layers])
        kept_weights = places(weight_masks or [np.ones(w.shape, np.bool_) for w, _ in layers])
        kept_biases = places(bias_masks or [np.ones(b.shape, np.bool_) for _, b in layers])
        return cls(
            (layers[0][0].shape[1], *(len(bias) for _, bias in layers)),
            kept_weights,
            weights[kept_weights],
            kept_biases,
            biases[kept_biases],
            accuracy,
            loss,
            train_ms,
            curve,
        )

    @property
    def layers(self) -> Layers:
        """(weight float32 [n_out, n_in], bias float32 [n_out]) a layer, masked entries zero."""
        shapes = [(n_out, n_in) for n_in, n_out in pairwise(self.sizes)]
        weights = _spread(self.weight_index, self.weights, [n * m for n, m in shapes])
        biases = _spread(self.bias_index, self.biases, [n for n, _ in shapes])
        return [
            (weight.reshape(shape), bias)
            for weight, shape, bias in zip(weights, shapes, biases, strict=True)
        ]

    @property
    def diverged(self) -> bool:
        """Whether the loss or any parameter is infinite or NaN."""
        finite = np.isfinite(self.weights).all() and np.isfinite(self.biases).all()
        return not (math.isfinite(self.loss) and finite)


def places(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint32]:
    """Places of what is not masked in arrays (row-major) laid one behind the other."""
    return np.flatnonzero(np.concatenate([mask.ravel() for mask in masks])).astype(np.uint32)


def _spread(
    index: NDArray[np.uint32], values: NDArray[np.float32], sizes: Sequence[int]
) -> list[NDArray[np.float32]]:
    """The values at their places in one row of zeros, cut into pieces."""
    flat = np.zeros(sum(sizes), np.float32)
    flat[index] = values
    ends = accumulate(sizes)
    return [flat[end - size : end] for size, end in zip(sizes, ends, strict=True)]
