"""Figures and tables of a report as files, for use in a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from analysis.drawing.files import save_drawing
from analysis.figures.chart import Chart
from analysis.figures.matplotlib_figure import matplotlib_figure, matplotlib_panels
from analysis.figures.styles import Styles
from analysis.report.answers import Section
from analysis.report.page_data import to_json

PANELS = "-panels"
"""End of the names of files with all views of a figure side by side."""


def write_tables(sections: Sequence[Section], folder: Path) -> None:
    """Write each table as NAME.csv; lists are JSON.

    Raises:
        OSError: a file cannot be written.
    """
    answers = {answer.name: answer for section in sections for answer in section.answers}
    for name, answer in answers.items():
        columns = {
            column: [to_json(value) for value in values.to_pylist()]
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
    styles: Styles,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
    suffixes: Sequence[str] = (".svg", ".png"),
) -> list[Path]:
    """Write the initial view of each figure as NAME.svg and .png, all views as NAME-panels.

    Args:
        charts: figures with data.
        folder: existing folder.
        styles: style of each series.
        report_progress: is called with the number of figures done and their total.
        suffixes: file formats.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
    """
    files = []
    for done, chart in enumerate(charts):
        report_progress(done, len(charts))
        figures = {chart.name: matplotlib_figure(chart, styles)}
        if (panels := matplotlib_panels(chart, styles)) is not None:
            figures[chart.name + PANELS] = panels
        for name, figure in figures.items():
            # The layout is most of the work: computed once, not for every file.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            for suffix in suffixes:
                files.append(folder / f"{name}{suffix}")
                save_drawing(figure, files[-1], overwrite=True)
    report_progress(len(charts), len(charts))
    return files
