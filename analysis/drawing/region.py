"""The decision region of a network, with the data over it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.drawing.palette import Palette
from analysis.drawing.plane import Plane, activations
from search.layers import Layers
from workers.datasets import Dataset

_PIXELS = 240


def draw_region(
    axes: Axes, layers: Layers, dataset: Dataset, plane: Plane, palette: Palette, name: str
) -> None:
    """Draw the predicted class over the plane, the decision boundary, and all points.

    Args:
        axes: empty, square axes.
        layers: weights and biases.
        dataset: points and their classes.
        plane: part of the input plane to show.
        palette: colours of the drawing.
        name: prefix of the ids in the figure.
    """
    logits = activations(layers, plane.points(_PIXELS))[-1].reshape(_PIXELS, _PIXELS)
    image = axes.imshow(
        palette.of_logits(logits), extent=plane.extent, origin="lower", interpolation="none"
    )
    image.set_gid(f"{name}-region")
    if logits.min() < 0 < logits.max():
        _draw_boundary(axes, logits, plane, palette)
    _draw_points(axes, layers, dataset, palette)
    axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:], xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color=palette.text, linewidth=0.9)


def _draw_boundary(axes: Axes, logits: NDArray[np.float32], plane: Plane, palette: Palette) -> None:
    """Draw the zero contour of the logit as simple lines, which make smaller files."""
    x, y = plane.axes(len(logits))
    contours = axes.contour(x, y, logits, levels=[0.0])
    lines = contours.get_paths()[0].to_polygons(closed_only=False)
    contours.remove()
    for line in lines:
        across, up = np.asarray(line).T
        axes.plot(across, up, color=palette.boundary, linewidth=1.0)


def _draw_points(axes: Axes, layers: Layers, dataset: Dataset, palette: Palette) -> None:
    """Draw all points as an image, misclassified ones on top."""
    positive = activations(layers, dataset.points)[-1][0] > 0
    labelled = dataset.labels > 0.5
    for chosen, colour, size in (
        (labelled & positive, palette.positive_data, 1.4),
        (~labelled & ~positive, palette.negative_data, 1.4),
        (labelled != positive, palette.wrong, 4.0),
    ):
        x, y = dataset.points[chosen].T
        axes.scatter(x, y, s=size, c=colour, marker="o", linewidths=0, rasterized=True, zorder=3)
