"""Creation of a report: queries, figures and drawings in a folder that appears when complete."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from analysis.drawing.files import save_drawing
from analysis.figures.chart import Chart
from analysis.figures.matplotlib_figure import matplotlib_figure, matplotlib_panels
from analysis.figures.series import Row
from analysis.methods import SEARCH, Styles, styles_for
from analysis.report.answers import Section, ask, percent_name
from analysis.report.drawing_pool import draw_networks
from analysis.report.networks import plotted_networks
from analysis.report.page import (
    CSV,
    DRAWINGS,
    FIGURES,
    MARKER,
    PANELS,
    check_folder,
    new_folder,
    plots_data,
    to_json,
    write_page,
)
from analysis.report.sections import (
    frontier,
    initialisation,
    ledger,
    needed,
    prunable,
    random_masks,
    starting_network,
    tasks,
)
from analysis.report.source import Source
from search.experiment import FRESH_INIT
from search.paper_sizes import TARGETS
from storage.log.sweep_info import software_versions
from storage.results_reader import ResultsReader

ReportProgress = Callable[[str, int, int], None]
"""Called with the current step, the amount done, and the total."""

_SECTIONS = (
    frontier.section,
    needed.section,
    starting_network.width_section,
    starting_network.depth_section,
    tasks.section,
    starting_network.disconnected_section,
    prunable.section,
    initialisation.section,
    random_masks.section,
)


@dataclass(frozen=True)
class Options:
    """Options of a report.

    Attributes:
        source: one-line description of the results.
        store_option: option of a command that selects them, such as `--published`.
        draw, draw_all: whether to draw networks, and also those that take long to train again.
        workers: number of processes that draw.
        dataset: data set; None if the results have only one.
        studies: names of the studies that the report is about; empty for all. The tabs Depth and
            Tasks are about all studies.
    """

    source: str
    store_option: str
    draw: bool = True
    draw_all: bool = False
    workers: int = 1
    overwrite: bool = False
    dataset: str | None = None
    studies: Sequence[str] = ()


@dataclass(frozen=True)
class Built:
    """Summary of a report: numbers of rows, figures, drawn networks, and those not to be drawn.

    The page gives the reasons for these; `failed` maps the experiment_id of networks that could not
    be trained again to the reason.
    """

    rows: int
    plots: int
    drawings: int
    left_out: int
    failed: Mapping[str, str]


def build_report(
    reader: ResultsReader, folder: Path, options: Options, report_progress: ReportProgress
) -> Built:
    """Make a report of a store or of the published results.

    The folder appears, or is replaced, when it is complete.

    Raises:
        ValueError: there are no rows, or they are of several data sets and none is chosen.
        OSError: the folder cannot be written, or something else is there.
        DrawingFailed: a process that draws has died.
        storage.errors.StoreError: the results cannot be read.
    """
    final = Path(os.path.realpath(folder.expanduser()))
    check_folder(final, overwrite=options.overwrite)
    source = Source(reader, options.dataset, options.studies)
    (contents,) = ask(source, "contents", "").rows
    sections = []
    for done, section in enumerate(_SECTIONS):
        report_progress("running queries", done, len(_SECTIONS))
        sections.append(section(source))
    report_progress("running queries", len(_SECTIONS), len(_SECTIONS))
    claims = ledger.claims(source)
    sections += [ledger.section(claims), _rows_section(source)]
    charts = [chart for section in sections for chart in section.charts if not chart.is_empty]
    styles = styles_for(source.methods)
    networks = plotted_networks(source, charts, draw_all=options.draw_all)
    no_draw = "" if options.draw else "drawings are switched off (--no-draw)"
    left_out = {
        one.row["experiment_id"]: reason for one in networks if (reason := no_draw or one.not_drawn)
    }
    with new_folder(final) as made:
        for name in (FIGURES, CSV, DRAWINGS):
            (made / name).mkdir()
        _write_tables(sections, made / CSV)
        _write_figures(charts, made / FIGURES, styles, partial(report_progress, "drawing figures"))
        failed = draw_networks(
            [one for one in networks if one.row["experiment_id"] not in left_out],
            reader.init,
            made / DRAWINGS,
            options.workers,
            partial(report_progress, "drawing networks"),
        )
        seeds = contents["root_seeds"]
        seeds_text = "one root seed" if seeds == 1 else f"{seeds:,} root seeds, pooled"
        write_page(
            made,
            plots_data(charts, networks, left_out | failed, options.store_option, styles),
            title="Sparsest models, and what pruning finds",
            description=f"{options.source}. Data set {source.dataset}, {seeds_text}.",
            facts=_facts(source, contents["trainings"]),
            claims=claims,
            sections=sections,
        )
        marker = {
            "made_by": f"sparsest {software_versions().get('sparsest', '')}".strip(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "source": options.source,
            "rows": contents["trainings"],
        }
        (made / MARKER).write_text(to_json(marker) + "\n", encoding="utf-8")
    drawings = len(networks) - len(left_out) - len(failed)
    return Built(contents["trainings"], len(charts), drawings, len(left_out), failed)


def _write_tables(sections: Sequence[Section], folder: Path) -> None:
    """Write each table as NAME.csv; lists are JSON."""
    tables = {answer.name: answer.table for section in sections for answer in section.answers}
    for name, table in tables.items():
        for number, column in enumerate(table.schema):
            if pa.types.is_nested(column.type):
                texts = [to_json(value) for value in table.column(number).to_pylist()]
                table = table.set_column(number, column.name, pa.array(texts, pa.string()))
        pyarrow.csv.write_csv(table, folder / f"{name}.csv")


def _write_figures(
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


def _rows_section(source: Source) -> Section:
    """Return the section about the rows of the report."""
    return Section(
        "rows",
        "Rows",
        "Rows of this report",
        (
            "Each training is a row, and each figure shows the result of the SQL below it. The "
            "store holds the networks; those of the published results are trained again.",
        ),
        (),
        (
            ask(source, "rows", "Trainings by study and method"),
            ask(source, "backends", "Arithmetic that trained them"),
        ),
    )


def _facts(source: Source, rows: int) -> list[tuple[str, str]]:
    """Return the numbers at the top of the page: (number, what it counts)."""

    def who(row: Row) -> str:
        return "search" if row["method"] == SEARCH else "pruning"

    facts = [(f"{rows:,}", "trainings")]
    counts: Counter[str] = Counter()
    for row in ask(source, "trainings", "").rows:
        counts[who(row)] += row["trainings"]
    sparsest = [row for row in ask(source, "sparsest", "").rows if row["start"] == FRESH_INIT]
    for target, name in product(TARGETS, ("search", "pruning")):
        found = [row for row in sparsest if (row["target"], who(row)) == (target, name)]
        if found:
            text = f"weights at {percent_name(target)}: sparsest of {counts[name]:,} by {name}"
            facts.append((f"{min(row['weights'] for row in found):,}", text))
    return facts
