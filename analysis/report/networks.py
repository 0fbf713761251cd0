"""The networks of a report's points: their details, and which of them are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.drawing.caption import percent, settings_text
from analysis.figures.chart import Chart
from analysis.methods import name_of
from analysis.report.answers import percent_name
from analysis.report.source import Source
from analysis.retrain import was_left_out
from search.specification import experiment_of, label_of
from workers.cost import UNIT_MS, experiment_cost

MIN_ACCURACY = 0.9
"""Networks below this accuracy are not drawn: figures contain hundreds, and they show little."""

MAX_TRAINING_S = 2.0
"""Longest retraining, in seconds, to draw a network whose weights are not stored."""


@dataclass(frozen=True)
class PlottedNetwork:
    """The network of a point.

    Attributes:
        title: one-line description.
        label: number of the experiment, such as random:43531.
        file: name of its drawing.
        not_drawn: reason not to draw it; empty if it is drawn.
    """

    row: Mapping[str, Any]
    title: str
    label: str
    file: str
    not_drawn: str

    def facts(self) -> dict[str, str]:
        """Return the details that the page shows, under the same names for every network."""
        row, budget, accuracy = self.row, self.row["target_nnz"], self.row["target_accuracy"]
        init = row["init"].partition(":")[0]
        training = (f"lr {row['lr']:g}", row["schedule"], init, row["init_scheme"])
        return {
            "accuracy": percent(row["accuracy"]),
            "nonzero weights": f"{row['weight_nnz']:,}",
            "with biases": f"{row['model_nnz']:,}",
            "on a path": f"{row['effective_nnz']:,}",
            "budget": "" if budget is None else f"{budget:,} weights",
            "accuracy to keep": percent(accuracy) if accuracy is not None else "",
            "training": ", ".join(filter(None, training)),
            "settings": settings_text(row["hyperparameters"]),
            "root seed": f"{row['root_seed']}",
            "number": self.label,
            "experiment": row["experiment_id"],
        }


def plotted_networks(
    source: Source, charts: Iterable[Chart], *, draw_all: bool = False
) -> list[PlottedNetwork]:
    """Return the networks of all points, each once, all to be drawn if `draw_all` is set."""
    ids = dict.fromkeys(
        network
        for chart in charts
        for series in chart.all_series
        for network in series.networks
        if network is not None
    )
    found = []
    for row in source.reader.rows(list(ids)):
        label, not_drawn = label_of(row), "" if draw_all else _reason_against(row)
        # Rows with another root seed have the same label.
        file = re.sub(r"[^\w.-]", "-", f"{label}-{row['experiment_id'][:8]}.svg")
        start = row["structure"] or f"from width {row['width']}"
        title = f"{name_of(row['method'])}, {start}"
        found.append(PlottedNetwork(row, title, label, file, not_drawn))
    return found


def _reason_against(row: Mapping[str, Any]) -> str:
    if row["accuracy"] < MIN_ACCURACY:
        return f"networks below {percent_name(MIN_ACCURACY)} are not drawn here"
    if not was_left_out(row):
        return ""
    milliseconds = row["train_ms"]
    if milliseconds is None:
        milliseconds = experiment_cost(experiment_of(row)) * UNIT_MS
    if milliseconds <= 1000 * MAX_TRAINING_S:
        return ""
    return f"training it again takes about {milliseconds / 1000:.0f} s"
