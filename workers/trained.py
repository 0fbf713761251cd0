"""The result of every trainer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers, MaskArrays, by_layer


@dataclass(frozen=True, eq=False)
class Trained:
    """The unmasked parameters of a trained network, and its measurements.

    Attributes:
        sizes: number of neurons of each layer, inputs first.
        weight_index: uint32 [weights], index of each unmasked weight in the concatenation of all
            layers' matrices (row-major).
        weights: float32 [weights].
        bias_index: uint32 [biases], index of each unmasked bias in the concatenation of all layers'
            vectors.
        biases: float32 [biases].
        accuracy: fraction of points classified correctly.
        loss: mean cross-entropy over all points, in nats; NaN or infinite if the training diverged.
        train_ms: this network's share of its batch's training time, in milliseconds; 0 if not
            measured.
        curve: (accuracy, loss) at the end of every epoch of every round; empty if not measured.
        active_points: number of points at which each hidden neuron is active, hidden layer by
            layer; empty if not measured.
        steps: number of optimiser steps.
        edge_updates: sum over these steps of the number of unmasked weights.
        extras: what the method stores beside the row: JSON values by name.
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
    active_points: Sequence[int] = ()
    steps: int = 0
    edge_updates: int = 0
    extras: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        layers: Layers,
        accuracy: float,
        loss: float,
        *,
        weight_masks: MaskArrays | None = None,
        bias_masks: MaskArrays | None = None,
        steps: int = 0,
        edge_updates: int | None = None,
        **others: Any,
    ) -> Trained:
        """Return the result for a network given as matrices.

        A layer is (weight float32 [n_out, n_in], bias float32 [n_out]); masks are bool of these
        shapes, None where nothing is masked. Without `edge_updates` they were the same in every
        step. The other arguments are attributes.
        """
        weights = np.concatenate([weight.ravel() for weight, _ in layers])
        biases = np.concatenate([bias for _, bias in layers])
        kept_weights = mask_indices(weight_masks or [np.ones(w.shape, np.bool_) for w, _ in layers])
        kept_biases = mask_indices(bias_masks or [np.ones(b.shape, np.bool_) for _, b in layers])
        return cls(
            (layers[0][0].shape[1], *(len(bias) for _, bias in layers)),
            kept_weights,
            weights[kept_weights],
            kept_biases,
            biases[kept_biases],
            accuracy,
            loss,
            steps=steps,
            edge_updates=steps * len(kept_weights) if edge_updates is None else edge_updates,
            **others,
        )

    @property
    def layers(self) -> Layers:
        """(weight float32 [n_out, n_in], bias float32 [n_out]) per layer, masked entries zero."""
        shapes = [(n_out, n_in) for n_in, n_out in pairwise(self.sizes)]
        weights = _spread(self.weight_index, self.weights, shapes)
        biases = _spread(self.bias_index, self.biases, [shape[:1] for shape in shapes])
        return list(zip(weights, biases, strict=True))

    @property
    def diverged(self) -> bool:
        """Whether the loss or any parameter is infinite or NaN."""
        finite = np.isfinite(self.weights).all() and np.isfinite(self.biases).all()
        return not (math.isfinite(self.loss) and finite)


def stored_layers(row: Mapping[str, Any]) -> Layers:
    """Return the parameters of a stored row, masked entries zero; see `Trained.layers`.

    A ValueError if the columns do not fit together, or a parameter is not finite.
    """
    parameters = (
        np.asarray(row["weight_index"], np.uint32),
        np.asarray(row["weights"], np.float32),
        np.asarray(row["bias_index"], np.uint32),
        np.asarray(row["biases"], np.float32),
    )
    trained = Trained(tuple(row["layers"]), *parameters, row["accuracy"], row["loss"])
    if trained.diverged:
        raise ValueError(f"row {row['experiment_id']}: a parameter or the loss is not finite")
    try:
        return trained.layers
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"row {row['experiment_id']}: its parameters do not fit its layers {row['layers']}"
        ) from error


def mask_indices(masks: MaskArrays) -> NDArray[np.uint32]:
    """Return the indices of unmasked entries in the concatenation of the (row-major) masks."""
    return np.flatnonzero(np.concatenate([mask.ravel() for mask in masks])).astype(np.uint32)


def _spread(
    index: NDArray[np.uint32], values: NDArray[np.float32], shapes: Sequence[tuple[int, ...]]
) -> list[NDArray[np.float32]]:
    """Return arrays of these shapes with the values at their indices, otherwise zeros."""
    flat = np.zeros(sum(map(math.prod, shapes)), np.float32)
    flat[index] = values
    return by_layer(flat, shapes)
