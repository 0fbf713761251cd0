"""What of a network is drawn: its nonzero weights and the neurons that have one, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pruning.connectivity import effective_mask

_SWEEPS = 4
"""Of the ordering, back and forth; more change next to nothing."""


@dataclass(frozen=True)
class Edge:
    """A nonzero weight.

    Attributes:
        layer: of the neuron that it leaves; 0 are the inputs.
        source: place of that neuron in its layer.
        target: place of the neuron of the next layer that it enters.
        weight: its value.
        on_path: whether it lies on an input-to-output path of nonzero weights.
    """

    layer: int
    source: int
    target: int
    weight: float
    on_path: bool


@dataclass(frozen=True)
class Parts:
    """What of a network is drawn.

    Attributes:
        sizes: number of neurons of each layer, inputs and output included.
        edges: the nonzero weights.
        shown: for each layer the places of its neurons that are drawn, from top to bottom: all
            inputs and outputs, and the hidden neurons that have a nonzero weight.
        on_path: for each layer bool [n], whether a neuron lies on an input-to-output path.
    """

    sizes: tuple[int, ...]
    edges: tuple[Edge, ...]
    shown: tuple[tuple[int, ...], ...]
    on_path: tuple[NDArray[np.bool_], ...]

    @classmethod
    def of(cls, weights: Sequence[NDArray[np.float32]]) -> Self:
        """Of a network with these weights: float32 [n_out, n_in] a layer, input side first."""
        effective = effective_mask(weights)
        edges = tuple(
            Edge(layer, int(source), int(target), float(weight[target, source]), bool(on_path))
            for layer, (weight, mask) in enumerate(zip(weights, effective, strict=True))
            for target, source in np.argwhere(weight != 0)
            for on_path in (mask[target, source],)
        )
        leaving = [np.any(mask, axis=0) for mask in effective]
        on_path = (*leaving, np.any(effective[-1], axis=1))
        sizes = (weights[0].shape[1], *(weight.shape[0] for weight in weights))
        return cls(sizes, edges, _ordered(weights, on_path), on_path)

    @property
    def shown_structure(self) -> str:
        """The hidden layers by their neurons that are drawn: 4x2x2; "linear" without any."""
        return "x".join(str(len(places)) for places in self.shown[1:-1]) or "linear"

    @property
    def disconnected_weights(self) -> int:
        """Number of edges on no path."""
        return sum(not edge.on_path for edge in self.edges)

    @property
    def off_path_neurons(self) -> int:
        """Number of hidden neurons that are drawn although they lie on no path."""
        return sum(
            not self.on_path[layer][place]
            for layer in range(1, len(self.sizes) - 1)
            for place in self.shown[layer]
        )

    @property
    def neurons_left_out(self) -> int:
        """Number of neurons that are not drawn, because they have no nonzero weight."""
        return sum(self.sizes) - sum(len(places) for places in self.shown)


def _ordered(
    weights: Sequence[NDArray[np.float32]], on_path: Sequence[NDArray[np.bool_]]
) -> tuple[tuple[int, ...], ...]:
    """The drawn neurons of each layer, such that few edges cross; those on no path at the end.

    Each neuron goes to the mean place of the neurons that it is connected with, weighted by the
    magnitude of the weights, alternately towards the output and back.
    """
    strengths = [np.abs(weight).astype(np.float64) for weight in weights]
    shown = [np.arange(strengths[0].shape[1])]
    for entering, leaving in pairwise(strengths):
        shown.append(np.flatnonzero(entering.any(axis=1) | leaving.any(axis=0)))
    shown.append(np.arange(strengths[-1].shape[0]))
    hidden = range(1, len(strengths))
    for sweep in range(_SWEEPS):
        for layer in hidden if sweep % 2 == 0 else reversed(hidden):
            towards = strengths[layer - 1] if sweep % 2 == 0 else strengths[layer].T
            height = _heights(shown[layer - 1 if sweep % 2 == 0 else layer + 1], towards.shape[1])
            total = towards.sum(axis=1)
            mean = towards @ height / np.where(total > 0, total, 1)
            wanted = np.where(total > 0, mean, 1.0).round(6)
            places = shown[layer]
            shown[layer] = places[np.lexsort((places, wanted[places], ~on_path[layer][places]))]
    return tuple(tuple(int(place) for place in places) for places in shown)


def _heights(places: NDArray[np.intp], neurons: int) -> NDArray[np.float64]:
    """For each neuron of a layer how far down it is drawn, from 0 to 1; 0 where it is not."""
    heights = np.zeros(neurons)
    heights[places] = (np.arange(len(places)) + 0.5) / max(len(places), 1)
    return heights
