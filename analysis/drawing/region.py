"""The decision region of a network with the data over it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.drawing.palette import Palette
from analysis.drawing.plane import Layers, Plane, responses
from workers.datasets import Dataset

_PIXELS = 240
_CERTAIN = 4.0
"""Logit from which on a class has its full colour."""

_STRENGTH = 0.75
"""Share of the full colour that the region gets, so that the points stand out."""


def draw_region(
    axes: Axes, layers: Layers, dataset: Dataset, plane: Plane, palette: Palette, name: str
) -> None:
    """Draws what class each point of the plane is given, the boundary, and all points.

    Args:
        axes: square, with nothing in it yet.
        layers: of the network.
        dataset: points and their classes.
        plane: what to show.
        palette: of the drawing.
        name: of the network in the figure; ids begin with it.
    """
    logits = responses(layers, plane.points(_PIXELS))[-1].reshape(_PIXELS, _PIXELS)
    certainty = np.clip(logits / _CERTAIN, -1, 1) * _STRENGTH
    image = axes.imshow(
        palette.values(0.5 + certainty / 2, bytes=True),
        extent=plane.extent,
        origin="lower",
        interpolation="none",
    )
    image.set_gid(f"{name}-region")
    if logits.min() < 0 < logits.max():
        _draw_boundary(axes, logits, plane, palette)
    _draw_points(axes, layers, dataset, palette)
    axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:], xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color=palette.text, linewidth=0.9)


def _draw_boundary(axes: Axes, logits: NDArray[np.float32], plane: Plane, palette: Palette) -> None:
    """The line where the logit is zero, as plain lines: straight pieces become two points each."""
    x, y = plane.axes(len(logits))
    contours = axes.contour(x, y, logits, levels=[0.0])
    lines = contours.get_paths()[0].to_polygons(closed_only=False)
    contours.remove()
    for line in lines:
        across, up = np.asarray(line).T
        axes.plot(across, up, color=palette.boundary, linewidth=1.0)


def _draw_points(axes: Axes, layers: Layers, dataset: Dataset, palette: Palette) -> None:
    """All points as an image, those on the wrong side over the others."""
    positive = responses(layers, dataset.points)[-1][0] > 0
    labelled = dataset.labels > 0.5
    for chosen, colour, size in (
        (labelled & positive, palette.positive_data, 1.4),
        (~labelled & ~positive, palette.negative_data, 1.4),
        (labelled != positive, palette.wrong, 4.0),
    ):
        x, y = dataset.points[chosen].T
        axes.scatter(x, y, s=size, c=colour, marker="o", linewidths=0, rasterized=True, zorder=3)
