"""Figures and tables of a report as files, for use in a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from analysis.drawing.files import save_drawing
from analysis.figures.chart import Chart
from analysis.figures.matplotlib_figure import matplotlib_figure, matplotlib_panels
from analysis.methods import Styles
from analysis.report.answers import Section
from analysis.report.folders import PANELS
from analysis.report.page import to_json


def write_tables(sections: Sequence[Section], folder: Path) -> None:
    """Write each table as NAME.csv; lists are JSON."""
    tables = {answer.name: answer.table for section in sections for answer in section.answers}
    for name, table in tables.items():
        for number, column in enumerate(table.schema):
            if pa.types.is_nested(column.type):
                texts = [to_json(value) for value in table.column(number).to_pylist()]
                table = table.set_column(number, column.name, pa.array(texts, pa.string()))
        pyarrow.csv.write_csv(table, folder / f"{name}.csv")


def write_figures(
    charts: Sequence[Chart],
    folder: Path,
    styles: Styles,
    report_progress: Callable[[int, int], None],
) -> None:
    """Write the initial view of each figure as NAME.svg and .png, all views as NAME-panels.

    `report_progress` is called with the number of figures done and their total.
    """
    for done, chart in enumerate(charts):
        report_progress(done, len(charts))
        figures = {chart.name: matplotlib_figure(chart, styles)}
        if (panels := matplotlib_panels(chart, styles)) is not None:
            figures[chart.name + PANELS] = panels
        for name, figure in figures.items():
            # The layout is most of the work: computed once, not for every file.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            for suffix in (".svg", ".png"):
                save_drawing(figure, folder / f"{name}{suffix}", overwrite=True)
    report_progress(len(charts), len(charts))
