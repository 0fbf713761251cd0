"""Weights that magnitude pruning could remove from trained networks without retraining."""

from __future__ import annotations

from analysis.figures.chart import Axis, Chart, Selector, View, Views
from analysis.figures.series import Row, category, series_of
from analysis.methods import in_order
from analysis.report.answers import Answer, Section, ask, grouped
from analysis.report.source import Source

_CONDITIONS = ("stays at 95 %", "stays at 99.5 %", "loses 0.1 points at most")
"""Conditions on the accuracy."""


def section(source: Source) -> Section:
    """Return the section, with medians and minima."""
    answer = ask(source, "prunable", "Weights that could be removed after training")
    return Section(
        "prunable",
        "Still prunable",
        "Could the networks have been pruned further?",
        (
            "A budget is fixed before training. Afterwards, weights are removed by magnitude, one "
            "at a time and without retraining, while the accuracy meets the condition.",
            "The paper finds that a network pruned to a budget often has more weights than it "
            "needs. Only networks that reach the accuracy are included; for the last condition, "
            "those that reach 95 %. Those of the search are its masked networks, without dense "
            "ones.",
        ),
        (_chart(answer),),
        (answer,),
        needs=("overparam",),
    )


def _chart(answer: Answer) -> Chart:
    groups = grouped(answer.rows, "accuracy_that")
    views: Views = {}
    for condition in _CONDITIONS:
        rows = {row["method"]: row for row in groups.get((condition,), [])}
        ordered = [rows[method] for method in in_order(rows)]
        # A median is not of a single network.
        medians = [row | {"experiment_id": None} for row in ordered]
        views[(condition,)] = View(
            [
                series_of(chosen, name, style, column, category, note, "points")
                for chosen, name, style, column, note in (
                    (medians, "as trained, median", "before", "weights", _median_note),
                    (medians, "pruned further, median", "after", "weights_left", _median_note),
                    (ordered, "pruned further, fewest", "fewest", "fewest_left", _fewest_note),
                )
            ]
        )
    return Chart(
        "prunable",
        "Nonzero weights as trained, and after further pruning by magnitude",
        "Medians over the networks at the accuracy, and the fewest weights of any of them. The "
        "number of networks differs between methods.",
        Axis("nonzero weights"),
        Axis("", "categories"),
        views,
        ("prunable",),
        (Selector("Accuracy that", beside="accuracy {}"),),
    )


def _median_note(row: Row) -> str:
    return f"{row['networks_with_any']:,} of {row['networks']:,} networks can lose weights"


def _fewest_note(row: Row) -> str:
    return "the drawing shows the network as trained"
