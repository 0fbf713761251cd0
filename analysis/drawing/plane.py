"""What the neurons of a network answer over the input plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset

Layers = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(weight float32 [n_out, n_in], bias float32 [n_out]) a layer, input side first."""

_MARGIN = 1.06
"""The plane goes this much further than the data."""


@dataclass(frozen=True)
class Plane:
    """A square of the input plane.

    Attributes:
        centre: of the square.
        reach: half of its side.
    """

    centre: tuple[float, float]
    reach: float

    @classmethod
    def around(cls, dataset: Dataset) -> Self:
        """The square that a data set fills.

        Raises:
            ValueError: its points have other than two features.
        """
        if dataset.features != 2:
            raise ValueError(
                f"{dataset.name} has {dataset.features} features: only networks on points of a "
                "plane can be drawn"
            )
        lowest, highest = dataset.points.min(axis=0), dataset.points.max(axis=0)
        x, y = (float(middle) for middle in (lowest + highest) / 2)
        return cls((x, y), float((highest - lowest).max()) / 2 * _MARGIN)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        x, y = self.centre
        return (x - self.reach, x + self.reach, y - self.reach, y + self.reach)

    def axes(self, pixels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centres of so many pixels along each side: from the left, and from the bottom."""
        steps = (2 * (np.arange(pixels) + 0.5) / pixels - 1) * self.reach
        x, y = self.centre
        return (steps + x).astype(np.float32), (steps + y).astype(np.float32)

    def points(self, pixels: int) -> NDArray[np.float32]:
        """Centres of pixels * pixels squares, row by row from the bottom: [pixels ** 2, 2]."""
        x, y = self.axes(pixels)
        return np.stack([np.tile(x, pixels), np.repeat(y, pixels)], axis=1)


def responses(layers: Layers, points: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What every neuron of a network answers.

    Args:
        layers: of the network.
        points: float32 [N, inputs].

    Returns:
        float32 [n, N] a layer: the inputs themselves, the hidden neurons behind their ReLU, and
        the logit.
    """
    answers = [points.T]
    for number, (weight, bias) in enumerate(layers, start=1):
        # Not a matrix product: its sums would depend on the number of threads, and the same drawing
        # is to be the same bytes.
        answer = np.einsum("oi,in->on", weight, answers[-1]) + bias[:, None]
        answers.append(answer if number == len(layers) else np.maximum(answer, 0))
    return answers


def without_others(layers: Layers, kept: Sequence[Sequence[int]]) -> Layers:
    """The network with some of its neurons only, in the order given.

    It answers the same where the others have no nonzero weight.

    Args:
        layers: of the network.
        kept: for each layer, inputs and output included, the places of neurons.
    """
    return [
        (weight[np.ix_(outputs, inputs)], bias[list(outputs)])
        for (weight, bias), inputs, outputs in zip(layers, kept[:-1], kept[1:], strict=True)
    ]
