"""Weights that are nonzero and lie on no path from an input to the output."""

from __future__ import annotations

from analysis.methods import in_order, name_of
from analysis.report.asking import Answer, ask, grouped
from analysis.report.chart import Axis, Chart, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section
from analysis.report.sections.width import width_axis

_SHOWN = {
    "weights on no path": "share_of_weights",
    "networks without any path": "share_without_path",
}


def section(reader: Source) -> Section:
    """Asks for the shares by width."""
    by_width = ask(reader, "disconnected", "Disconnected weights by method and width")
    return Section(
        "disconnected",
        "Disconnected",
        "How many weights lead nowhere?",
        (
            "A weight on no path from an input to the output counts as a weight, and the network "
            "could do without it. It buys sparsity on paper and no expressivity.",
            "The mean over all budgets, learning rates and schedules of a width. A network without "
            "any path gives the same answer for every point.",
        ),
        (_chart(by_width),),
        (by_width,),
        needs=("overparam",),
    )


def _chart(by_width: Answer) -> Chart:
    methods = grouped(by_width.rows, "method")
    views: Views = {
        (said,): View(
            [
                Series(
                    name_of(method),
                    method,
                    [row["width"] for row in methods[(method,)]],
                    [row[column] for row in methods[(method,)]],
                    notes=[
                        f"{row['effective']:.1f} of {row['weights']:.1f} weights on a path in the "
                        f"mean of {row['networks']:,} networks"
                        for row in methods[(method,)]
                    ],
                )
                for method in in_order({method for (method,) in methods})
            ]
        )
        for said, column in _SHOWN.items()
    }
    options = list(_SHOWN)
    return Chart(
        "disconnected",
        "Share that is disconnected, by the width that pruning starts from",
        "The higher, the more of the budget buys nothing.",
        width_axis(by_width),
        Axis("share", "percent", limits=(-0.02, 1.02)),
        views,
        ("disconnected",),
        (Selector("Share of", options, options[0]),),
    )
