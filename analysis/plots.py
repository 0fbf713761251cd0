"""Figures of the tables in `analysis.tables`, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.chart import Axis, View, untitled
from analysis.figures.matplotlib_figure import matplotlib_figure
from analysis.figures.series import accuracy_from, category, front_view, series_of, weights_axis
from analysis.methods import in_order, styles_for
from analysis.store import QueryResult, Results
from analysis.tables import pareto, sparsest_networks
from search.paper_sizes import TARGETS

_TARGET_STYLES = ("after", "fewest", "fourth", "fifth", "before")


def plot_pareto(
    store: Results,
    methods: Sequence[str] | None = None,
    *,
    target: float | None = None,
    dataset: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot accuracy against nonzero weights: each method's networks that no sparser one equals.

    A line is the best of many trainings: compare methods only if theirs are similar in number.

    Args:
        store: store, or rows of `train`.
        methods: methods to plot; None for all. "snip (batches=4)" is SNIP with that setting.
        target: accuracy from which networks are plotted, 0 to 1; None for all.
        dataset: data set, needed if the store has several.
        ax: axes to plot on, of a figure of yours, which is then returned; None for a new figure.

    Raises:
        ValueError: the store has no networks, or none of one of the methods, or the data set is
            not clear.

    Example:
        >>> import sparsest
        >>> from matplotlib.figure import Figure
        >>> rows = sparsest.train(["snip", "synflow"], width=4, target_nnz=[12, 20], epochs=1)
        >>> axes = Figure().subplots(1, 2)
        >>> figure = sparsest.plot_pareto(rows, ["snip"], target=0.4, ax=axes[0])
        >>> [text.get_text() for text in axes[0].get_legend().get_texts()]
        ['SNIP']
    """
    rows = _with_settings(pareto(store, target=target, dataset=dataset))
    present = in_order({row["method"] for row in rows})
    _check_methods(methods, present)
    shown = [row for row in rows if methods is None or row["method"] in methods]
    weights = [row["weight_nnz"] for row in shown]
    x_axis = weights_axis(min(weights), max(weights))
    chart = untitled(x_axis, accuracy_from(target), front_view(shown))
    # The styles of all methods, so that a method looks the same whichever others are shown.
    return matplotlib_figure(chart, styles_for(present), ax)


def plot_sparsest(
    store: Results,
    targets: Sequence[float] = TARGETS,
    *,
    target: float | None = None,
    dataset: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot the fewest nonzero weights with which each method reaches each accuracy.

    A minimum depends on the number of trainings: compare methods only if theirs are similar.

    Args:
        store: store, or rows of `train`.
        targets: accuracies, 0 to 1.
        target: one accuracy, instead of `targets`.
        dataset: data set, needed if the store has several.
        ax: axes to plot on, of a figure of yours, which is then returned; None for a new figure.

    Raises:
        ValueError: see `analysis.tables.sparsest_networks`, or no network reaches any of them.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train(["snip", "synflow"], width=4, target_nnz=[12, 20], epochs=1)
        >>> figure = sparsest.plot_sparsest(rows, target=0.4)
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['SNIP', 'SynFlow']
    """
    targets = targets if target is None else [target]
    rows = _with_settings(sparsest_networks(store, targets, dataset=dataset))
    present = in_order({row["method"] for row in rows})
    _check_methods(None, present)
    series = []
    for number, wanted in enumerate(targets):
        reached = [row for row in rows if row["target"] == wanted]
        reached.sort(key=lambda row: present.index(row["method"]))
        style = _TARGET_STYLES[number % len(_TARGET_STYLES)]
        name = f"{100 * wanted:g} %"
        series.append(series_of(reached, name, style, "weight_nnz", category, kind="points"))
    view, x_axis = View(series), Axis("nonzero weights of the sparsest network")
    chart = untitled(x_axis, Axis("", "categories"), view)
    figure = matplotlib_figure(chart, styles_for(present), ax)
    axes = figure.axes[0] if ax is None else ax
    for one in series:
        for x, y in zip(one.x, one.y, strict=True):
            at = (x, view.categories.index(y))
            axes.annotate(f"{x:g}", at, (0, 5), textcoords="offset points", ha="center", size=8)
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
