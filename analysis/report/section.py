"""A part of the report: words, plots, and the answers that they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.report.asking import Answer
from analysis.report.chart import Chart


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        name: in addresses.
        tab: two or three words.
        title: a heading.
        text: paragraphs.
        charts: plots.
        answers: all tables; those with few rows are shown.
        needs: what to train where there is nothing to plot: studies of the paper.
    """

    name: str
    tab: str
    title: str
    text: Sequence[str]
    charts: Sequence[Chart]
    answers: Sequence[Answer]
    needs: Sequence[str] = ()
