"""The confusion matrix of a network, where there is no plane to draw."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.drawing.caption import shortened
from analysis.drawing.palette import Palette
from analysis.drawing.plane import activations
from search.layers import Layers
from workers.datasets import Dataset

_NAME_LENGTH = 12
"""Maximum characters of a class's name."""

_MAX_NUMBERED = 12
"""Maximum number of classes whose counts and names are written."""


def confusion_matrix(layers: Layers, dataset: Dataset) -> NDArray[np.int64]:
    """Return the number of points of each true class (row) with each predicted class (column).

    Args:
        layers: weights and biases.
        dataset: points and their classes.
    """
    outputs = activations(layers, dataset.points)[-1]
    predicted = (outputs[0] > 0).astype(np.int64) if len(outputs) == 1 else outputs.argmax(axis=0)
    matrix = np.zeros((dataset.classes, dataset.classes), np.int64)
    np.add.at(matrix, (dataset.labels.astype(np.int64), predicted), 1)
    return matrix


def draw_confusion(
    axes: Axes, layers: Layers, dataset: Dataset, palette: Palette, name: str
) -> None:
    """Draw the confusion matrix on the points to train on, each row as a fraction of its class.

    Args:
        axes: empty, square axes.
        layers: weights and biases.
        dataset: points and their classes.
        palette: colours of the drawing.
        name: prefix of the ids in the figure.
    """
    matrix = confusion_matrix(layers, dataset)
    fractions = matrix / matrix.sum(axis=1, keepdims=True)
    right = np.eye(dataset.classes, dtype=np.bool_)
    # Blue on the diagonal, orange beside it.
    values = np.where(right, fractions, -fractions).astype(np.float32)
    edge = (-0.5, dataset.classes - 0.5)
    image = axes.imshow(palette.of_fractions(values), extent=(*edge, *edge[::-1]))
    image.set_gid(f"{name}-confusion")
    axes.set(xlim=edge, ylim=edge[::-1], xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color=palette.text, linewidth=0.9)
    axes.set_xlabel("predicted class", color=palette.muted, fontsize=9)
    axes.set_ylabel("class", color=palette.muted, fontsize=9)
    if dataset.classes > _MAX_NUMBERED:
        return
    size = 9 if dataset.classes > 5 else 11
    names = [str(number) for number in range(dataset.classes)]
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(
                column, row, str(count), ha="center", va="center", color=palette.text, fontsize=size
            )
    labels = [shortened(name, _NAME_LENGTH) for name in dataset.class_names or names]
    axes.set_xticks(range(dataset.classes), labels, fontsize=8, color=palette.muted)
    axes.set_yticks(
        range(dataset.classes), labels, fontsize=8, color=palette.muted, rotation=90, va="center"
    )
    axes.tick_params(length=0)
