"""Accuracy and disconnected weights, by width and depth of the network that pruning starts from."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.figures.chart import Axis, Chart, Guide, Selector, View, Views
from analysis.figures.series import Row, method_series
from analysis.methods import SEARCH
from analysis.report.answers import (
    Answer,
    Section,
    ask,
    grouped,
    percent_name,
    sparsest_note,
    statistic_note,
)
from analysis.report.source import Source
from search.experiment import FRESH_INIT

_BY_WIDTH = {name: name for name in ("mean", "median", "best")}
_BY_DEPTH = {
    "mean accuracy": "mean",
    "median accuracy": "median",
    "best accuracy": "best",
    "share at 95 %": "share_at_95",
    "share at 99.5 %": "share_at_995",
    "disconnected weights": "disconnected",
}
_DISCONNECTED = {
    "weights on no path": "share_of_weights",
    "networks without any path": "share_without_path",
}
"""Option -> column."""

_SHARE_LIMITS = (-0.02, 1.02)


def width_section(source: Source) -> Section:
    """Return the section with accuracies and the sparsest networks by width."""
    by_width = ask(source, "accuracy_by_width", "Accuracies by budget, method and width")
    fewest = ask(source, "weights_by_width", "Fewest weights by method and width")
    sparsest = ask(source, "sparsest", "Sparsest networks by initialisation")
    lowest = min((row["median"] for row in by_width.rows), default=0.5)
    accuracy = Chart(
        "accuracy-by-width",
        "Accuracy with a fixed budget of weights, by the width that pruning starts from",
        "Few trainings per point, without intervals: neighbouring points can differ by chance. On "
        "the Cubist Spiral, 50 % is a network that has learnt nothing.",
        _width_axis(by_width),
        Axis("accuracy", "percent", limits=(min(0.49, lowest), 1.005)),
        _by_budget(by_width, "width", _BY_WIDTH),
        ("accuracy-by-width",),
        (Selector("Budget of weights", "50"), Selector("Shown")),
    )
    return Section(
        "width",
        "Width",
        "Does it help to start from a wider network?",
        (
            "The budget of weights stays the same while the network that they are chosen from "
            "grows. The paper finds that overparameterisation makes pruning worse; the tab Claims "
            "has the steps between widths with intervals.",
            "A point is the mean, the median or the best of the trainings with one budget: in the "
            "paper's study, three learning rates and three schedules at each width. A click on it "
            "opens the best network. Methods most of whose networks exceed their budgets are left "
            "out.",
        ),
        (accuracy, _weights(fewest, sparsest)),
        (by_width, fewest, sparsest),
        needs=("overparam",),
    )


def depth_section(source: Source) -> Section:
    """Return the section with accuracies by depth."""
    by_depth = ask(source, "accuracy_by_depth", "Accuracies by budget, method and depth", "dataset")
    chart = Chart(
        "accuracy-by-depth",
        "Pruning with a fixed budget of weights, by the number of hidden layers",
        "Without intervals: neighbouring points can differ by chance. The widths that a study "
        "pairs with its depths decide what is compared.",
        Axis(
            "hidden layers that pruning starts from",
            ticks=sorted({row["depth"] for row in by_depth.rows}),
        ),
        Axis("accuracy or share", "percent", limits=_SHARE_LIMITS),
        _by_budget(by_depth, "depth", _BY_DEPTH),
        ("accuracy-by-depth",),
        (Selector("Budget of weights"), Selector("Shown")),
    )
    return Section(
        "depth",
        "Depth",
        "Does it help to start from a deeper network?",
        (
            "The budget of weights stays the same while the number of hidden layers that they are "
            "chosen from changes. Only studies that prune networks of several depths are shown, "
            "in a report of the published results this project's own. "
            "Compare depths within a method: their trainings differ in the network only.",
            "A point is a mean, a median, a best value or a share over all trainings with one "
            "budget and depth. A click on it opens the most accurate network.",
        ),
        (chart,),
        (by_depth,),
        needs=("a study that prunes networks of several depths",),
    )


def disconnected_section(source: Source) -> Section:
    """Return the section with the shares of disconnected weights by width."""
    by_width = ask(source, "disconnected", "Disconnected weights by method and width")
    chart = Chart(
        "disconnected",
        "Share of disconnected weights, by the width that pruning starts from",
        "Means over trainings; a claim about them is in the tab Claims.",
        _width_axis(by_width),
        Axis("share", "percent", limits=_SHARE_LIMITS),
        {
            (option,): View(method_series(by_width.rows, "width", column, _path_note))
            for option, column in _DISCONNECTED.items()
        },
        ("disconnected",),
        (Selector("Share of"),),
    )
    return Section(
        "disconnected",
        "Disconnected",
        "How many weights are disconnected?",
        (
            "A weight on no path from an input to the output counts towards the budget, but "
            "carries no information from the inputs to the output.",
            "Each point is a mean over all budgets, learning rates and schedules of a width. A "
            "network without any path gives the same output for every input.",
        ),
        (chart,),
        (by_width,),
        needs=("overparam",),
    )


def _width_axis(answer: Answer) -> Axis:
    # Ticks at 5, 6 and 7 are too close together for labels.
    ticks = sorted({row["width"] for row in answer.rows} - {5, 6, 7})
    return Axis("width that pruning starts from", "doubling", ticks=ticks)


def _by_budget(answer: Answer, x: str, shown: Mapping[str, str]) -> Views:
    """Return a view for each budget of weights (NULL: all) and each of the shown columns."""
    return {
        ("all" if budget is None else str(budget), option): View(
            method_series(rows, x, column, statistic_note(option))
        )
        for (budget,), rows in grouped(answer.rows, "target_nnz").items()
        for option, column in shown.items()
    }


def _weights(fewest: Answer, sparsest: Answer) -> Chart:
    search = {
        row["target"]: Guide(row["weights"], "sparsest of search", style=SEARCH)
        for row in sparsest.rows
        if row["start"] == FRESH_INIT and row["method"] == SEARCH
    }
    return Chart(
        "weights-by-width",
        "Fewest weights that reach the accuracy, by the width that pruning starts from",
        "Minima over few networks: the notes give their number. A line ends where no training of "
        "the width reaches the accuracy.",
        _width_axis(fewest),
        Axis("nonzero weights"),
        {
            (percent_name(target),): View(
                method_series(rows, "width", "weights", sparsest_note),
                [search[target]] if target in search else [],
            )
            for (target,), rows in grouped(fewest.rows, "target").items()
        },
        ("weights-by-width", "sparsest"),
        (Selector("Accuracy"),),
    )


def _path_note(row: Row) -> str:
    return (
        f"on average {row['effective']:.1f} of {row['weights']:.1f} weights are on a path "
        f"({row['networks']:,} networks)"
    )
