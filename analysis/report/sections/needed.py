"""How few weights suffice for 95 % and for 99.5 %, and how far that is from the search."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any

import pyarrow as pa

from analysis.intervals import Interval, minimum, resampled_minimum
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.asking import Answer, ask, grouped, percent_name
from analysis.report.chart import Axis, Chart, Guide, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section
from search.paper import TARGETS

MEASURES = ("weights", "weights and biases")
"""What is counted."""


def section(reader: Source) -> Section:
    """Asks for the sparsest networks."""
    trainings = ask(reader, "trainings", "Trainings from fresh initialisations")
    reached = ask(reader, "reached", "Networks that reach an accuracy, by weights")
    counted = grouped(reached.rows, "counted")
    minima = {
        measure: _minima(counted.get((measure,), []), _count(trainings)) for measure in MEASURES
    }
    table = _table(minima)
    return Section(
        "needed",
        "Weights needed",
        "How many weights does each method need?",
        (
            "The sparsest network of each method that reaches the accuracy, from fresh "
            "initialisations, over all widths, learning rates and schedules.",
            "A minimum hangs on a few lucky trainings, and the search has had many more of them. "
            "The bar to the right of a marker is the 95 % interval of a bootstrap: it reaches as "
            "far as the minimum would slip if the same trainings were drawn again with "
            "replacement, and up to the method's densest network where it might then be none at "
            "all. It says nothing of what more trainings would find.",
        ),
        (_chart(minima),),
        (table, trainings, reached),
        needs=("phase1", "phase2-95", "phase2-995", "overparam"),
    )


def _count(trainings: Answer) -> dict[str, int]:
    return {row["method"]: row["trainings"] for row in trainings.rows}


_Minima = dict[tuple[float, str], tuple[Interval, dict[str, Any]]]
"""(target, method) -> the fewest, and the row of the network that has them."""


def _minima(reached: Sequence[dict[str, Any]], trainings: dict[str, int]) -> _Minima:
    found = {}
    for (target, method), rows in grouped(reached, "target", "method").items():
        counts = {row["nonzeros"]: row["networks"] for row in rows}
        sparsest = {**rows[0], "densest": rows[-1]["nonzeros"]}
        found[target, method] = (minimum(resampled_minimum(counts, trainings[method])), sparsest)
    return found


def _chart(minima: dict[str, _Minima]) -> Chart:
    views: Views = {}
    for measure, found in minima.items():
        for target in TARGETS:
            of_target = {method: both for (at, method), both in found.items() if at == target}
            search = of_target.get(SEARCH)
            guides = [Guide(search[0].value, "search", upright=True)] if search else []
            views[(percent_name(target), measure)] = View(
                [_dot(method, *of_target[method]) for method in _by_need(of_target)], guides
            )
    return Chart(
        "weights-needed",
        "The fewest nonzeros that reach the accuracy",
        "Left of the dashed line is sparser than the search's best.",
        Axis("nonzeros"),
        Axis("", "categories"),
        views,
        ("weights-needed",),
        (
            Selector("Accuracy", [percent_name(target) for target in TARGETS], "95 %"),
            Selector("Counted", MEASURES, "weights"),
        ),
    )


def _by_need(found: dict[str, tuple[Interval, dict[str, Any]]]) -> list[str]:
    return sorted(in_order(set(found)), key=lambda method: found[method][0].value)


def _dot(method: str, fewest: Interval, row: dict[str, Any]) -> Series:
    return Series(
        name_of(method),
        method,
        [fewest.value],
        [name_of(method)],
        "points",
        [fewest.low],
        # Where a resample can well reach nothing there is no end. No bar would look certain.
        [row["densest"] if isinf(fewest.high) else fewest.high],
        [row["experiment_id"]],
        [
            f"{100 * row['accuracy']:.2f} %, {row['networks']} of this size"
            + (", and a redraw may well have none" if isinf(fewest.high) else "")
        ],
    )


def _table(minima: dict[str, _Minima]) -> Answer:
    """Methods by targets, with the gap to the search."""
    methods = in_order({method for found in minima.values() for _, method in found})
    columns: dict[str, list[Any]] = {"method": [name_of(method) for method in methods]}
    for target in TARGETS:
        for measure, found in minima.items():
            said = f"{measure} at {percent_name(target)}"
            fewest = [found.get((target, method)) for method in methods]
            search = found.get((target, SEARCH))
            columns[said] = [None if one is None else int(one[0].value) for one in fewest]
            columns[f"{said}, more than search"] = [
                None if one is None or search is None else int(one[0].value - search[0].value)
                for one in fewest
            ]
    return Answer(
        "weights-needed",
        "The fewest nonzeros, and how many more than the search's fewest",
        "",
        pa.table(columns),
        how="Minima of the table of networks below.",
    )
