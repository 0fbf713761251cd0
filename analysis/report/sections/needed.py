"""Weights needed for an accuracy, in all trainings and in equally many of each method."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any

import pyarrow as pa

from analysis.figures.chart import Axis, Chart, Guide, Selector, Series, View, Views
from analysis.figures.series import category, series_of
from analysis.intervals import central_range, minimum_of_draws
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.answers import Answer, Section, ask, grouped, percent_name
from analysis.report.source import Source
from search.intervals import Interval
from search.paper_sizes import TARGETS

MEASURES = ("weights", "weights and biases", "live weights", "weights after pruning")
"""Quantities that are counted; those that no row has are left out."""

_Needs = dict[tuple[float, str], dict[str, Any]]
"""(accuracy, method) -> row of the sparsest network, with the number of its `nonzeros`; `reaching`,
the number of trainings that reach the accuracy, of `trainings`; and `range`, the median and central
95 % of the fewest nonzeros in equally many trainings of each method (`Interval`, infinite if no
network reaches the accuracy)."""


def section(source: Source) -> Section:
    """Return the section, with the sparsest networks."""
    trainings = ask(source, "trainings", "Trainings from fresh initialisations")
    reached = ask(source, "reached", "Networks that reach an accuracy, by weights")
    counts = {row["method"]: row["trainings"] for row in trainings.rows}
    draws = min(counts.values(), default=0)
    by_measure = grouped(reached.rows, "counted")
    needs = {
        measure: _needs(by_measure.get((measure,), []), counts, draws)
        for measure in MEASURES
        if (measure,) in by_measure or measure == MEASURES[0]
    }
    table = _table(needs, counts, draws)
    return Section(
        "needed",
        "Weights needed",
        "How many weights does each method need?",
        (
            "A marker is the sparsest network of a method that reaches the accuracy, from fresh "
            "initialisations, over all widths, learning rates and schedules. It is the minimum "
            "over all trainings of the method, and more trainings find sparser networks, so "
            "markers alone do not rank methods. The table has the numbers of trainings.",
            f"A bar compares equal numbers: it is the central 95 % range of the fewest nonzeros in "
            f"{draws:,} trainings drawn at random from those of the method, the number of the "
            "method with the fewest. A bar that reaches the right edge has no upper end: such a "
            "sample may contain no network at that accuracy. A method without a bar reaches it in "
            "fewer than 2.5 % of the samples.",
        ),
        (_chart(needs, draws),),
        (table, trainings, reached),
        needs=("phase1", "phase2-95", "phase2-995", "overparam"),
    )


def _needs(reached: Sequence[dict[str, Any]], trainings: dict[str, int], draws: int) -> _Needs:
    needs = {}
    for (target, method), rows in grouped(reached, "target", "method").items():
        counts = {row["nonzeros"]: row["networks"] for row in rows}
        needs[target, method] = rows[0] | {
            "reaching": sum(counts.values()),
            "trainings": trainings[method],
            "range": central_range(minimum_of_draws(counts, trainings[method], draws)),
        }
    return needs


def _chart(needs: dict[str, _Needs], draws: int) -> Chart:
    views: Views = {}
    for measure, found in needs.items():
        for target in TARGETS:
            of_target = {method: need for (at, method), need in found.items() if at == target}
            rows = [of_target[method] for method in in_order(of_target)]
            rows.sort(key=lambda need: need["nonzeros"])
            ends = [(need["nonzeros"], need["range"].low, need["range"].high) for need in rows]
            # Bars without an upper end reach beyond all markers and other bars.
            edge = 1.08 * max((x for xs in ends for x in xs if not isinf(x)), default=0)
            guides = [
                Guide(need["nonzeros"], "sparsest of search", vertical=True)
                for need in rows
                if need["method"] == SEARCH
            ]
            series = [one for need in rows for one in _series(need, edge, draws)]
            views[(percent_name(target), measure)] = View(series, guides)
    return Chart(
        "weights-needed",
        "Fewest nonzeros that reach the accuracy",
        f"Markers: the sparsest of all trainings. Bars: the sparsest of {draws:,} random trainings "
        "of the method, in 95 % of such samples.",
        Axis("nonzeros"),
        Axis("", "categories"),
        views,
        ("weights-needed",),
        (Selector("Accuracy"), Selector("Counted")),
    )


def _series(need: dict[str, Any], edge: float, draws: int) -> list[Series]:
    """Return the marker of a method and, unless its range is infinite, its bar before it."""
    name, method, drawn = category(need), need["method"], need["range"]
    note = (
        f"{100 * need['accuracy']:.2f} %; {need['networks']:,} of this size; "
        f"{need['reaching']:,} of {need['trainings']:,} trainings reach the accuracy; sparsest of "
        f"{draws:,} trainings: {_range_text(drawn)}"
    )
    marker = series_of([need], name, method, "nonzeros", category, lambda row: note, "points")
    if isinf(drawn.low):
        return [marker]
    bar = [drawn.low, edge if isinf(drawn.high) else drawn.high]
    return [Series(name, method, bar, [name] * 2, "range"), marker]


def _range_text(interval: Interval) -> str:
    if isinf(interval.low):
        return "none"
    rest = "or more, or none" if isinf(interval.high) else f"to {interval.high:.0f}"
    return f"{interval.low:.0f} {rest}"


def _table(needs: dict[str, _Needs], trainings: dict[str, int], draws: int) -> Answer:
    """Return a table of the methods, with columns for each measure and accuracy."""
    methods = in_order({method for found in needs.values() for _, method in found})
    columns: dict[str, list[Any]] = {
        "method": [name_of(method) for method in methods],
        "trainings": [trainings[method] for method in methods],
    }
    for target in TARGETS:
        at = f"at {percent_name(target)}"
        first = needs[MEASURES[0]]
        columns[f"networks {at}"] = [
            first.get((target, method), {"reaching": 0})["reaching"] for method in methods
        ]
        for measure, found in needs.items():
            of_methods = [found.get((target, method)) for method in methods]
            columns[f"{measure} {at}"] = [need and need["nonzeros"] for need in of_methods]
            columns[f"{measure} {at}, in {draws:,} trainings"] = [
                _range_text(need["range"]) if need else "none" for need in of_methods
            ]
    return Answer(
        "weights-needed",
        "Fewest nonzeros of all trainings, and of equally many of each method",
        "",
        pa.table(columns),
        method="Minima of the table of networks below, and the central 95 % range of the minimum "
        f"of {draws:,} trainings drawn with replacement.",
    )
