"""Pruning from the initialisation of the search's sparsest network."""

from __future__ import annotations

from analysis.figures.chart import Axis, Chart, Selector, View, Views
from analysis.figures.series import category, series_of
from analysis.methods import in_order
from analysis.report.answers import Answer, Section, ask, grouped, sparsest_note
from analysis.report.source import Source
from search.experiment import FRESH_INIT

_VIEWS = {
    "95 %, from bench-95": (0.95, "bench-95"),
    "95 %, from bench-995": (0.95, "bench-995"),
    "99.5 %, from bench-995": (0.995, "bench-995"),
}
"""Option -> (accuracy, initialisation)."""


def section(source: Source) -> Section:
    """Return the section, with the sparsest networks by initialisation."""
    sparsest = ask(source, "sparsest", "Sparsest networks by initialisation")
    trainings = ask(source, "fixed_trainings", "Trainings from a stored initialisation")
    return Section(
        "fixed",
        "Best initialisation",
        "Does the best initialisation help pruning?",
        (
            "bench-95 and bench-995 are the initialisations from which the search found its "
            "sparsest networks at 95 % and at 99.5 %. Pruning starts from them at the search's "
            "width and at width 16. The paper finds that pruning remains suboptimal even so.",
            "The figure shows the sparsest network of each method, next to the sparsest one from "
            "fresh initialisations. Each is the minimum over a different number of trainings, so "
            "the distance between two markers is no test. A missing marker means that no training "
            "reaches the accuracy.",
        ),
        (_chart(sparsest),),
        (sparsest, trainings),
        needs=("fixed95-prune", "fixed95-phase2", "fixed995-prune", "fixed995-phase2"),
    )


def _chart(sparsest: Answer) -> Chart:
    groups = grouped(sparsest.rows, "target", "start")
    views: Views = {}
    for option, (target, bench) in _VIEWS.items():
        fresh, fixed = groups.get((target, FRESH_INIT), []), groups.get((target, bench), [])
        if not fixed:
            continue
        methods = in_order(row["method"] for row in fresh + fixed)
        series = []
        for name, style, rows in (
            ("from fresh initialisations", "before", fresh),
            ("from the stored initialisation", "fewest", fixed),
        ):
            ordered = sorted(rows, key=lambda row: methods.index(row["method"]))
            series.append(
                series_of(ordered, name, style, "weights", category, sparsest_note, "points")
            )
        views[(option,)] = View(series)
    return Chart(
        "best-initialisation",
        "Fewest weights that reach the accuracy, by initialisation",
        "Minima over all trainings of a method from that initialisation.",
        Axis("nonzero weights"),
        Axis("", "categories"),
        views,
        ("sparsest",),
        (Selector("Accuracy and initialisation"),),
    )
