"""Pictures of neurons: their output over the input plane, by class, or as an image.

Each class of pictures has a method `of`: the picture of a drawn neuron, given by its layer (0 for
the inputs) and its index in it, of about the wanted height and width in pixels, as RGBA,
uint8 [H, W, 4], lowest row first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.drawing.palette import rgba
from analysis.drawing.plane import Plane, activations, restricted_to
from analysis.drawing.scene import Scene

PictureOf = Callable[[int, int, int], NDArray[np.uint8]]
"""(layer, neuron, pixels) -> picture."""


class PlanePictures:
    """The output of each neuron over the input plane, on its own scale; white is zero.

    The output's picture has the colours of the decision region, which shows the same function.
    """

    def __init__(self, scene: Scene, plane: Plane) -> None:
        self._parts, self._palette, self._plane = scene.parts, scene.palette, plane
        self._small = restricted_to(scene.layers, scene.parts.shown)
        self._outputs: dict[int, list[NDArray[np.float32]]] = {}

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a neuron."""
        if pixels not in self._outputs:
            self._outputs[pixels] = activations(self._small, self._plane.points(pixels))
        output = self._outputs[pixels][layer][self._parts.shown[layer].index(neuron)]
        is_output = layer == len(self._parts.sizes) - 1
        colours = self._palette.of_logits if is_output else self._palette.of_activations
        return colours(output.reshape(pixels, pixels))


class ClassPictures:
    """The mean output of each neuron in each class as bars, on its own scale.

    Bars rise from the lower edge, or from the middle if one is negative.
    """

    def __init__(self, scene: Scene) -> None:
        dataset = scene.dataset
        classes = [dataset.labels == number for number in range(dataset.classes)]
        self._means = [
            np.stack([outputs[:, members].mean(axis=1) for members in classes], axis=1)
            for outputs in activations(scene.layers, dataset.points)
        ]
        self._palette = scene.palette

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a neuron."""
        means = self._means[layer][neuron]
        heights = means / (np.abs(means).max() or 1.0)
        count = len(heights)
        # At least three columns of pixels for each bar and its gap.
        width = max(pixels, 3 * count)
        bar = np.minimum(np.arange(width) * count // width, count - 1)
        is_gap = np.append(bar[1:] != bar[:-1], False)
        level = (np.arange(pixels)[:, None] + 0.5) / pixels
        if (heights < 0).any():
            level = 2 * level - 1
        height = np.where(is_gap, 0.0, heights[bar])
        picture = np.empty((pixels, width, 4), np.uint8)
        picture[:] = rgba(self._palette.neutral)
        picture[(level > 0) & (level <= height)] = rgba(self._palette.positive)
        picture[(level < 0) & (level >= height)] = rgba(self._palette.negative)
        return picture


class ImagePictures:
    """How the output of each neuron varies with each pixel: their covariance, on its own scale."""

    def __init__(self, scene: Scene, shape: tuple[int, int]) -> None:
        points = scene.dataset.points
        self._shape, self._palette = shape, scene.palette
        pixels = points - points.mean(axis=0)
        # Not a matrix product, as in `activations`.
        self._covariances = [
            np.einsum("on,nf->of", outputs, pixels)
            for outputs in activations(scene.layers, points)[1:]
        ]
        self._deviations = points.std(axis=0)

    def of(self, layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        """Return the picture of a hidden neuron or an output."""
        image = self._covariances[layer - 1][neuron].reshape(self._shape)
        return self._palette.of_activations(image[::-1])

    def of_inputs(self) -> NDArray[np.uint8]:
        """Return a picture of all inputs: the deviation of each pixel over the images."""
        share = (self._deviations / (self._deviations.max() or 1.0)).reshape(self._shape)[::-1]
        ground, ink = rgba(self._palette.neutral), rgba(self._palette.grey)
        # Grey, so that the weights in front of it can be seen.
        mixed = ground + share[..., None] * 0.7 * (ink.astype(np.float32) - ground)
        picture: NDArray[np.uint8] = mixed.round().astype(np.uint8)
        return picture
