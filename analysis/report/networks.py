"""The networks behind the points: what is said of each, and which of them are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.drawing.caption import label_of, percent
from analysis.methods import name_of
from analysis.report.asking import percent_name
from analysis.report.chart import Chart
from analysis.report.one_dataset import Source
from analysis.retrain import was_left_out
from search.specification import experiment_of
from storage.reading.literals import sql_tuple
from workers.cost import UNIT_MS, experiment_cost

LEAST_ACCURACY = 0.9
"""Networks below it are not drawn: the plots hold hundreds of them, and they show little."""

LONGEST_S = 2.0
"""A network whose weights are not stored is drawn where training it again takes no longer."""

INPUTS = 2
"""Of a network that can be drawn: over the plane."""


@dataclass(frozen=True)
class PlottedNetwork:
    """A network that a point stands for.

    Attributes:
        row: of the view `results`.
        title: what it is, in a line.
        label: its number, such as random:43531.
        file: name of its drawing.
        not_drawn: why it is not to be drawn; empty where it is.
        drawable: whether it can be drawn at all.
    """

    row: Mapping[str, Any]
    title: str
    label: str
    file: str
    not_drawn: str
    drawable: bool = True

    def facts(self) -> dict[str, str]:
        """What the page says of it; the same names for every network."""
        row, budget = self.row, self.row["target_nnz"]
        return {
            "accuracy": percent(row["accuracy"]),
            "nonzero weights": f"{row['weight_nnz']:,}",
            "with biases": f"{row['model_nnz']:,}",
            "on a path": f"{row['effective_nnz']:,}",
            "budget": "" if budget is None else f"{budget:,} weights",
            "training": f"lr {row['lr']:g}, {row['schedule']}, {row['init'].partition(':')[0]}",
            "number": self.label,
            "experiment": row["experiment_id"],
        }


def plotted_networks(
    reader: Source, charts: Iterable[Chart], *, draw_all: bool = False
) -> list[PlottedNetwork]:
    """The networks behind all points, each once.

    Args:
        reader: where the rows are.
        charts: whose points.
        draw_all: draw every one of them that can be, however long it takes.
    """
    ids = dict.fromkeys(
        network
        for chart in charts
        for view in chart.views.values()
        for series in view.series
        for network in series.networks
        if network is not None
    )
    return [_plotted(row, draw_all) for row in _rows(reader, list(ids))]


def _rows(reader: Source, ids: Sequence[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    query = f"SELECT * FROM results WHERE experiment_id IN {sql_tuple(ids)}"
    by_id = {row["experiment_id"]: row for row in reader.sql(query).to_pylist()}
    return [by_id[one] for one in ids]


def _plotted(row: Mapping[str, Any], draw_all: bool) -> PlottedNetwork:
    label = label_of(row)
    # The same number has other rows under other root seeds.
    file = re.sub(r"[^\w.-]", "-", f"{label}-{row['experiment_id'][:8]}.svg")
    began = row["structure"] or f"from width {row['width']}"
    title = f"{name_of(row['method'])}, {began}"
    inputs = row["layers"][0]
    if inputs != INPUTS:
        reason = f"only networks with {INPUTS} inputs can be drawn, and this one has {inputs}"
        return PlottedNetwork(row, title, label, file, reason, drawable=False)
    return PlottedNetwork(row, title, label, file, "" if draw_all else _reason_against(row))


def _reason_against(row: Mapping[str, Any]) -> str:
    if row["accuracy"] < LEAST_ACCURACY:
        return f"networks below {percent_name(LEAST_ACCURACY)} are not drawn here"
    seconds = _seconds(row)
    if seconds > LONGEST_S:
        return f"training it again takes about {seconds:.0f} s"
    return ""


def _seconds(row: Mapping[str, Any]) -> float:
    """How long it takes to have its weights: nothing where they are stored."""
    if not was_left_out(row):
        return 0.0
    measured_ms = row["train_ms"]
    if measured_ms is None:
        measured_ms = experiment_cost(experiment_of(row)) * UNIT_MS
    return float(measured_ms) / 1000
