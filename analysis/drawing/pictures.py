"""Pictures of neurons: their output over the input plane, by class, or as an image."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts
from analysis.drawing.plane import Plane, activations, restricted_to
from search.layers import Layers
from workers.datasets import Dataset

_INK = 0.7
"""Strength of the pixels that vary most in the picture of the inputs."""


class Pictures(Protocol):
    """The pictures of a network's drawn neurons."""

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a drawn neuron as RGBA, uint8 [H, W, 4], lowest row first.

        Args:
            layer: layer of the neuron, from 0 for the inputs.
            neuron: index in the layer.
            pixels: wanted height and width.
        """


class PlanePictures:
    """The output of each neuron over the input plane, on its own scale; white is zero.

    The output's picture has the colours of the decision region, which shows the same function.

    Args:
        parts: parts of the network.
        layers: weights and biases.
        plane: part of the input plane to show.
        palette: colours of the drawing.
    """

    def __init__(self, parts: Parts, layers: Layers, plane: Plane, palette: Palette) -> None:
        self._parts, self._plane, self._palette = parts, plane, palette
        self._small = restricted_to(layers, parts.shown)
        self._outputs: dict[int, list[NDArray[np.float32]]] = {}

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a neuron."""
        if pixels not in self._outputs:
            self._outputs[pixels] = activations(self._small, self._plane.points(pixels))
        output = self._outputs[pixels][layer][self._parts.shown[layer].index(neuron)]
        square = output.reshape(pixels, pixels)
        if layer == len(self._parts.sizes) - 1:
            return self._palette.of_logits(square)
        return self._palette.of_activations(square)


class ClassPictures:
    """The mean output of each neuron in each class as bars, on its own scale.

    Bars rise from the lower edge, or from the middle if one is negative.

    Args:
        layers: weights and biases.
        dataset: points and their classes.
        palette: colours of the drawing.
    """

    def __init__(self, layers: Layers, dataset: Dataset, palette: Palette) -> None:
        classes = [dataset.labels == number for number in range(dataset.classes)]
        self._means = [
            np.stack([outputs[:, members].mean(axis=1) for members in classes], axis=1)
            for outputs in activations(layers, dataset.points)
        ]
        self._palette = palette

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a neuron."""
        means = self._means[layer][neuron]
        heights = means / (np.abs(means).max() or 1.0)
        signed = bool((heights < 0).any())
        count = len(heights)
        # At least three columns of pixels for each bar and its gap.
        width = max(pixels, 3 * count)
        bar = np.minimum(np.arange(width) * count // width, count - 1)
        is_gap = np.append(bar[1:] != bar[:-1], False) & (width >= 3 * count)
        level = (np.arange(pixels)[:, None] + 0.5) / pixels
        if signed:
            level = 2 * level - 1
        height = np.where(is_gap, 0.0, heights[bar])
        picture = np.empty((pixels, width, 4), np.uint8)
        picture[:] = _rgba(self._palette.neutral)
        picture[(level > 0) & (level <= height)] = _rgba(self._palette.positive)
        picture[(level < 0) & (level >= height)] = _rgba(self._palette.negative)
        return picture


class ImagePictures:
    """How the output of each neuron varies with each pixel: their covariance, on its own scale.

    Args:
        layers: weights and biases.
        dataset: images.
        palette: colours of the drawing.
    """

    def __init__(self, layers: Layers, dataset: Dataset, palette: Palette) -> None:
        assert dataset.image_shape is not None
        self._shape, self._palette = dataset.image_shape, palette
        pixels = dataset.points - dataset.points.mean(axis=0)
        # Not a matrix product, as in `activations`.
        self._covariances = [
            np.einsum("on,nf->of", outputs, pixels)
            for outputs in activations(layers, dataset.points)[1:]
        ]
        self._deviations = dataset.points.std(axis=0)

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a hidden neuron or an output."""
        return self._image(self._covariances[layer - 1][neuron])

    def of_inputs(self) -> NDArray[np.uint8]:
        """Return a picture of all inputs: the deviation of each pixel over the images."""
        share = (self._deviations / (self._deviations.max() or 1.0)).reshape(self._shape)[::-1]
        ground, ink = _rgba(self._palette.neutral), _rgba(self._palette.grey)
        # Grey, so that the weights in front of it can be seen.
        mixed = ground + share[..., None] * _INK * (ink.astype(np.float32) - ground)
        picture: NDArray[np.uint8] = mixed.round().astype(np.uint8)
        return picture

    def _image(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        return self._palette.of_activations(values.reshape(self._shape)[::-1])


def _rgba(colour: str) -> NDArray[np.uint8]:
    return np.array([*(round(255 * part) for part in to_rgb(colour)), 255], np.uint8)
