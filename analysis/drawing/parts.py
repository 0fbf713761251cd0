"""The parts of a network that are drawn: nonzero weights, and the order of their neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import NDArray

from analysis.drawing.palette import Palette
from pruning.connectivity import effective_mask
from pruning.functional_sparsity import live_mask
from search.layers import Layers, MaskArrays
from workers.datasets import Dataset

MAX_DRAWN = 32
"""Maximum number of neurons of a hidden layer that are drawn even if some are on no path."""

MAX_INPUTS = 16
"""Maximum number of inputs that are drawn even if some have no weight."""


@dataclass(frozen=True)
class Edge:
    """A nonzero weight.

    Attributes:
        start, end: neurons that it connects, as (layer, index in it); layer 0 are the inputs.
        on_path: whether it lies on an input-to-output path of nonzero weights.
        live: whether it lies on such a path through neurons that are active on some point.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    weight: float
    on_path: bool
    live: bool


@dataclass(frozen=True)
class Parts:
    """The parts of a network that are drawn.

    Attributes:
        sizes: number of neurons of each layer, including inputs and output.
        shown: for each layer the indices of neurons from top to bottom: all inputs and outputs, and
            the hidden neurons with a nonzero weight.
        on_path, live: for each layer bool [n], whether a neuron lies on a path as for `Edge`.
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
        """Return the parts of a network with these weights, float32 [n_out, n_in] for each layer.

        `active_points` are the numbers of points at which each hidden neuron is active, layer by
        layer; None if no neuron is dead.
        """
        effective = effective_mask(weights)
        alive = effective if active_points is None else live_mask(weights, active_points)
        edges = tuple(
            Edge((n, j), (n + 1, i), float(weight[i, j]), bool(mask[i, j]), bool(used[i, j]))
            for n, (weight, mask, used) in enumerate(zip(weights, effective, alive, strict=True))
            for i, j in np.argwhere(weight).tolist()
        )
        on_path = _neurons(effective)
        sizes = (weights[0].shape[1], *(weight.shape[0] for weight in weights))
        return cls(sizes, edges, _ordered(weights, on_path), on_path, _neurons(alive))

    @cached_property
    def drawn(self) -> tuple[tuple[int, ...], ...]:
        """The neurons of `shown` that have a picture.

        Hidden neurons on no path have none if their layer has more than `MAX_DRAWN`; nor have
        inputs without a nonzero weight if there are more than `MAX_INPUTS`.
        """
        inputs, *hidden, outputs = self.shown
        if len(inputs) > MAX_INPUTS:
            used = {edge.start for edge in self.edges}
            inputs = tuple(neuron for neuron in inputs if (0, neuron) in used)
        kept = [
            tuple(neuron for neuron in neurons if self.on_path[layer][neuron])
            if len(neurons) > MAX_DRAWN
            else neurons
            for layer, neurons in enumerate(hidden, start=1)
        ]
        return (inputs, *kept, outputs)

    @property
    def drawn_edges(self) -> list[Edge]:
        """The weights between drawn neurons."""
        drawn = {(layer, neuron) for layer, neurons in enumerate(self.drawn) for neuron in neurons}
        return [edge for edge in self.edges if {edge.start, edge.end} <= drawn]

    def off_path(self, neurons: Sequence[Sequence[int]]) -> int:
        """Return the number of hidden neurons, of those given for each layer, on no path."""
        hidden = range(1, len(self.sizes) - 1)
        return sum(not self.on_path[layer][neuron] for layer in hidden for neuron in neurons[layer])


@dataclass(frozen=True)
class Scene:
    """A network to draw, and the axes of the page, in inches; `name` is a prefix of ids."""

    layers: Layers
    parts: Parts
    dataset: Dataset
    axes: Axes
    palette: Palette
    name: str

    @property
    def over_plane(self) -> bool:
        """Whether the network is drawn over its input plane."""
        return self.dataset.features == 2 and self.dataset.outputs == 1

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """(height, width) if the inputs are drawn as the pixels of an image."""
        return None if self.over_plane else self.dataset.image_shape


def bias_dot(centre: tuple[float, float], radius: float, colour: str, palette: Palette) -> Circle:
    """Return the dot that represents a bias."""
    return Circle(
        centre, radius, facecolor=colour, edgecolor=palette.background, linewidth=0.5, zorder=6
    )


def _neurons(masks: MaskArrays) -> tuple[NDArray[np.bool_], ...]:
    """Return for each layer, inputs included, which neurons have a weight of these masks."""
    return (*(np.any(mask, axis=0) for mask in masks), np.any(masks[-1], axis=1))


def _ordered(
    weights: Sequence[NDArray[np.float32]], on_path: MaskArrays
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
    # Further passes change little.
    for number in range(4):
        forward = number % 2 == 0
        for layer in hidden if forward else reversed(hidden):
            towards = strengths[layer - 1] if forward else strengths[layer].T
            # Distance of each neuron from the top, from 0 to 1; 0 for those not drawn.
            before = shown[layer - 1 if forward else layer + 1]
            position = np.zeros(towards.shape[1])
            position[before] = (np.arange(len(before)) + 0.5) / max(len(before), 1)
            total = towards.sum(axis=1)
            mean = towards @ position / np.where(total > 0, total, 1)
            wanted = np.where(total > 0, mean, 1.0).round(6)
            neurons = shown[layer]
            order = np.lexsort((neurons, wanted[neurons], ~on_path[layer][neurons]))
            shown[layer] = neurons[order]
    return tuple(tuple(int(neuron) for neuron in neurons) for neurons in shown)
