"""`status --watch`: the state of a store, refreshed while a sweep runs in another terminal."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import sleep

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.display.activity import Watcher, percent_done
from orchestrator.display.formatting import counted
from orchestrator.display.store_summary import studies_table
from storage.status_files import LiveProgress

BAR_WIDTH = 60
"""Characters of the progress bar."""


def watch(store: Path, interval_s: float, console: Console) -> None:
    """Show the state of a store until Ctrl-C is pressed.

    A terminal shows it in place; otherwise a line is printed after each change.
    """
    with ExitStack() as stack:
        live = None
        if console.is_interactive:
            live = stack.enter_context(Live(console=console, auto_refresh=False))
        watcher = stack.enter_context(Watcher(store))
        printed = ""
        try:
            while True:
                watcher.refresh()
                if live is not None:
                    live.update(_picture(store, watcher), refresh=True)
                elif (line := _line(store, watcher)) != printed:
                    printed = line
                    console.print(line, soft_wrap=True)
                    console.file.flush()
                sleep(interval_s)
        except KeyboardInterrupt:
            return  # the way to end it; the sweep is not affected


def _picture(store: Path, watcher: Watcher) -> RenderableType:
    """Return the state for a terminal."""
    if watcher.reader is None:
        return Text(f"{_line(store, watcher)}; Ctrl-C ends")
    parts: list[RenderableType] = []
    if watcher.studies:
        titles, *rows = studies_table(watcher.studies)
        parts += [Text(titles, "bold"), *map(Text, rows)]
    if watcher.activity.running is not None:
        parts.append(_bar(watcher.activity.running))
    parts += [Text(line) for line in _lines(watcher)]
    return Group(*parts, Text("Ctrl-C ends this view, not the sweep", "dim"))


def _line(store: Path, watcher: Watcher) -> str:
    """Return the state in one line."""
    if watcher.reader is None:
        return f"waiting for a store at {store}"
    return "; ".join(_lines(watcher))


def _lines(watcher: Watcher) -> list[str]:
    activity = watcher.activity
    lines = [f"{counted(watcher.rows, 'row')} stored"]
    if activity.throughput is not None:
        lines.append(activity.throughput)
    return [*lines, f"sparsest: {watcher.best}", *activity.lines()]


def _bar(progress: LiveProgress) -> Table:
    """Return a bar of the running sweep with its percentage."""
    row = Table.grid(padding=(0, 1))
    row.add_row(
        "this run",
        ProgressBar(total=progress.total, completed=progress.done, width=BAR_WIDTH),
        percent_done(progress.done, progress.total),
    )
    return row
