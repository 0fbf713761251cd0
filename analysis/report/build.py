"""Creation of a report: queries, figures and drawings in a folder that appears when complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.figures.styles import styles_for
from analysis.methods import SEARCH
from analysis.report.answers import Answer, Section, ask, percent_name
from analysis.report.claims import Claim
from analysis.report.drawing_pool import draw_networks
from analysis.report.exports import write_figures, write_tables
from analysis.report.folders import CSV, DRAWINGS, FIGURES, MARKER, check_folder, new_folder
from analysis.report.networks import PlottedNetwork, plotted_networks
from analysis.report.page import Contents, write_page
from analysis.report.page_data import to_json
from analysis.report.sections import (
    depth,
    disconnected,
    frontier,
    initialisation,
    ledger,
    needed,
    prunable,
    random_masks,
    tasks,
    width,
)
from analysis.report.source import OneDataset, Source
from search.experiment import FRESH_INIT
from search.paper_sizes import TARGETS
from storage.log.sweep_info import software_versions
from storage.results_reader import ResultsReader

TITLE = "Sparsest models, and what pruning finds"

ReportProgress = Callable[[str, int, int], None]
"""Called with the current step, the amount done, and the total."""

_SECTIONS = (
    frontier.section,
    needed.section,
    width.section,
    depth.section,
    tasks.section,
    disconnected.section,
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
        draw: whether to draw networks.
        draw_all: whether to draw also those that take long to train again.
        workers: number of processes that draw.
        overwrite: whether to replace an existing report.
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
    """Summary of a report.

    Attributes:
        rows: number of rows.
        plots: number of figures.
        drawings: number of drawn networks.
        left_out: number of networks that were not to be drawn; the page gives the reason of each.
        for_draw_all: number of these that `draw_all` would draw.
        failed: experiment_id -> reason, for networks that could not be trained again.
    """

    rows: int
    plots: int
    drawings: int
    left_out: int
    for_draw_all: int
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
    source = OneDataset(reader, options.dataset, options.studies)
    (contents,) = ask(source, "contents", "").rows
    sections, claims = _sections(source, report_progress)
    charts = [chart for section in sections for chart in section.charts if not chart.is_empty]
    styles = styles_for(source.methods)
    networks = plotted_networks(source, charts, draw_all=options.draw_all)
    with new_folder(final) as made:
        for name in (FIGURES, CSV, DRAWINGS):
            (made / name).mkdir()
        write_tables(sections, made / CSV)
        write_figures(
            charts,
            made / FIGURES,
            styles,
            lambda *progress: report_progress("drawing figures", *progress),
        )
        left_out = _left_out(networks, options)
        failed = draw_networks(
            [one for one in networks if one.row["experiment_id"] not in left_out],
            source,
            made / DRAWINGS,
            options.workers,
            lambda *progress: report_progress("drawing networks", *progress),
        )
        write_page(
            Contents(
                TITLE,
                _description(options.source, source.dataset, contents["root_seeds"]),
                _facts(source, contents["trainings"]),
                claims,
                sections,
                networks,
                left_out | failed,
                options.store_option,
                styles,
            ),
            made,
        )
        _write_marker(made, options, contents["trainings"])
    return Built(
        contents["trainings"],
        len(charts),
        len(networks) - len(left_out) - len(failed),
        len(left_out),
        len(left_out) if options.draw else 0,
        failed,
    )


def _sections(source: Source, report_progress: ReportProgress) -> tuple[list[Section], list[Claim]]:
    """Return all sections, and the claims of the ledger."""
    sections = []
    for done, section in enumerate(_SECTIONS):
        report_progress("running queries", done, len(_SECTIONS))
        sections.append(section(source))
    report_progress("running queries", len(_SECTIONS), len(_SECTIONS))
    claims = ledger.claims(source)
    return [*sections, ledger.section(claims), _rows_section(source)], claims


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


def _left_out(networks: Sequence[PlottedNetwork], options: Options) -> dict[str, str]:
    """Return experiment_id -> reason, for networks that are not to be drawn."""
    switched_off = "" if options.draw else "drawings are switched off (--no-draw)"
    reasons = {one.row["experiment_id"]: switched_off or one.not_drawn for one in networks}
    return {experiment_id: reason for experiment_id, reason in reasons.items() if reason}


def _description(source: str, dataset: str, root_seeds: int) -> str:
    seeds = "one root seed" if root_seeds == 1 else f"{root_seeds:,} root seeds, pooled"
    return f"{source}. Data set {dataset}, {seeds}."


def _facts(source: Source, rows: int) -> list[tuple[str, str]]:
    """Return the numbers at the top of the page: (number, what it counts)."""
    facts = [(f"{rows:,}", "trainings")]
    trainings = _numbers(ask(source, "trainings", ""), "trainings")
    sparsest = [row for row in ask(source, "sparsest", "").rows if row["start"] == FRESH_INIT]
    for target in TARGETS:
        for who, is_search in (("search", True), ("pruning", False)):
            weights = [
                row["weights"]
                for row in sparsest
                if row["target"] == target and (row["method"] == SEARCH) == is_search
            ]
            if weights:
                count = sum(n for method, n in trainings.items() if (method == SEARCH) == is_search)
                text = f"weights at {percent_name(target)}: sparsest of {count:,} by {who}"
                facts.append((f"{min(weights):,}", text))
    return facts


def _numbers(answer: Answer, column: str) -> dict[str, int]:
    return {row["method"]: row[column] for row in answer.rows}


def _write_marker(folder: Path, options: Options, rows: int) -> None:
    marker = {
        "made_by": f"sparsest {software_versions().get('sparsest', '')}".strip(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": options.source,
        "rows": rows,
    }
    (folder / MARKER).write_text(to_json(marker) + "\n", encoding="utf-8")
