"""What the width that pruning starts from does to the accuracy, at the same number of weights."""

from __future__ import annotations

from analysis.methods import SEARCH, in_order, name_of
from analysis.report.asking import Answer, ask, grouped, percent_name, stands_for
from analysis.report.chart import Axis, Chart, Guide, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section

STATISTICS = ("mean", "median", "best")
_USUAL_BUDGET = 50


def section(reader: Source) -> Section:
    """Asks for accuracies by width, and for the sparsest networks by width."""
    by_width = ask(reader, "accuracy_by_width", "Accuracies by budget, method and width")
    fewest = ask(reader, "weights_by_width", "The fewest weights by method and width")
    sparsest = ask(reader, "sparsest", "The sparsest networks by initialisation")
    return Section(
        "width",
        "Width",
        "Does a wider network to start from help?",
        (
            "The budget of weights stays the same, the network that they are chosen from grows. "
            "The paper's finding is that overparameterisation makes pruning worse.",
            "A point is the mean, the median or the best of one budget's trainings: three learning "
            "rates and three schedules at each width. The network behind it is the best of them.",
        ),
        (_accuracy(by_width), _weights(fewest, sparsest)),
        (by_width, fewest, sparsest),
        needs=("overparam",),
    )


def width_axis(answer: Answer) -> Axis:
    """Equal steps for doubled widths, with those of the answer written out."""
    widths = sorted({row["width"] for row in answer.rows})
    # 5 to 7 stand too close together to be written.
    return Axis(
        "width that pruning starts from",
        "doubling",
        ticks=[width for width in widths if width not in (5, 6, 7)],
    )


def _accuracy(by_width: Answer) -> Chart:
    budgets = grouped(by_width.rows, "target_nnz")
    options = [str(budget) for (budget,) in budgets]
    views: Views = {}
    for (budget,), rows in budgets.items():
        methods = grouped(rows, "method")
        for statistic in STATISTICS:
            views[(str(budget), statistic)] = View(
                [
                    Series(
                        name_of(method),
                        method,
                        [row["width"] for row in methods[(method,)]],
                        [row[statistic] for row in methods[(method,)]],
                        networks=[row["experiment_id"] for row in methods[(method,)]],
                        notes=[
                            stands_for(statistic, row["trainings"]) for row in methods[(method,)]
                        ],
                    )
                    for method in in_order({method for (method,) in methods})
                ]
            )
    usual = str(_USUAL_BUDGET)
    return Chart(
        "accuracy-by-width",
        "Accuracy with a fixed budget of weights, by the width that pruning starts from",
        "Lines that fall to the right get worse with width; 50 % is a network that has learnt "
        "nothing.",
        width_axis(by_width),
        Axis("accuracy", "percent", limits=(0.49, 1.005)),
        views,
        ("accuracy-by-width",),
        (
            Selector(
                "Budget of weights", options, usual if usual in options else next(iter(options), "")
            ),
            Selector("Shown", STATISTICS, "mean"),
        ),
    )


def _weights(fewest: Answer, sparsest: Answer) -> Chart:
    floor = {
        row["target"]: row["weights"]
        for row in sparsest.rows
        if row["begun"] == "fresh" and row["method"] == SEARCH
    }
    views: Views = {}
    for (target,), rows in grouped(fewest.rows, "target").items():
        methods = grouped(rows, "method")
        series = [
            Series(
                name_of(method),
                method,
                [row["width"] for row in methods[(method,)]],
                [row["weights"] for row in methods[(method,)]],
                networks=[row["experiment_id"] for row in methods[(method,)]],
                notes=[
                    f"sparsest of {row['networks']:,} that reach it" for row in methods[(method,)]
                ],
            )
            for method in in_order({method for (method,) in methods})
        ]
        guides = [Guide(floor[target], "search", style=SEARCH)] if target in floor else []
        views[(percent_name(target),)] = View(series, guides)
    options = [option for (option,) in views]
    return Chart(
        "weights-by-width",
        "The fewest weights that reach the accuracy, by the width pruning starts from",
        "A line ends where no training of that width reaches the accuracy.",
        width_axis(fewest),
        Axis("nonzero weights"),
        views,
        ("weights-by-width", "sparsest"),
        (Selector("Accuracy", options, next(iter(options), "")),),
    )
