"""Accuracy against the number of weights: the best networks, and the spread of all trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.figures.chart import Axis, Chart, Selector, Series, View, Views
from analysis.figures.series import (
    ACCURACY,
    TARGET_GUIDES,
    Row,
    front_view,
    series_of,
    weights_axis,
)
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.answers import Answer, Section, ask, grouped, statistic_note
from analysis.report.source import Source

ANY_WIDTH = "any"


def section(source: Source) -> Section:
    """Return the section, with the front and the spread of accuracies."""
    front, extent = _front(source), ask(source, "extent", "Range of the figures")
    spread = ask(source, "spread", "Accuracies by method, width and number of weights")
    return Section(
        "frontier",
        "Accuracy",
        "How accurate are networks with few weights?",
        (
            "The reference is a search over masks. A line is the best of all trainings of a "
            "method, and the methods have different numbers of trainings (tab Rows): the lines "
            "show what was found, and do not rank the methods.",
            "Only trainings from fresh initialisations, with all learning rates and schedules. "
            "Weights are counted without biases.",
        ),
        (_front_chart(front, extent), _spread_chart(spread, front, extent)),
        (front, spread, extent),
        needs=("phase1", "phase2-95", "phase2-995", "overparam"),
    )


def front_chart(source: Source) -> Chart:
    """Return the figure of the best accuracy by number of weights."""
    return _front_chart(_front(source), ask(source, "extent", "Range of the figures"))


def _front(source: Source) -> Answer:
    return ask(source, "front", "Networks more accurate than every sparser one of their method")


def _max_weights(extent: Answer) -> int:
    return int(extent.rows[0]["most"] or 0)


def _weights_axis(front: Answer, extent: Answer) -> Axis:
    """Return an axis that starts where the first method gets better than its sparsest network."""
    methods = grouped([row for row in front.rows if row["width"] is None], "method")
    fewest = min(
        (rows[min(1, len(rows) - 1)]["weight_nnz"] for rows in methods.values()), default=0
    )
    return weights_axis(fewest, max(_max_weights(extent), fewest + 1))


def _front_chart(front: Answer, extent: Answer) -> Chart:
    most = _max_weights(extent)
    by_width = grouped([row for row in front.rows if row["weight_nnz"] <= most], "width")
    search = [row for row in by_width.get((None,), []) if row["method"] == SEARCH]

    def note(row: Row) -> str:
        return f"best of {row['trainings']:,} with {row['weight_nnz']} weights"

    views: Views = {(ANY_WIDTH,): front_view(by_width.get((None,), []), note)}
    for width in _widths(front)[1:]:
        views[(width,)] = front_view(search + by_width.get((int(width),), []), note)
    return Chart(
        "accuracy-front",
        "Best accuracy by number of nonzero weights",
        "A marker is a network that is more accurate than every sparser one of its method. The "
        "search's line is the same for every width, since the search chooses its structures. The "
        "axis is stretched towards 100 %; accuracies above 99.95 % are drawn there. Networks with "
        f"more than {most:,} weights are not shown.",
        _weights_axis(front, extent),
        ACCURACY,
        views,
        ("front",),
        (Selector("Width that pruning starts from", beside="width: {}"),),
    )


def _spread_chart(spread: Answer, front: Answer, extent: Answer) -> Chart:
    most, lowest = _max_weights(extent), extent.rows[0]["lowest"]
    groups = grouped([row for row in spread.rows if row["weight_nnz"] <= most], "method", "width")
    reference = groups.get((SEARCH, None), [])
    weights, accuracies = ([row[name] for row in reference] for name in ("weight_nnz", "best"))
    best = Series("search, best", SEARCH, weights, accuracies, "curve")
    views: Views = {}
    for method in in_order(method for method, _ in groups):
        for width in _widths(spread):
            any_width = width == ANY_WIDTH or method == SEARCH
            rows = groups.get((method, None if any_width else int(width)), [])
            series = [*_spread(rows, method), *([] if method == SEARCH else [best])]
            views[(name_of(method), width)] = View([one for one in series if one.x], TARGET_GUIDES)
    return Chart(
        "accuracy-spread",
        "Accuracies by number of nonzero weights: best, median, and the central 80 %",
        "The best of many trainings is far from the median. Points with fewer than five trainings "
        f"are left out, and networks with more than {most:,} weights.",
        _weights_axis(front, extent),
        Axis("accuracy", "percent", limits=(min(0.49, lowest or 0.49), 1.005)),
        views,
        ("spread",),
        (Selector("Method", name_of("gmp")), Selector("Width")),
    )


def _spread(rows: Sequence[Row], method: str) -> list[Series]:
    name = name_of(method)
    band = Series(
        f"{name}, 10 % to 90 %",
        method,
        [row["weight_nnz"] for row in rows],
        [row["median"] for row in rows],
        "band",
        [row["tenth"] for row in rows],
        [row["nine_tenths"] for row in rows],
    )
    best, median = (
        series_of(rows, f"{name}, {column}", method, "weight_nnz", column, statistic_note(column))
        for column in ("best", "median")
    )
    return [band, best, replace(median, hollow=True)]


def _widths(answer: Answer) -> list[str]:
    widths = {row["width"] for row in answer.rows if row["width"] is not None}
    return [ANY_WIDTH, *map(str, sorted(widths))]
