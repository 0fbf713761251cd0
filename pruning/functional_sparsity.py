"""Functional sparsity: the weights that a network's outputs on the data depend on.

Connectivity (`pruning.connectivity`) depends on the masks alone. A neuron on a path may still be
useless on the data: one that no point activates passes nothing on, and one that every point
activates is linear. Both can be removed without changing the logit of any point:

- A *dead* neuron (active on no point) is deleted with its weights. A neuron that no path of
  living neurons connects to an input is constant; the biases of its targets absorb it.
- A *linear* neuron j (active on every point) computes z_j = b_j + sum_i w_ji a_i. A target k,
  which adds v_kj z_j, adds v_kj b_j to its bias and v_kj w_ji to its weight from each source i
  instead. This replaces the weights of j, |S_j| from its sources and |T_j| to its targets, by one
  weight for each pair in S_j x T_j that has none yet. The new weights may skip layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pruning.connectivity import Weight, effective_mask
from search.layers import Layers, MaskArrays, count_kept


@dataclass(frozen=True)
class FunctionalSparsity:
    """Functional sparsity of a trained network, as the columns of a result.

    Attributes:
        live_nnz: number of nonzero weights on an input-to-output path through neurons that are
            active on at least one point.
        dead_neurons: number of hidden neurons on an input-to-output path that are active on no
            point.
        linear_neurons: number of hidden neurons on a path as for `live_nnz` that are active on
            every point.
        folded_nnz: number of weights left after dead neurons are deleted and linear ones folded
            into the weights and biases of their targets. Linear neurons are folded one at a time,
            the one that saves most weights first (ties: in the order of the layers), until folding
            any of them would add weights.
    """

    live_nnz: int
    dead_neurons: int
    linear_neurons: int
    folded_nnz: int

    @classmethod
    def of(cls, effective: MaskArrays, active_points: Sequence[int], points: int) -> Self:
        """Return the functional sparsity of a network.

        `effective` is the result of `pruning.connectivity.effective_mask` for its weights, and
        `active_points` the number of points at which each hidden neuron is active (its activation
        is above 0), hidden layer by layer.

        Raises:
            ValueError: there are more or fewer counts than hidden neurons.
        """
        counts = np.asarray(active_points, np.int64)
        live = live_mask(effective, counts)
        linear = (counts == points) & _neurons(live)
        return cls(
            live_nnz=count_kept(live),
            dead_neurons=int(np.count_nonzero((counts == 0) & _neurons(effective))),
            linear_neurons=int(np.count_nonzero(linear)),
            folded_nnz=_folded_nnz(live, linear),
        )


def live_mask(
    weights: Sequence[Weight], active_points: Sequence[int] | NDArray[np.int64]
) -> list[NDArray[np.bool_]]:
    """Return the nonzero weights on an input-to-output path through active neurons.

    The weights are matrices [n_out, n_in] of each layer, numbers or a mask, and the result is bool
    of these shapes; for `active_points` and errors see `FunctionalSparsity.of`.
    """
    active = _firing(weights, active_points)
    # Deleting a neuron's incoming weights is enough: then no path reaches it.
    masks = [weight * rows[:, None] for weight, rows in zip(weights, active, strict=False)]
    return effective_mask([*masks, weights[-1]])


def without_dead_parts(layers: Layers, active_points: Sequence[int]) -> Layers:
    """Return a network without the weights that `FunctionalSparsity.live_nnz` does not count.

    The logits of the points do not change, except by rounding: biases absorb what removed neurons
    added to every point. Removed neurons get a bias of zero. For `active_points` see
    `FunctionalSparsity.of`.
    """
    weights = [weight for weight, _ in layers]
    live = live_mask(weights, active_points)
    firing = _firing(weights, active_points)
    biases = [bias.astype(np.float64) for _, bias in layers]
    for layer, (mask, active) in enumerate(zip(live[:-1], firing, strict=True)):
        removed = ~mask.any(axis=1)
        # The inputs of a removed neuron that fires are constant and already part of its bias; or
        # it leads nowhere, and then so does what it adds.
        constants = np.where(removed & active, np.maximum(biases[layer], 0), 0)
        biases[layer + 1] += weights[layer + 1] @ constants
        biases[layer][removed] = 0
    return [
        (np.where(mask, weight, 0).astype(weight.dtype), bias.astype(weight.dtype))
        for weight, mask, bias in zip(weights, live, biases, strict=True)
    ]


def count_active_points(layers: Sequence[tuple[Weight, Weight]], points: Weight) -> list[int]:
    """Return at how many points, [N, inputs], each hidden neuron is active, layer by layer."""
    counts: list[int] = []
    values = points.T
    for weight, bias in layers[:-1]:
        values = np.maximum(weight @ values + bias[:, None], 0)
        counts += np.count_nonzero(values, axis=1).tolist()
    return counts


def _firing(
    weights: Sequence[Weight], active_points: Sequence[int] | NDArray[np.int64]
) -> list[NDArray[np.bool_]]:
    """Return for each hidden layer which neurons are active on some point, bool [n_out]."""
    sizes = [len(weight) for weight in weights[:-1]]
    if len(active_points) != sum(sizes):
        raise ValueError(f"{len(active_points)} counts do not fit hidden layers of {sizes} neurons")
    # Without hidden layers there is one empty part too many.
    return np.split(np.asarray(active_points) > 0, list(accumulate(sizes)))[: len(sizes)]


def _neurons(masks: MaskArrays) -> NDArray[np.bool_]:
    """Return which hidden neurons a mask's weights lead to, bool [hidden neurons]."""
    return np.concatenate([np.logical_or.reduce(mask, axis=1) for mask in masks[:-1]])


def _folded_nnz(live: MaskArrays, linear: NDArray[np.bool_]) -> int:
    """Return `FunctionalSparsity.folded_nnz`.

    `live` is the result of `live_mask`; the linear neurons are those on a live path.
    """
    nnz = count_kept(live)
    inputs = live[0].shape[1]
    left: list[int] = (inputs + np.flatnonzero(linear)).tolist()
    if not left:
        return nnz
    # Neurons are numbered from the inputs on. A set of sources is an integer with a bit for each.
    neurons = inputs + sum(len(mask) for mask in live)
    sources = [0] * neurons
    targets: list[set[int]] = [set() for _ in range(neurons)]
    first = 0
    for mask in live:
        for row, column in np.argwhere(mask).tolist():
            source, target = first + column, first + mask.shape[1] + row
            sources[target] |= 1 << source
            targets[source].add(target)
        first += mask.shape[1]

    def saved(neuron: int) -> int:
        own = sources[neuron]
        new = sum((own & ~sources[target]).bit_count() for target in targets[neuron])
        return own.bit_count() + len(targets[neuron]) - new

    while left:
        neuron = max(left, key=saved)
        saving = saved(neuron)
        if saving < 0:
            break
        nnz -= saving
        left.remove(neuron)
        own = sources[neuron]
        for target in targets[neuron]:
            sources[target] = sources[target] & ~(1 << neuron) | own
        for source in range(neuron):
            if own >> source & 1:
                targets[source] |= targets[neuron]
                targets[source].remove(neuron)
    return nnz
