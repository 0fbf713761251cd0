"""Pruning from the initialisation under which the search found its best network."""

from __future__ import annotations

from analysis.methods import in_order, name_of
from analysis.report.asking import Answer, ask, grouped
from analysis.report.chart import Axis, Chart, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section

_VIEWS = {
    "95 %, from bench-95": (0.95, "bench-95"),
    "95 %, from bench-995": (0.95, "bench-995"),
    "99.5 %, from bench-995": (0.995, "bench-995"),
}


def section(reader: Source) -> Section:
    """Asks for the sparsest networks by where they begin."""
    begun = ask(reader, "sparsest", "The sparsest networks by initialisation")
    shares = ask(reader, "fixed_trainings", "Trainings from a stored initialisation")
    return Section(
        "fixed",
        "Best initialisation",
        "Does the best initialisation help pruning?",
        (
            "bench-95 and bench-995 are the initialisations under which the search found its "
            "sparsest networks at 95 % and at 99.5 %. Pruning starts from them at the search's own "
            "width and at width 16. The paper's finding is that it stays suboptimal even so.",
            "Beside it, what the same method reaches from fresh initialisations. A missing marker "
            "means that no training reaches the accuracy.",
        ),
        (_chart(begun),),
        (begun, shares),
        needs=("fixed95-prune", "fixed95-phase2", "fixed995-prune", "fixed995-phase2"),
    )


def _chart(begun: Answer) -> Chart:
    groups = grouped(begun.rows, "target", "begun")
    views: Views = {}
    for said, (target, bench) in _VIEWS.items():
        fresh, fixed = groups.get((target, "fresh"), []), groups.get((target, bench), [])
        if not fixed:
            continue
        named = {
            "from fresh initialisations": ("before", fresh),
            "from the stored initialisation": ("fewest", fixed),
        }
        methods = in_order({row["method"] for row in fresh + fixed})
        series = []
        for name, (style, rows) in named.items():
            by_method = {row["method"]: row for row in rows}
            ordered = [by_method[method] for method in methods if method in by_method]
            series.append(
                Series(
                    name,
                    style,
                    [row["weights"] for row in ordered],
                    [name_of(row["method"]) for row in ordered],
                    "points",
                    networks=[row["experiment_id"] for row in ordered],
                    notes=[f"sparsest of {row['networks']:,} that reach it" for row in ordered],
                )
            )
        views[(said,)] = View(series)
    options = [said for (said,) in views]
    return Chart(
        "best-initialisation",
        "The fewest weights that reach the accuracy, by initialisation",
        "Where the two markers lie close together the initialisation changes little.",
        Axis("nonzero weights"),
        Axis("", "categories"),
        views,
        ("sparsest",),
        (Selector("Accuracy and initialisation", options, next(iter(options), "")),),
    )
