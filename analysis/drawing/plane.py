"""Activations of a network's neurons over the input plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers
from workers.datasets import Dataset


@dataclass(frozen=True)
class Plane:
    """A square of the input plane: its centre, and half of its side."""

    centre: tuple[float, float]
    reach: float

    @classmethod
    def around(cls, dataset: Dataset) -> Self:
        """Return the square that contains a data set.

        Raises:
            ValueError: the points do not have exactly two features.
        """
        if dataset.features != 2:
            raise ValueError(
                f"{dataset.name} has {dataset.features} features: only networks with two inputs "
                "can be drawn"
            )
        lowest, highest = dataset.points.min(axis=0), dataset.points.max(axis=0)
        x, y = (float(middle) for middle in (lowest + highest) / 2)
        # With a margin of 6 %.
        return cls((x, y), float((highest - lowest).max()) / 2 * 1.06)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge."""
        x, y = self.centre
        return (x - self.reach, x + self.reach, y - self.reach, y + self.reach)

    def axes(self, pixels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the pixel centres along each side: from the left, and from the bottom."""
        steps = (2 * (np.arange(pixels) + 0.5) / pixels - 1) * self.reach
        x, y = self.centre
        return (steps + x).astype(np.float32), (steps + y).astype(np.float32)

    def points(self, pixels: int) -> NDArray[np.float32]:
        """Return the pixel centres row by row from the bottom: float32 [pixels ** 2, 2]."""
        x, y = self.axes(pixels)
        return np.stack([np.tile(x, pixels), np.repeat(y, pixels)], axis=1)


def activations(layers: Layers, points: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the output of every neuron: inputs, hidden neurons after their ReLU, logits.

    The points are float32 [N, inputs], the outputs float32 [n, N] for each layer.
    """
    outputs = [points.T]
    for number, (weight, bias) in enumerate(layers, start=1):
        # Not a matrix product, whose sums depend on the number of threads: the same drawing must
        # give the same bytes.
        output = np.einsum("oi,in->on", weight, outputs[-1]) + bias[:, None]
        outputs.append(output if number == len(layers) else np.maximum(output, 0))
    return outputs


def restricted_to(layers: Layers, neurons: Sequence[Sequence[int]]) -> Layers:
    """Return the network with only the listed neurons of each layer, inputs and outputs included.

    Its output is unchanged if all weights of the other neurons are zero.
    """
    return [
        (weight[np.ix_(outputs, inputs)], bias[list(outputs)])
        for (weight, bias), inputs, outputs in zip(layers, neurons[:-1], neurons[1:], strict=True)
    ]
