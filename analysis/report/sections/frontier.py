"""Accuracy against the number of weights: the best networks, and how the trainings spread."""

from __future__ import annotations

from typing import Any

from analysis.methods import SEARCH, in_order, name_of
from analysis.report.asking import Answer, ask, grouped, percent_name, stands_for
from analysis.report.chart import Axis, Chart, Guide, Kind, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section
from search.paper import TARGETS

ANY_WIDTH = "any"

MOST_WEIGHTS = 66
"""Where the plots end: the paper's largest budget is 65, and denser networks say nothing."""

_GUIDES = tuple(Guide(target, percent_name(target)) for target in TARGETS)
_WEIGHTS = Axis("nonzero weights", limits=(10, MOST_WEIGHTS))
_ACCURACY = Axis("accuracy", "percent", limits=(0.49, 1.005))
_NEAR_ONE = Axis(
    "accuracy",
    "nines",
    limits=(0.45, 0.9995),
    ticks=(0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995),
)


def section(reader: Source) -> Section:
    """Asks for the fronts and the spread."""
    front = _front(reader)
    spread = ask(reader, "spread", "Accuracies by method, width and number of weights")
    return Section(
        "frontier",
        "Accuracy",
        "How accurate with how few weights?",
        (
            "The yardstick is a search over masks. A method that finds the sparsest networks would "
            "lie on the search's line, and one above it beats the search.",
            "Only trainings from fresh initialisations, all learning rates and schedules. Weights "
            "are counted without biases.",
        ),
        (_front_chart(front), _spread_chart(spread)),
        (front, spread),
        needs=("phase1", "phase2-95", "phase2-995", "overparam"),
    )


def front_chart(reader: Source) -> Chart:
    """The best accuracy by number of weights, alone."""
    return _front_chart(_front(reader))


def _front(reader: Source) -> Answer:
    return ask(reader, "front", "The front of each method, at any width and at each")


def _front_chart(front: Answer) -> Chart:
    by_width = grouped(front.rows, "width")
    search = [row for row in by_width.get((None,), []) if row["method"] == SEARCH]
    views: Views = {}
    for width in _widths(front):
        rows = by_width[(None,)] if width == ANY_WIDTH else search + by_width[(int(width),)]
        methods = grouped([row for row in rows if row["weight_nnz"] <= MOST_WEIGHTS], "method")
        views[(width,)] = View(
            [
                Series(
                    name_of(method),
                    method,
                    [row["weight_nnz"] for row in methods[(method,)]],
                    [row["accuracy"] for row in methods[(method,)]],
                    "steps",
                    networks=[row["experiment_id"] for row in methods[(method,)]],
                    notes=[_best_of(row) for row in methods[(method,)]],
                )
                for method in in_order({method for (method,) in methods})
            ],
            _GUIDES,
        )
    return Chart(
        "accuracy-front",
        "The best accuracy with at most so many nonzero weights",
        "A marker is a network that is more accurate than every sparser one of its method. The "
        "search is the same at every width, since it chooses its structures itself. The axis is "
        "stretched towards 100 %; what is above 99.95 % is drawn there.",
        _WEIGHTS,
        _NEAR_ONE,
        views,
        ("front",),
        (Selector("Width that pruning starts from", _widths(front), ANY_WIDTH, "width: {}"),),
    )


def _best_of(row: dict[str, Any]) -> str:
    return f"best of {row['trainings']:,} with {row['weight_nnz']} weights"


def _spread_chart(spread: Answer) -> Chart:
    groups = grouped(spread.rows, "method", "width")
    reference = groups.get((SEARCH, None), [])
    methods = in_order({method for method, _ in groups})
    widths = _widths(spread)
    views: Views = {}
    for method in methods:
        for width in widths:
            # The search chooses its structures itself.
            any_width = width == ANY_WIDTH or method == SEARCH
            rows = groups.get((method, None if any_width else int(width)), [])
            series = _spread(rows, method)
            if method != SEARCH:
                series.append(_line("search, best", SEARCH, reference, "best", "curve"))
            views[(name_of(method), width)] = View([one for one in series if one.x], _GUIDES)
    return Chart(
        "accuracy-spread",
        "All trainings with so many nonzero weights: the best, the median, the middle four fifths",
        "Training is chaotic: most trainings learn little whatever the method, and the best of "
        "them is far from the rest. Points with fewer than five trainings are left out.",
        _WEIGHTS,
        _ACCURACY,
        views,
        ("spread",),
        (
            Selector("Method", [name_of(method) for method in methods], _most_told(methods)),
            Selector("Width", widths, ANY_WIDTH),
        ),
    )


def _most_told(methods: list[str]) -> str:
    """GMP where it is there: the algorithm that comes closest to the search."""
    first = "gmp" if "gmp" in methods else next(iter(methods), "")
    return name_of(first)


def _spread(rows: list[dict[str, Any]], method: str) -> list[Series]:
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
    return [
        band,
        _line(f"{name}, best", method, rows, "best"),
        _line(f"{name}, median", method, rows, "median"),
    ]


def _line(
    name: str, style: str, rows: list[dict[str, Any]], column: str, kind: Kind = "line"
) -> Series:
    return Series(
        name,
        style,
        [row["weight_nnz"] for row in rows],
        [row[column] for row in rows],
        kind,
        networks=[] if kind == "curve" else [row["experiment_id"] for row in rows],
        notes=[] if kind == "curve" else [stands_for(column, row["trainings"]) for row in rows],
        hollow=column == "median",
    )


def _widths(answer: Answer) -> list[str]:
    widths = {row["width"] for row in answer.rows if row["width"] is not None}
    return [ANY_WIDTH, *map(str, sorted(widths))]
