"""The figure of the best accuracy by number of weights, for the report and for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from analysis.figures.by_method import Row, method_series
from analysis.figures.chart import Axis, Guide, View
from search.paper_sizes import TARGETS

ACCURACY = Axis(
    "accuracy",
    "nines",
    limits=(0.45, 0.9995),
    ticks=(0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995),
)
"""Accuracy axis, stretched towards 100 %."""

TARGET_GUIDES = tuple(Guide(target, f"{100 * target:g} %") for target in TARGETS)
"""Lines at the paper's accuracies."""

_PADDING = 0.02
"""Space beside the data as a fraction of the axis."""


def accuracy_from(least: float) -> Axis:
    """Return the axis `ACCURACY` with another lower limit."""
    ticks = [tick for tick in ACCURACY.ticks if tick >= least]
    most = ACCURACY.ticks[-1]
    return replace(ACCURACY, limits=(min(least, ACCURACY.ticks[-2]), most), ticks=ticks)


def weights_axis(fewest: int, most: int) -> Axis:
    """Return an axis from the smallest to the largest number of weights."""
    space = max(1.0, _PADDING * (most - fewest))
    return Axis("nonzero weights", limits=(fewest - space, most + space))


def front_view(rows: Sequence[Row], note: Callable[[Row], str] = lambda row: "") -> View:
    """Return a view with a step line for each method.

    Args:
        rows: rows with method, weight_nnz, accuracy and experiment_id, ascending in both numbers
            within a method.
        note: returns the text about a row.
    """
    return View(method_series(rows, "weight_nnz", "accuracy", note, "steps"), TARGET_GUIDES)
