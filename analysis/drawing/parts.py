"""The parts of a network that are drawn: nonzero weights, and the order of their neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pruning.connectivity import effective_mask
from pruning.functional_sparsity import live_mask

MAX_DRAWN = 32
"""Maximum number of neurons of a hidden layer that are drawn even if some are on no path."""

MAX_INPUTS = 16
"""Maximum number of inputs that are drawn even if some have no weight."""

_ORDERING_PASSES = 4
"""Passes of the crossing reduction, alternating in direction; further ones change little."""


@dataclass(frozen=True)
class Edge:
    """A nonzero weight.

    Attributes:
        layer: layer of the source neuron; 0 are the inputs.
        source: index of the source neuron in its layer.
        target: index of the target neuron in the next layer.
        weight: value of the weight.
        on_path: whether it lies on an input-to-output path of nonzero weights.
        live: whether it lies on such a path through neurons that are active on some point.
    """

    layer: int
    source: int
    target: int
    weight: float
    on_path: bool
    live: bool


@dataclass(frozen=True)
class Parts:
    """The parts of a network that are drawn.

    Attributes:
        sizes: number of neurons of each layer, including inputs and output.
        edges: the nonzero weights.
        shown: for each layer the indices of neurons from top to bottom: all inputs and outputs, and
            the hidden neurons with a nonzero weight.
        on_path: for each layer bool [n], whether a neuron lies on an input-to-output path.
        live: for each layer bool [n], whether a neuron lies on a path as for `Edge.live`.
    """

    sizes: tuple[int, ...]
    edges: tuple[Edge, ...]
    shown: tuple[tuple[int, ...], ...]
    on_path: tuple[NDArray[np.bool_], ...]
    live: tuple[NDArray[np.bool_], ...]

    @classmethod
    def of(
        cls,
        weights: Sequence[NDArray[np.float32]],
        active_points: Sequence[int] | None = None,
    ) -> Self:
        """Return the parts of a network.

        Args:
            weights: float32 [n_out, n_in] for each layer, input side first.
            active_points: number of points at which each hidden neuron is active, layer by layer;
                None if no neuron is dead.
        """
        effective = effective_mask(weights)
        alive = effective if active_points is None else live_mask(weights, active_points)
        edges = tuple(
            Edge(
                layer,
                int(source),
                int(target),
                float(weight[target, source]),
                bool(mask[target, source]),
                bool(used[target, source]),
            )
            for layer, (weight, mask, used) in enumerate(
                zip(weights, effective, alive, strict=True)
            )
            for target, source in np.argwhere(weight != 0)
        )
        on_path = _neurons(effective)
        sizes = (weights[0].shape[1], *(weight.shape[0] for weight in weights))
        return cls(sizes, edges, _ordered(weights, on_path), on_path, _neurons(alive))

    @cached_property
    def drawn(self) -> tuple[tuple[int, ...], ...]:
        """The neurons of `shown` that have a picture.

        In a hidden layer with more than `MAX_DRAWN`, those on no path have none; of more than
        `MAX_INPUTS` inputs, those without a nonzero weight.
        """
        used = {(edge.layer, edge.source) for edge in self.edges if edge.layer == 0}
        inputs, *hidden, outputs = self.shown
        if len(inputs) > MAX_INPUTS:
            inputs = tuple(neuron for neuron in inputs if (0, neuron) in used)
        kept = [
            tuple(neuron for neuron in neurons if self.on_path[layer][neuron])
            if len(neurons) > MAX_DRAWN
            else neurons
            for layer, neurons in enumerate(hidden, start=1)
        ]
        return (inputs, *kept, outputs)

    @property
    def shown_structure(self) -> str:
        """Neurons of each hidden layer with a weight, such as 4x2x2; "linear" without any layer."""
        return "x".join(str(len(neurons)) for neurons in self.shown[1:-1]) or "linear"

    @property
    def off_path_neurons(self) -> int:
        """Number of hidden neurons with a weight that are on no path."""
        return sum(
            not self.on_path[layer][neuron]
            for layer in range(1, len(self.sizes) - 1)
            for neuron in self.shown[layer]
        )

    @property
    def live_weights(self) -> int:
        """Number of weights as in the column `live_nnz`."""
        return sum(edge.live for edge in self.edges)

    @property
    def draws_off_path(self) -> bool:
        """Whether a drawn weight or a drawn hidden neuron is on no path."""
        drawn = [set(neurons) for neurons in self.drawn]
        hidden = range(1, len(self.sizes) - 1)
        return any(
            not edge.on_path
            and edge.source in drawn[edge.layer]
            and edge.target in drawn[edge.layer + 1]
            for edge in self.edges
        ) or any(not self.on_path[layer][neuron] for layer in hidden for neuron in drawn[layer])

    @property
    def has_dead_parts(self) -> bool:
        """Whether a weight is on a path, but on none through active neurons only."""
        return any(edge.on_path and not edge.live for edge in self.edges)


def _neurons(masks: Sequence[NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], ...]:
    """Return for each layer, inputs included, which neurons have a weight of these masks."""
    return (*(np.any(mask, axis=0) for mask in masks), np.any(masks[-1], axis=1))


def _ordered(
    weights: Sequence[NDArray[np.float32]], on_path: Sequence[NDArray[np.bool_]]
) -> tuple[tuple[int, ...], ...]:
    """Order the neurons with weights of each layer so that few edges cross, off-path neurons last.

    Barycentre heuristic: each neuron moves to the mean position of its neighbours, weighted by
    the magnitude of the weights, alternating between the forward and the backward direction.
    """
    strengths = [np.abs(weight).astype(np.float64) for weight in weights]
    shown = [np.arange(strengths[0].shape[1])]
    for entering, leaving in pairwise(strengths):
        shown.append(np.flatnonzero(entering.any(axis=1) | leaving.any(axis=0)))
    shown.append(np.arange(strengths[-1].shape[0]))
    hidden = range(1, len(strengths))
    for number in range(_ORDERING_PASSES):
        forward = number % 2 == 0
        for layer in hidden if forward else reversed(hidden):
            towards = strengths[layer - 1] if forward else strengths[layer].T
            position = _positions(shown[layer - 1 if forward else layer + 1], towards.shape[1])
            total = towards.sum(axis=1)
            mean = towards @ position / np.where(total > 0, total, 1)
            wanted = np.where(total > 0, mean, 1.0).round(6)
            neurons = shown[layer]
            order = np.lexsort((neurons, wanted[neurons], ~on_path[layer][neurons]))
            shown[layer] = neurons[order]
    return tuple(tuple(int(neuron) for neuron in neurons) for neurons in shown)


def _positions(shown: NDArray[np.intp], neurons: int) -> NDArray[np.float64]:
    """Return each neuron's distance from the top, from 0 to 1; 0 for those not drawn."""
    positions = np.zeros(neurons)
    positions[shown] = (np.arange(len(shown)) + 0.5) / max(len(shown), 1)
    return positions
