"""Accuracy and disconnected weights, by the width that pruning starts from."""

from __future__ import annotations

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

STATISTICS = ("mean", "median", "best")

_SHARES = {
    "weights on no path": "share_of_weights",
    "networks without any path": "share_without_path",
}
"""Option -> column."""


def section(source: Source) -> Section:
    """Return the section, with accuracies and the sparsest networks by width."""
    by_width = ask(source, "accuracy_by_width", "Accuracies by budget, method and width")
    fewest = ask(source, "weights_by_width", "Fewest weights by method and width")
    sparsest = ask(source, "sparsest", "Sparsest networks by initialisation")
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
        (_accuracy(by_width), _weights(fewest, sparsest)),
        (by_width, fewest, sparsest),
        needs=("overparam",),
    )


def _width_axis(answer: Answer) -> Axis:
    """Return a logarithmic axis with the widths of an answer as ticks."""
    widths = sorted({row["width"] for row in answer.rows})
    return Axis(
        "width that pruning starts from",
        "doubling",
        # Ticks at 5, 6 and 7 are too close together for labels.
        ticks=[width for width in widths if width not in (5, 6, 7)],
    )


def _accuracy(by_width: Answer) -> Chart:
    budgets = grouped(by_width.rows, "target_nnz")
    views: Views = {
        (str(budget), shown): View(method_series(rows, "width", shown, statistic_note(shown)))
        for (budget,), rows in budgets.items()
        for shown in STATISTICS
    }
    lowest = min((row["median"] for row in by_width.rows), default=0.5)
    return Chart(
        "accuracy-by-width",
        "Accuracy with a fixed budget of weights, by the width that pruning starts from",
        "Few trainings per point, without intervals: neighbouring points can differ by chance. On "
        "the Cubist Spiral, 50 % is a network that has learnt nothing.",
        _width_axis(by_width),
        Axis("accuracy", "percent", limits=(min(0.49, lowest), 1.005)),
        views,
        ("accuracy-by-width",),
        (
            Selector("Budget of weights", [str(budget) for (budget,) in budgets], "50"),
            Selector("Shown", STATISTICS),
        ),
    )


def _weights(fewest: Answer, sparsest: Answer) -> Chart:
    search = {
        row["target"]: row["weights"]
        for row in sparsest.rows
        if row["start"] == FRESH_INIT and row["method"] == SEARCH
    }
    views: Views = {}
    for (target,), rows in grouped(fewest.rows, "target").items():
        guides = (
            [Guide(search[target], "sparsest of search", style=SEARCH)] if target in search else []
        )
        series = method_series(rows, "width", "weights", sparsest_note)
        views[(percent_name(target),)] = View(series, guides)
    return Chart(
        "weights-by-width",
        "Fewest weights that reach the accuracy, by the width that pruning starts from",
        "Minima over few networks: the notes give their number. A line ends where no training of "
        "the width reaches the accuracy.",
        _width_axis(fewest),
        Axis("nonzero weights"),
        views,
        ("weights-by-width", "sparsest"),
        (Selector("Accuracy", [option for (option,) in views]),),
    )


def disconnected_section(source: Source) -> Section:
    """Return the section, with shares by width."""
    by_width = ask(source, "disconnected", "Disconnected weights by method and width")
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
        (_disconnected(by_width),),
        (by_width,),
        needs=("overparam",),
    )


def _disconnected(by_width: Answer) -> Chart:
    views: Views = {
        (option,): View(method_series(by_width.rows, "width", column, _path_note))
        for option, column in _SHARES.items()
    }
    return Chart(
        "disconnected",
        "Share of disconnected weights, by the width that pruning starts from",
        "Means over trainings; a claim about them is in the tab Claims.",
        _width_axis(by_width),
        Axis("share", "percent", limits=(-0.02, 1.02)),
        views,
        ("disconnected",),
        (Selector("Share of", list(_SHARES)),),
    )


def _path_note(row: Row) -> str:
    return (
        f"on average {row['effective']:.1f} of {row['weights']:.1f} weights are on a path "
        f"({row['networks']:,} networks)"
    )
