"""Figures of the tables in `analysis.tables`, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from analysis.figures.chart import Axis, Chart, Series, View
from analysis.figures.front import ACCURACY, front_view, weights_axis
from analysis.figures.matplotlib_figure import matplotlib_figure
from analysis.figures.styles import styles_for
from analysis.methods import in_order, name_of
from analysis.store import QueryResult, Store
from analysis.tables import pareto, sparsest_networks
from search.paper import TARGETS

_TARGET_STYLES = ("after", "fewest", "fourth", "fifth", "before")


def plot_pareto(
    store: Store, methods: Sequence[str] | None = None, *, dataset: str | None = None
) -> Figure:
    """Plot accuracy against nonzero weights: each method's networks that no sparser one equals.

    A line is the best of many trainings: compare methods only if theirs are similar in number.

    Args:
        store: store of `open_store` or `open_published`.
        methods: methods to plot; None for all. "snip (batches=4)" is SNIP with that setting.
        dataset: data set; None if the store has only one.

    Raises:
        ValueError: the store has no networks of one of the methods, none at all, or several data
            sets and none is chosen.
    """
    rows = _with_settings(pareto(store, dataset=dataset))
    present = in_order({row["method"] for row in rows})
    _check_methods(methods, present)
    shown = [row for row in rows if methods is None or row["method"] in methods]
    weights = [row["weight_nnz"] for row in shown]
    chart = Chart(
        "pareto",
        "",
        "",
        weights_axis(min(weights), max(weights)),
        ACCURACY,
        {(): front_view(shown)},
    )
    # The styles of all methods, so that a method looks the same whichever others are shown.
    return matplotlib_figure(chart, styles_for(present))


def plot_sparsest(
    store: Store, targets: Sequence[float] = TARGETS, *, dataset: str | None = None
) -> Figure:
    """Plot the fewest nonzero weights with which each method reaches each accuracy.

    A minimum depends on the number of trainings: compare methods only if theirs are similar.

    Args:
        store: store of `open_store` or `open_published`.
        targets: accuracies, 0 to 1.
        dataset: data set; None if the store has only one.

    Raises:
        ValueError: see `analysis.tables.sparsest_networks`, or no network reaches any of them.
    """
    rows = _with_settings(sparsest_networks(store, targets, dataset=dataset))
    present = in_order({row["method"] for row in rows})
    _check_methods(None, present)
    names = [name_of(method) for method in present]
    series = []
    for number, target in enumerate(targets):
        reached = {row["method"]: row["weight_nnz"] for row in rows if row["target"] == target}
        series.append(
            Series(
                f"{100 * target:g} %",
                _TARGET_STYLES[number % len(_TARGET_STYLES)],
                [reached[method] for method in present if method in reached],
                [name_of(method) for method in present if method in reached],
                "points",
            )
        )
    chart = Chart(
        "sparsest",
        "",
        "",
        Axis("nonzero weights of the sparsest network"),
        Axis("", "categories"),
        {(): View(series)},
    )
    figure = matplotlib_figure(chart, styles_for(present))
    for one in series:
        for weights, name in zip(one.x, one.y, strict=True):
            at = (weights, names.index(str(name)))
            figure.axes[0].annotate(
                f"{weights:g}", at, (0, 5), textcoords="offset points", ha="center", size=8
            )
    return figure


def _with_settings(table: QueryResult) -> list[dict[str, Any]]:
    """Return the rows with the settings as part of the method's name."""
    rows: list[dict[str, Any]] = table.arrow().to_pylist()
    return [{**row, "method": row["variant"]} for row in rows]


def _check_methods(methods: Sequence[str] | None, present: Sequence[str]) -> None:
    if not present:
        raise ValueError("no network reaches any of these accuracies: there is nothing to plot")
    unknown = [method for method in methods or () if method not in present]
    if unknown:
        raise ValueError(f"no networks by {', '.join(unknown)}; there are: {', '.join(present)}")
