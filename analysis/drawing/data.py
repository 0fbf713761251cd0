"""A drawing of a data set with two features."""

from __future__ import annotations

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.drawing.palette import DARK, LIGHT
from analysis.drawing.plane import Plane
from workers.datasets import Dataset

_SIDE = 5.0
"""Side of the drawing, in inches."""

_MANY_POINTS = 10_000
"""Number of points from which they are drawn as dots."""


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
    # Independent of a notebook's settings.
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(_SIDE, _SIDE), facecolor=palette.background, layout="constrained")
        axes = figure.add_subplot()
        axes.set_facecolor(palette.background)
        size = 1.4 if len(dataset) > _MANY_POINTS else 8.0
        handles = []
        names = dataset.class_names or [str(number) for number in range(dataset.classes)]
        for number, name in enumerate(names):
            colour = palette.of_class(number, dataset.classes)
            x, y = dataset.points[dataset.labels == number].T
            axes.scatter(x, y, s=size, c=colour, linewidths=0, rasterized=True)
            handles.append(_handle(f"{name} ({len(x):,})", colour))
            if dataset.test is not None:
                x, y = dataset.test.points[dataset.test.labels == number].T
                axes.scatter(x, y, s=3 * size, c="none", edgecolors=colour, rasterized=True)
        if dataset.test is not None:
            handles.append(_handle("test split", palette.muted, fill="none"))
        axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:], aspect="equal")
        axes.set_title(dataset.name, color=palette.text, loc="left")
        axes.set_xlabel(dataset.feature_names[0], color=palette.text)
        axes.set_ylabel(dataset.feature_names[1], color=palette.text)
        axes.tick_params(colors=palette.muted)
        for side in axes.spines.values():
            side.set(color=palette.muted)
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=5,
            frameon=False,
            labelcolor=palette.text,
        )
    return figure


def _handle(label: str, colour: str, fill: str | None = None) -> Line2D:
    """Return an entry of the legend: a disc, or a ring if `fill` is "none"."""
    return Line2D(
        [],
        [],
        linestyle="",
        marker="o",
        markersize=5,
        label=label,
        color=colour,
        markerfacecolor=fill or colour,
    )
