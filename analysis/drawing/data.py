"""A drawing of a data set with two features."""

from __future__ import annotations

from typing import Any

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.drawing.palette import DARK, LIGHT, STYLE
from analysis.drawing.plane import Plane
from workers.datasets import Dataset


def draw_dataset(dataset: Dataset, *, dark: bool = False) -> Figure:
    """Draw the points of a data set, one colour for each class; those of a test split are rings.

    Args:
        dataset: data set with two features.
        dark: whether to draw on a dark background.

    Raises:
        ValueError: the points do not have exactly two features.

    Example:
        >>> import sparsest
        >>> figure = sparsest.draw_dataset(sparsest.load_dataset("cubist-spiral"))
        >>> figure.axes[0].get_title(loc="left")
        'cubist-spiral'
    """
    plane, palette = Plane.around(dataset), DARK if dark else LIGHT
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(5.0, 5.0), facecolor=palette.background, layout="constrained")
        axes = figure.add_subplot()
        axes.set_facecolor(palette.background)
        # Many points are drawn as dots.
        size = 1.4 if len(dataset) > 10_000 else 8.0
        handles, disc = [], dict[str, Any](linestyle="", marker="o", markersize=5)
        names = dataset.class_names or [str(number) for number in range(dataset.classes)]
        for number, name in enumerate(names):
            colour = palette.of_class(number, dataset.classes)
            x, y = dataset.points[dataset.labels == number].T
            axes.scatter(x, y, s=size, c=colour, linewidths=0, rasterized=True)
            handles.append(Line2D([], [], label=f"{name} ({len(x):,})", color=colour, **disc))
            if dataset.test is not None:
                x, y = dataset.test.points[dataset.test.labels == number].T
                axes.scatter(x, y, s=3 * size, c="none", edgecolors=colour, rasterized=True)
        if dataset.test is not None:
            ring = disc | {"markerfacecolor": "none"}
            handles.append(Line2D([], [], label="test split", color=palette.muted, **ring))
        axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:], aspect="equal")
        axes.set_title(dataset.name, color=palette.text, loc="left")
        axes.set_xlabel(dataset.feature_names[0], color=palette.text)
        axes.set_ylabel(dataset.feature_names[1], color=palette.text)
        axes.tick_params(colors=palette.muted)
        for side in axes.spines.values():
            side.set(color=palette.muted)
        style: dict[str, Any] = {"ncols": 5, "frameon": False, "labelcolor": palette.text}
        figure.legend(handles=handles, loc="outside lower center", **style)
    return figure
