"""Making a report: ask, plot, draw, and put one folder in place when it is complete."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.methods import SEARCH
from analysis.report.asking import ask, percent_name
from analysis.report.claims import Claim
from analysis.report.drawing_pool import draw_networks
from analysis.report.exports import write_figures, write_tables
from analysis.report.folders import CSV, DRAWINGS, FIGURES, MARKER, check_folder, put_in_place
from analysis.report.networks import PlottedNetwork, plotted_networks
from analysis.report.one_dataset import OneDataset, Source
from analysis.report.page import Contents, write_page
from analysis.report.section import Section
from analysis.report.sections import (
    disconnected,
    fixed,
    frontier,
    ledger,
    needed,
    prunable,
    random_pruning,
    trained,
    width,
)
from search.experiment import FRESH_INIT
from search.paper import TARGETS
from storage.log.sweep_info import software_versions
from storage.results_reader import ResultsReader

TITLE = "Sparsest models, and what pruning finds"

Tell = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and how much there is."""

_PARTS = (
    frontier.section,
    needed.section,
    width.section,
    disconnected.section,
    prunable.section,
    fixed.section,
    random_pruning.section,
)


@dataclass(frozen=True)
class Options:
    """How a report is made.

    Attributes:
        source: whose results these are, in a line.
        asking: how a command names them, such as `--published`.
        draw: whether networks are drawn.
        draw_all: draw also those that take long to train again.
        workers: processes that draw.
        overwrite: replace a report that is there.
        dataset: whose rows the report is of; None where there is only one.
    """

    source: str
    asking: str
    draw: bool = True
    draw_all: bool = False
    workers: int = 1
    overwrite: bool = False
    dataset: str | None = None


@dataclass(frozen=True)
class Built:
    """What a report holds.

    Attributes:
        rows: that it is made from.
        plots: number of plots.
        drawings: number of drawn networks.
        left_out: networks that were not to be drawn; the page says why of each.
        for_draw_all: those of them that `draw_all` would draw.
        failed: experiment_id -> why it could not be trained again, to be drawn.
    """

    rows: int
    plots: int
    drawings: int
    left_out: int
    for_draw_all: int
    failed: Mapping[str, str]


def build_report(reader: ResultsReader, folder: Path, options: Options, tell: Tell) -> Built:
    """Makes a report of a store, or of the published results.

    The folder appears, or is replaced, when it is complete.

    Raises:
        ValueError: there are no rows, or those of several data sets and none is chosen.
        OSError: it cannot be written, or something else is there.
        DrawingFailed: a process that draws was lost.
        storage.errors.StoreError: the results cannot be read.
    """
    final = Path(os.path.realpath(folder.expanduser()))
    check_folder(final, overwrite=options.overwrite)
    source = OneDataset(reader, options.dataset)
    rows = int(source.sql("SELECT count(*) AS rows FROM results").to_pylist()[0]["rows"])
    sections, claims = _asked(source, tell)
    charts = [chart for section in sections for chart in section.charts if not chart.is_empty]
    networks = plotted_networks(source, charts, draw_all=options.draw_all)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=final.parent) as aside:
        made = Path(aside) / "report"
        for name in (FIGURES, CSV, DRAWINGS):
            (made / name).mkdir(parents=True)
        write_tables(sections, made / CSV)
        write_figures(charts, made / FIGURES, lambda *so_far: tell("drawing figures", *so_far))
        left_out = _left_out(networks, options)
        failed = draw_networks(
            [one for one in networks if one.row["experiment_id"] not in left_out],
            source,
            made / DRAWINGS,
            options.workers,
            lambda *so_far: tell("drawing networks", *so_far),
        )
        contents = Contents(
            TITLE,
            options.source,
            _facts(source, rows),
            claims,
            sections,
            networks,
            left_out | failed,
            options.asking,
        )
        write_page(contents, made)
        _write_marker(made, options, rows)
        put_in_place(made, final)
    return Built(
        rows,
        len(charts),
        len(networks) - len(left_out) - len(failed),
        len(left_out),
        sum(
            one.drawable and options.draw
            for one in networks
            if one.row["experiment_id"] in left_out
        ),
        failed,
    )


def _asked(reader: Source, tell: Tell) -> tuple[list[Section], list[Claim]]:
    """All sections, and the claims of the ledger."""
    sections = []
    for done, part in enumerate(_PARTS):
        tell("asking", done, len(_PARTS))
        sections.append(part(reader))
    tell("asking", len(_PARTS), len(_PARTS))
    claims = ledger.claims(reader)
    return [*sections, ledger.section(claims), trained.section(reader)], claims


def _left_out(networks: Sequence[PlottedNetwork], options: Options) -> dict[str, str]:
    """experiment_id -> why, for networks that are not to be drawn."""
    unasked = "" if options.draw else "no drawings were asked for"
    reasons = {
        one.row["experiment_id"]: (unasked if one.drawable else "") or one.not_drawn
        for one in networks
    }
    return {experiment_id: reason for experiment_id, reason in reasons.items() if reason}


def _facts(reader: Source, rows: int) -> list[tuple[str, str]]:
    """What is told at the top: numbers, and what they count."""
    told = [(f"{rows:,}", "trainings")]
    fresh = [row for row in ask(reader, "sparsest", "").rows if row["begun"] == FRESH_INIT]
    for target in TARGETS:
        for who, of_search in (("search", True), ("pruning", False)):
            weights = [
                row["weights"]
                for row in fresh
                if row["target"] == target and (row["method"] == SEARCH) == of_search
            ]
            if weights:
                told.append((f"{min(weights):,}", f"weights: {who}, {percent_name(target)}"))
    return told


def _write_marker(folder: Path, options: Options, rows: int) -> None:
    made = {
        "made_by": f"sparsest {software_versions().get('sparsest', '')}".strip(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": options.source,
        "rows": rows,
    }
    (folder / MARKER).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
