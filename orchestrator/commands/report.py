"""The command `report`: the paper's findings as a page for a browser."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from orchestrator.commands.options import (
    MaybeStorePath,
    Published,
    flag,
    number,
    option,
    output_option,
    whole_number,
)
from orchestrator.commands.results import results_reader
from orchestrator.cores import usable_cores
from orchestrator.display.console import plain_console
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from search.paper import PAPER_STUDIES
from search.project import PROJECT_STUDIES


def report(
    store: MaybeStorePath = None,
    published: Published = False,
    output: Annotated[
        Path | None, output_option("Folder to create [default: report, or live with --live]", "D")
    ] = None,
    overwrite: Annotated[
        bool, flag("--overwrite", "Replace a report that is in the folder.")
    ] = False,
    dataset: Annotated[
        str | None, option("S", "Data set to report on; needed if there are several.")
    ] = None,
    draw: Annotated[bool, flag("--draw/--no-draw", "Draw the networks of the points.")] = True,
    draw_all: Annotated[
        bool,
        flag(
            "--draw-all", "Also draw networks below 90 % and those that take long to train again."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        whole_number("Drawing processes [default: one per core]"),
    ] = None,
    live: Annotated[
        bool,
        flag(
            "--live",
            "Keep a smaller page about a running sweep up to date until Ctrl-C is pressed.",
        ),
    ] = False,
    interval: Annotated[
        float, number("Seconds between updates with --live.", "S", minimum=0.1)
    ] = 2.0,
) -> None:
    """Build a report of figures and tables for a browser.

    Open index.html in the new folder; it works offline. Every figure shows its SQL, and clicking a
    point opens the drawing of its network. The folder also holds the figures as SVG and PNG files
    and the tables as CSV files.
    """
    if live:
        if store is None or published:
            raise UserError("--live needs --store D: it follows a store while a sweep fills it")
        if draw_all or workers is not None:
            raise UserError("--live draws no networks; omit --draw-all and --workers")
        from orchestrator.commands.live_report import live_report

        folder = output or Path("live")
        with user_errors(writing=folder):
            live_report(store, folder, interval, dataset=dataset, overwrite=overwrite)
        return
    if draw_all and not draw:
        raise UserError("--draw-all contradicts --no-draw; omit one of them")
    from analysis.report.build import Options, build_report
    from analysis.report.drawing_pool import DrawingFailed
    from orchestrator.display.progress import StepsDisplay

    options = Options(
        source="The published results" if published else f"The store {store}",
        store_option="--published" if published else f"--store {shlex.quote(str(store))}",
        draw=draw,
        draw_all=draw_all,
        workers=workers or usable_cores(),
        overwrite=overwrite,
        dataset=dataset,
        studies=PAPER_STUDIES if published else (),
    )
    folder = output or Path("report")
    with (
        results_reader(store, published, (*PAPER_STUDIES, *PROJECT_STUDIES)) as reader,
        user_errors("", DrawingFailed, writing=folder),
        StepsDisplay(plain_console(stderr=True)) as display,
    ):
        built = build_report(reader, folder, options, display.update)
    for experiment_id, reason in built.failed.items():
        print_line(f"{experiment_id} is not drawn: {reason}", err=True)
    counts = (built.rows, "row"), (built.plots, "plot"), (built.drawings, "drawing")
    print_line(f"{folder / 'index.html'}: {', '.join(counted(*count) for count in counts)}")
    if not_drawn := built.left_out + len(built.failed):
        more = ""
        if draw and built.left_out:
            more = f" (--draw-all draws {built.left_out:,} of them)"
        print_line(f"{counted(not_drawn, 'network')} not drawn; the page gives the reasons{more}")
