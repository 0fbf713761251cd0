"""Accuracy at a fixed number of weights, by the width that pruning starts from."""

from __future__ import annotations

from functools import partial

from analysis.figures.by_method import Row, method_series
from analysis.figures.chart import Axis, Chart, Guide, Selector, View, Views
from analysis.methods import SEARCH
from analysis.report.answers import Answer, Section, ask, grouped, percent_name, statistic_note
from analysis.report.source import Source
from search.experiment import FRESH_INIT

STATISTICS = ("mean", "median", "best")

_FIRST_BUDGET = "50"
"""Budget of the initial view, if it is there."""

_UNLABELLED = (5, 6, 7)
"""Widths whose ticks are too close together for labels."""


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


def width_axis(answer: Answer) -> Axis:
    """Return a logarithmic axis with the widths of an answer as ticks."""
    widths = sorted({row["width"] for row in answer.rows})
    return Axis(
        "width that pruning starts from",
        "doubling",
        ticks=[width for width in widths if width not in _UNLABELLED],
    )


def _statistic_note(statistic: str, row: Row) -> str:
    return statistic_note(statistic, row["trainings"])


def _accuracy(by_width: Answer) -> Chart:
    budgets = grouped(by_width.rows, "target_nnz")
    options = [str(budget) for (budget,) in budgets]
    views: Views = {}
    for (budget,), rows in budgets.items():
        for statistic in STATISTICS:
            note = partial(_statistic_note, statistic)
            views[str(budget), statistic] = View(method_series(rows, "width", statistic, note))
    first = _FIRST_BUDGET if _FIRST_BUDGET in options else next(iter(options), "")
    lowest = min((row["median"] for row in by_width.rows), default=0.5)
    return Chart(
        "accuracy-by-width",
        "Accuracy with a fixed budget of weights, by the width that pruning starts from",
        "Few trainings per point, without intervals: neighbouring points can differ by chance. On "
        "the Cubist Spiral, 50 % is a network that has learnt nothing.",
        width_axis(by_width),
        Axis("accuracy", "percent", limits=(min(0.49, lowest), 1.005)),
        views,
        ("accuracy-by-width",),
        (
            Selector("Budget of weights", options, first),
            Selector("Shown", STATISTICS, "mean"),
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
        series = method_series(
            rows,
            "width",
            "weights",
            lambda row: f"sparsest of {row['networks']:,} that reach it",
        )
        guides = (
            [Guide(search[target], "sparsest of search", style=SEARCH)] if target in search else []
        )
        views[(percent_name(target),)] = View(series, guides)
    options = [option for (option,) in views]
    return Chart(
        "weights-by-width",
        "Fewest weights that reach the accuracy, by the width that pruning starts from",
        "Minima over few networks: the notes give their number. A line ends where no training of "
        "the width reaches the accuracy.",
        width_axis(fewest),
        Axis("nonzero weights"),
        views,
        ("weights-by-width", "sparsest"),
        (Selector("Accuracy", options, next(iter(options), "")),),
    )
