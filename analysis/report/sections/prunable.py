"""What magnitude pruning could still remove from a trained network, without retraining."""

from __future__ import annotations

from analysis.methods import in_order, name_of
from analysis.report.asking import Answer, ask, grouped
from analysis.report.chart import Axis, Chart, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section

_KINDS = ("stays at 95 %", "stays at 99.5 %", "loses 0.1 points at most")
"""What must hold afterwards."""


def section(reader: Source) -> Section:
    """Asks for medians and minima."""
    answer = ask(reader, "prunable", "Weights that could still go")
    return Section(
        "prunable",
        "Still prunable",
        "Could they have been pruned further?",
        (
            "A budget is fixed before training. Afterwards weights are removed by magnitude, one "
            "at a time and without retraining, as long as the accuracy holds.",
            "The paper's finding is that a network pruned to a budget often holds more weights "
            "than it needs. Only networks that reach the accuracy are looked at; for the last "
            "choice, those that reach 95 %. The search's networks stand beside them: those with a "
            "mask, not the dense ones.",
        ),
        (_chart(answer),),
        (answer,),
        needs=("overparam",),
    )


def _chart(answer: Answer) -> Chart:
    groups = grouped(answer.rows, "accuracy_that")
    views: Views = {}
    for kept in _KINDS:
        rows = {row["method"]: row for row in groups.get((kept,), [])}
        ordered = [rows[method] for method in in_order(set(rows))]
        notes = [
            f"{row['networks_with_any']:,} of {row['networks']:,} networks can lose some"
            for row in ordered
        ]
        names = [name_of(row["method"]) for row in ordered]
        views[(kept,)] = View(
            [
                Series(
                    "as trained, median",
                    "before",
                    [row["weights"] for row in ordered],
                    names,
                    "points",
                    notes=notes,
                ),
                Series(
                    "pruned further, median",
                    "after",
                    [row["weights_left"] for row in ordered],
                    names,
                    "points",
                    notes=notes,
                ),
                Series(
                    "pruned further, the fewest",
                    "fewest",
                    [row["fewest_left"] for row in ordered],
                    names,
                    "points",
                    networks=[row["experiment_id"] for row in ordered],
                    notes=["the drawing is of the network as it was trained"] * len(ordered),
                ),
            ]
        )
    return Chart(
        "prunable",
        "Nonzero weights of trained networks, and what is left if they are pruned by magnitude",
        "The further apart the first two markers, the more a budget fixed beforehand left behind.",
        Axis("nonzero weights"),
        Axis("", "categories"),
        views,
        ("prunable",),
        (Selector("Accuracy that", _KINDS, _KINDS[0], "accuracy {}"),),
    )
