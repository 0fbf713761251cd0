"""The panel beside a network: its decision region with the data, or its confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.drawing.caption import shortened
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Scene
from analysis.drawing.plane import Plane, activations, restricted_to
from search.layers import Layers
from workers.datasets import Dataset

_PIXELS = 240
"""Height and width of the decision region."""


def draw_region(axes: Axes, scene: Scene, plane: Plane) -> None:
    """Draw the predicted class over the plane, the decision boundary, and all points."""
    palette, layers = scene.palette, restricted_to(scene.layers, scene.parts.shown)
    logits = activations(layers, plane.points(_PIXELS))[-1].reshape(_PIXELS, _PIXELS)
    image = axes.imshow(
        palette.of_logits(logits), extent=plane.extent, origin="lower", interpolation="none"
    )
    image.set_gid(f"{scene.name}-region")
    if logits.min() < 0 < logits.max():
        # The zero contour as simple lines, which make smaller files.
        contours = axes.contour(*plane.axes(_PIXELS), logits, levels=[0.0])
        lines = contours.get_paths()[0].to_polygons(closed_only=False)
        contours.remove()
        for line in lines:
            axes.plot(*np.asarray(line).T, color=palette.boundary, linewidth=1.0)
    points, labelled = scene.dataset.points, scene.dataset.labels > 0.5
    positive = activations(layers, points)[-1][0] > 0
    for chosen, colour, size in (
        (labelled & positive, palette.positive_data, 1.4),
        (~labelled & ~positive, palette.negative_data, 1.4),
        (labelled != positive, palette.wrong, 4.0),
    ):
        x, y = points[chosen].T
        axes.scatter(x, y, s=size, c=colour, marker="o", linewidths=0, rasterized=True, zorder=3)
    axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:], xticks=[], yticks=[])
    _frame(axes, palette)


def confusion_matrix(layers: Layers, dataset: Dataset) -> NDArray[np.int64]:
    """Return the number of points of each true class (row) with each predicted class (column)."""
    outputs = activations(layers, dataset.points)[-1]
    predicted = (outputs[0] > 0).astype(np.int64) if len(outputs) == 1 else outputs.argmax(axis=0)
    matrix = np.zeros((dataset.classes, dataset.classes), np.int64)
    np.add.at(matrix, (dataset.labels.astype(np.int64), predicted), 1)
    return matrix


def draw_confusion(axes: Axes, scene: Scene) -> None:
    """Draw the confusion matrix on the points to train on, each row as a fraction of its class."""
    palette, classes = scene.palette, scene.dataset.classes
    matrix = confusion_matrix(scene.layers, scene.dataset)
    fractions = matrix / matrix.sum(axis=1, keepdims=True)
    # Blue on the diagonal, orange beside it.
    values = np.where(np.eye(classes, dtype=np.bool_), fractions, -fractions).astype(np.float32)
    edge = (-0.5, classes - 0.5)
    image = axes.imshow(palette.of_fractions(values), extent=(*edge, *edge[::-1]))
    image.set_gid(f"{scene.name}-confusion")
    axes.set(xlim=edge, ylim=edge[::-1], xticks=[], yticks=[])
    _frame(axes, palette)
    axes.set_xlabel("predicted class", color=palette.muted, fontsize=9)
    axes.set_ylabel("class", color=palette.muted, fontsize=9)
    if classes > 12:
        return
    centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9 if classes > 5 else 11}
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, str(count), color=palette.text, **centred)
    names = scene.dataset.class_names or [str(number) for number in range(classes)]
    labels = [shortened(name, 12) for name in names]
    style: dict[str, Any] = {"fontsize": 8, "color": palette.muted}
    axes.set_xticks(range(classes), labels, **style)
    axes.set_yticks(range(classes), labels, **style, rotation=90, va="center")
    axes.tick_params(length=0)


def _frame(axes: Axes, palette: Palette) -> None:
    for side in axes.spines.values():
        side.set(color=palette.text, linewidth=0.9)
