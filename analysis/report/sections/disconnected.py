"""Weights that are nonzero but lie on no path from an input to the output."""

from __future__ import annotations

from analysis.figures.by_method import Row, method_series
from analysis.figures.chart import Axis, Chart, Selector, View, Views
from analysis.report.answers import Answer, Section, ask
from analysis.report.sections.width import width_axis
from analysis.report.source import Source

_SHOWN = {
    "weights on no path": "share_of_weights",
    "networks without any path": "share_without_path",
}
"""Option -> column."""


def section(source: Source) -> Section:
    """Return the section, with shares by width."""
    by_width = ask(source, "disconnected", "Disconnected weights by method and width")
    return Section(
        "disconnected",
        "Disconnected",
        "How many weights are disconnected?",
        (
            "A weight on no path from an input to the output counts towards the budget, but "
            "carries no information from the inputs to the output.",
            "Each point is a mean over all budgets, learning rates and schedules of a width. A "
            "network without any path gives the same output for every input.",
        ),
        (_chart(by_width),),
        (by_width,),
        needs=("overparam",),
    )


def _chart(by_width: Answer) -> Chart:
    views: Views = {
        (option,): View(method_series(by_width.rows, "width", column, _note))
        for option, column in _SHOWN.items()
    }
    options = list(_SHOWN)
    return Chart(
        "disconnected",
        "Share of disconnected weights, by the width that pruning starts from",
        "Means over trainings; a claim about them is in the tab Claims.",
        width_axis(by_width),
        Axis("share", "percent", limits=(-0.02, 1.02)),
        views,
        ("disconnected",),
        (Selector("Share of", options, options[0]),),
    )


def _note(row: Row) -> str:
    return (
        f"on average {row['effective']:.1f} of {row['weights']:.1f} weights are on a path "
        f"({row['networks']:,} networks)"
    )
