"""Figures and tables as files, for a paper."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from analysis.drawing.files import save_drawing
from analysis.report.chart import Chart
from analysis.report.section import Section
from analysis.report.static import drawn, drawn_panels

PANELS = "-panels"
"""Behind a plot's name: the file with all its views beside each other."""


def write_tables(sections: Sequence[Section], folder: Path) -> None:
    """Writes each answer as NAME.csv; lists are JSON.

    Raises:
        OSError: a file cannot be written.
    """
    answers = {answer.name: answer for section in sections for answer in section.answers}
    for name, answer in answers.items():
        columns = {
            column: [json.dumps(value) for value in values.to_pylist()]
            if pa.types.is_nested(values.type)
            else values
            for column, values in zip(
                answer.table.column_names, answer.table.itercolumns(), strict=True
            )
        }
        pyarrow.csv.write_csv(pa.table(columns), folder / f"{name}.csv")


def write_figures(
    charts: Sequence[Chart],
    folder: Path,
    tell: Callable[[int, int], None] = lambda done, of: None,
    suffixes: Sequence[str] = (".svg", ".png"),
) -> list[Path]:
    """Writes each plot as NAME.svg and .png, and its views beside each other as NAME-panels.

    Args:
        charts: those that have points.
        folder: is there.
        tell: is told how many are done, and of how many.
        suffixes: kinds of files.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
    """
    files = []
    for done, chart in enumerate(charts):
        tell(done, len(charts))
        figures = {chart.name: drawn(chart)}
        if (panels := drawn_panels(chart)) is not None:
            figures[chart.name + PANELS] = panels
        for name, figure in figures.items():
            # Arranged once, rather than for every file: that is most of the work.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            for suffix in suffixes:
                files.append(folder / f"{name}{suffix}")
                save_drawing(figure, files[-1], overwrite=True)
    tell(len(charts), len(charts))
    return files
