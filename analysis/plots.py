"""The tables of `analysis.tables` as figures: for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.store import Store
from analysis.tables import pareto, sparsest_networks
from search.paper import TARGETS

# Okabe and Ito's colours, which people who are colour-blind tell apart, with dashes for more
# methods than there are colours. The search is black.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("solid", (0, (4, 2)), (0, (1, 1)))


def plot_pareto(store: Store, methods: Sequence[str] | None = None) -> Figure:
    """Accuracy against nonzero weights: the best that each method has at so many weights or fewer.

    Args:
        store: as `open_store` and `open_published` give it.
        methods: which of them; None for all that the store has.

    Raises:
        ValueError: a method that the store has no networks of, or none at all.
    """
    rows = pareto(store).arrow().to_pylist()
    chosen = _chosen(methods, [row["method"] for row in rows])
    figure, axes = _figure(7.2, 4.6)
    most = max(row["weight_nnz"] for row in rows if row["method"] in chosen)
    for place, method in enumerate(chosen):
        points = [(row["weight_nnz"], row["accuracy"]) for row in rows if row["method"] == method]
        # To the right edge: the best of fewer weights is a network of more, too.
        weights, accuracies = zip(*points, (most, points[-1][1]), strict=True)
        colour, dash = _look(method, place)
        axes.step(
            weights, accuracies, where="post", color=colour, linestyle=dash, label=method, lw=1.6
        )
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="nonzero weights", ylabel="accuracy, best so far")
    axes.grid(color="0.9")
    figure.legend(loc="outside right center", frameon=False)
    return figure


def plot_sparsest(store: Store, targets: Sequence[float] = TARGETS) -> Figure:
    """The fewest nonzero weights with which each method reaches each accuracy.

    Args:
        store: as `open_store` and `open_published` give it.
        targets: accuracies, 0 to 1.

    Raises:
        ValueError: as `analysis.tables.sparsest_networks`, or no network reaches any of them.
    """
    rows = sparsest_networks(store, targets).arrow().to_pylist()
    chosen = _chosen(None, [row["method"] for row in rows])
    figure, axes = _figure(7.2, 0.9 + 0.32 * len(chosen) + 0.3 * len(targets))
    for place, target in enumerate(targets):
        reached = {row["method"]: row["weight_nnz"] for row in rows if row["target"] == target}
        lines = [line for line, method in enumerate(chosen) if method in reached]
        axes.plot(
            [reached[chosen[line]] for line in lines],
            lines,
            "osD^v"[place % 5],
            color=_COLOURS[place % len(_COLOURS)],
            label=f"{100 * target:g} %",
        )
        for line in lines:
            count = reached[chosen[line]]
            axes.annotate(
                str(count), (count, line), (0, 5), textcoords="offset points", ha="center", size=8
            )
    axes.set_yticks(range(len(chosen)), chosen)
    axes.set_ylim(len(chosen) - 0.4, -0.8)
    axes.set(xlabel="nonzero weights of the sparsest network")
    axes.grid(axis="y", color="0.9")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _chosen(methods: Sequence[str] | None, there: Sequence[str]) -> list[str]:
    """The methods to show: as asked for, or in the order of the rows, the search first."""
    known = sorted(dict.fromkeys(there), key=lambda method: method != "search")
    if not known:
        raise ValueError("no network reaches any of these accuracies: there is nothing to plot")
    unknown = [method for method in methods or () if method not in known]
    if unknown:
        raise ValueError(f"no networks by {', '.join(unknown)} here; there are: {', '.join(known)}")
    return known if methods is None else list(methods)


def _look(method: str, place: int) -> tuple[str, str | tuple[int, tuple[int, int]]]:
    if method == "search":
        return "black", "solid"
    return _COLOURS[place % len(_COLOURS)], _DASHES[place // len(_COLOURS) % len(_DASHES)]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of its own, not one that matplotlib keeps; whatever a notebook has set."""
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        return figure, axes
