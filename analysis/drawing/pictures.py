"""Pictures of neurons: their output over the input plane, by class, or as an image.

A picture of a drawn neuron, given by its layer (0 for the inputs) and its index in it, has about
the wanted height and width in pixels: RGBA, uint8 [H, W, 4], lowest row first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from analysis.drawing.palette import rgba
from analysis.drawing.parts import Scene
from analysis.drawing.plane import Plane, activations, restricted_to

PictureOf = Callable[[int, int, int], NDArray[np.uint8]]
"""(layer, neuron, pixels) -> picture."""


def plane_pictures(scene: Scene, plane: Plane) -> PictureOf:
    """Picture the output of each neuron over the input plane, on its own scale; white is zero.

    The output's picture has the colours of the decision region, which shows the same function.
    """
    shown, palette = scene.parts.shown, scene.palette
    small = restricted_to(scene.layers, shown)

    @cache
    def outputs(pixels: int) -> list[NDArray[np.float32]]:
        return activations(small, plane.points(pixels))

    def picture(layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        output = outputs(pixels)[layer][shown[layer].index(neuron)].reshape(pixels, pixels)
        is_output = layer == len(shown) - 1
        return palette.of_logits(output) if is_output else palette.of_activations(output)

    return picture


def class_pictures(scene: Scene) -> PictureOf:
    """Picture the mean output of each neuron in each class as bars, on its own scale.

    Bars rise from the lower edge, or from the middle if one is negative.
    """
    dataset, palette = scene.dataset, scene.palette
    classes = [dataset.labels == number for number in range(dataset.classes)]
    means = [
        np.stack([outputs[:, members].mean(axis=1) for members in classes], axis=1)
        for outputs in activations(scene.layers, dataset.points)
    ]

    def picture(layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        heights = means[layer][neuron] / (np.abs(means[layer][neuron]).max() or 1.0)
        count = len(heights)
        # At least three columns of pixels for each bar and its gap.
        width = max(pixels, 3 * count)
        bar = np.minimum(np.arange(width) * count // width, count - 1)
        is_gap = np.append(bar[1:] != bar[:-1], False)
        level = (np.arange(pixels)[:, None] + 0.5) / pixels
        if (heights < 0).any():
            level = 2 * level - 1
        height = np.where(is_gap, 0.0, heights[bar])
        colours = np.empty((pixels, width, 4), np.uint8)
        colours[:] = rgba(palette.neutral)
        colours[(level > 0) & (level <= height)] = rgba(palette.positive)
        colours[(level < 0) & (level >= height)] = rgba(palette.negative)
        return colours

    return picture


def image_pictures(scene: Scene, shape: tuple[int, int]) -> PictureOf:
    """Picture how the output of a neuron varies with each pixel: their covariance, on its scale."""
    points = scene.dataset.points
    pixels_from_mean = points - points.mean(axis=0)
    # Not a matrix product, as in `activations`.
    covariances = [
        np.einsum("on,nf->of", outputs, pixels_from_mean)
        for outputs in activations(scene.layers, points)[1:]
    ]

    def picture(layer: int, neuron: int, pixels: int) -> NDArray[np.uint8]:
        return scene.palette.of_activations(covariances[layer - 1][neuron].reshape(shape)[::-1])

    return picture


def picture_of_inputs(scene: Scene, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture of all inputs: the deviation of each pixel over the images."""
    deviations = scene.dataset.points.std(axis=0)
    share = (deviations / (deviations.max() or 1.0)).reshape(shape)[::-1]
    ground, ink = rgba(scene.palette.neutral), rgba(scene.palette.grey)
    # Grey, so that the weights in front of it can be seen.
    mixed = ground + share[..., None] * 0.7 * (ink.astype(np.float32) - ground)
    picture: NDArray[np.uint8] = mixed.round().astype(np.uint8)
    return picture
