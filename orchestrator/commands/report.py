"""The command that makes the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.options import MaybeStorePath, Published
from orchestrator.commands.results import results_reader
from orchestrator.cores import usable_cores
from orchestrator.display.formatting import counted
from orchestrator.display.steps import StepsDisplay
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.errors import UserError
from storage.results_reader import ResultsReader

if TYPE_CHECKING:
    from analysis.report.build import Options

# What plots and draws takes seconds to load, with plotly, matplotlib and torch: the functions below
# import it, so that no other command waits for it.


def report(
    store: MaybeStorePath = None,
    published: Published = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="D",
            help="The folder to make [default: report, and live with --live]",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the report that is in the folder.")
    ] = False,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="S", help="Only rows of this data set, where there are several."),
    ] = None,
    draw: Annotated[
        bool, typer.Option("--draw/--no-draw", help="Draw the networks behind the points.")
    ] = True,
    draw_all: Annotated[
        bool,
        typer.Option(
            "--draw-all",
            help="Draw also networks below 90 %, and those that take long to train again.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes that draw [default: one a core]"),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="A smaller page instead, which shows a running sweep and is kept up to date until "
            "Ctrl-C is pressed.",
        ),
    ] = False,
    interval: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="For --live: seconds between two looks.")
    ] = 2.0,
) -> None:
    """Make a folder with the paper's findings as plots and tables, for a browser.

    Open index.html in it; nothing else is needed, not even a network. Every plot shows the SQL that
    it comes from, and a click on a point opens the drawing of that network. The plots are there as
    SVG and PNG too, the tables as CSV.
    """
    if live:
        if store is None or published:
            raise UserError("--live looks at a store while a sweep fills it: name one (--store D)")
        if draw_all or workers is not None:
            raise UserError("--live draws no networks: leave --draw-all and --workers out")
        _live(store, output or Path("live"), interval, dataset, overwrite=overwrite)
        return
    if draw_all and not draw:
        raise UserError("--draw-all and --no-draw contradict each other: leave one out")
    from analysis.report.build import Options

    options = Options(
        source="The published results" if published else f"The store {store}",
        asking="--published" if published else f"--store {store}",
        draw=draw,
        draw_all=draw_all,
        workers=workers or usable_cores(),
        overwrite=overwrite,
        dataset=dataset,
    )
    with results_reader(store, published) as reader:
        _build(reader, output or Path("report"), options)


def _live(
    store: Path, folder: Path, interval_s: float, dataset: str | None, *, overwrite: bool
) -> None:
    from orchestrator.commands.live_report import live_report

    with _said_plainly(folder):
        live_report(store, folder, interval_s, dataset=dataset, overwrite=overwrite)


def _build(reader: ResultsReader, folder: Path, options: Options) -> None:
    from analysis.report.build import build_report
    from analysis.report.folders import check_folder

    console = plain_console(stderr=True)
    with _said_plainly(folder):
        check_folder(folder.expanduser().absolute(), overwrite=options.overwrite)
        with StepsDisplay(console) as display:
            built = build_report(reader, folder, options, display.update)
    for experiment_id, reason in built.failed.items():
        console.print(f"{experiment_id} is not drawn: {reason}", soft_wrap=True)
    made = (built.rows, "row"), (built.plots, "plot"), (built.drawings, "drawing")
    print_line(f"{folder / 'index.html'}: {', '.join(counted(*one) for one in made)}")
    if not_drawn := built.left_out + len(built.failed):
        more = f" (--draw-all draws {built.for_draw_all:,} of them)" if built.for_draw_all else ""
        print_line(f"{counted(not_drawn, 'network')} not drawn; the page says why of each{more}")


@contextmanager
def _said_plainly(folder: Path) -> Iterator[None]:
    """Makes sentences of what can go wrong with a folder or with the rows."""
    from analysis.report.drawing_pool import DrawingFailed

    try:
        yield
    except OSError as error:
        # Those of the checks have no strerror, but whole sentences.
        said = f"{folder}: {error.strerror}" if error.strerror else str(error)
        raise UserError(said) from error
    except (ValueError, DrawingFailed) as error:
        raise UserError(str(error)) from error
