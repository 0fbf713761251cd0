"""Accuracy at a fixed number of weights, by the depth that pruning starts from."""

from __future__ import annotations

from analysis.figures.chart import Axis, Chart, Selector, View, Views
from analysis.figures.series import method_series
from analysis.report.answers import Answer, Section, ask, grouped, statistic_note
from analysis.report.source import Source

_SHOWN = {
    "mean accuracy": "mean",
    "median accuracy": "median",
    "best accuracy": "best",
    "share at 95 %": "share_at_95",
    "share at 99.5 %": "share_at_995",
    "disconnected weights": "disconnected",
}
"""Option -> column."""


def section(source: Source) -> Section:
    """Return the section, with accuracies by depth."""
    by_depth = ask(source, "accuracy_by_depth", "Accuracies by budget, method and depth", "dataset")
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
        (_chart(by_depth),),
        (by_depth,),
        needs=("a study that prunes networks of several depths",),
    )


def _chart(by_depth: Answer) -> Chart:
    budgets = grouped(by_depth.rows, "target_nnz")
    options = [_name(budget) for (budget,) in budgets]
    views: Views = {
        (_name(budget), shown): View(method_series(rows, "depth", column, statistic_note(shown)))
        for (budget,), rows in budgets.items()
        for shown, column in _SHOWN.items()
    }
    depths = sorted({row["depth"] for row in by_depth.rows})
    return Chart(
        "accuracy-by-depth",
        "Pruning with a fixed budget of weights, by the number of hidden layers",
        "Without intervals: neighbouring points can differ by chance. The widths that a study "
        "pairs with its depths decide what is compared.",
        Axis("hidden layers that pruning starts from", ticks=depths),
        Axis("accuracy or share", "percent", limits=(-0.02, 1.02)),
        views,
        ("accuracy-by-depth",),
        (
            Selector("Budget of weights", options),
            Selector("Shown", list(_SHOWN)),
        ),
    )


def _name(budget: int | None) -> str:
    return "all" if budget is None else str(budget)
