"""Series of rows, and the axes that figures of accuracy and weights share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.figures.chart import Axis, Guide, Kind, Series, View
from analysis.methods import in_order, name_of
from search.paper_sizes import TARGETS

Row = Mapping[str, Any]

ACCURACY = Axis(
    "accuracy",
    "nines",
    limits=(0.45, 0.9995),
    ticks=(0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995),
)
"""Accuracy axis, stretched towards 100 %."""

TARGET_GUIDES = tuple(Guide(target, f"{100 * target:g} %") for target in TARGETS)
"""Lines at the paper's accuracies."""


def accuracy_from(least: float | None) -> Axis:
    """Return the axis `ACCURACY`, with another lower limit if one is given."""
    if least is None:
        return ACCURACY
    ticks = [tick for tick in ACCURACY.ticks if tick >= least]
    most = ACCURACY.ticks[-1]
    return replace(ACCURACY, limits=(min(least, ACCURACY.ticks[-2]), most), ticks=ticks)


def weights_axis(fewest: int, most: int) -> Axis:
    """Return an axis from the smallest to the largest number of weights."""
    space = max(1.0, 0.02 * (most - fewest))
    return Axis("nonzero weights", limits=(fewest - space, most + space))


def series_of(
    rows: Sequence[Row],
    name: str,
    style: str,
    x: str,
    y: str | Callable[[Row], float | str],
    note: Callable[[Row], str] = lambda row: "",
    kind: Kind = "line",
) -> Series:
    """Return a series with a point for each row, in their order.

    `x` is a column, `y` a column or a function of the row, and `note` returns the text about a
    point. The network of a point is the row's `experiment_id`, if it is there. For the rest see
    `Series`.
    """
    return Series(
        name,
        style,
        [row[x] for row in rows],
        [row[y] if isinstance(y, str) else y(row) for row in rows],
        kind,
        networks=[row.get("experiment_id") for row in rows],
        notes=[note(row) for row in rows],
    )


def method_series(
    rows: Sequence[Row],
    x: str,
    y: str | Callable[[Row], float],
    note: Callable[[Row], str] = lambda row: "",
    kind: Kind = "line",
) -> list[Series]:
    """Return a series for each value of the column `method`, in the order of legends."""
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    return [
        series_of(by_method[method], name_of(method), method, x, y, note, kind)
        for method in in_order(by_method)
    ]


def category(row: Row) -> str:
    """Return the place of a row's method on an axis of categories."""
    return name_of(row["method"])


def front_view(rows: Sequence[Row], note: Callable[[Row], str] = lambda row: "") -> View:
    """Return a view with a step line for each method.

    The rows have method, weight_nnz, accuracy and experiment_id, and ascend in both numbers within
    a method.
    """
    return View(method_series(rows, "weight_nnz", "accuracy", note, "steps"), TARGET_GUIDES)
