"""Looking at a store again and again while a sweep runs in another terminal."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import sleep

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.display.formatting import counted
from orchestrator.display.store_summary import studies_table
from orchestrator.display.watcher import Watcher
from storage.live import LiveProgress

WIDEST_BAR = 60
"""Characters of the bar at most."""


def watch(store: Path, interval_s: float, console: Console) -> None:
    """Shows how a store stands until Ctrl-C is pressed.

    On a terminal the picture is replaced; elsewhere a line is printed whenever it has changed.

    Args:
        store: its folder, which need not be there yet.
        interval_s: seconds between two looks.
        console: where to show it.

    Raises:
        StoreError: what is there is no store that can be read.
    """
    with ExitStack() as stack:
        live = None
        if console.is_interactive:
            live = stack.enter_context(Live(console=console, auto_refresh=False))
        watcher = stack.enter_context(Watcher(store))
        view = _View(store, watcher)
        printed = ""
        try:
            while True:
                watcher.refresh()
                if live is not None:
                    live.update(view.picture(), refresh=True)
                elif (line := view.line()) != printed:
                    printed = line
                    console.print(line, soft_wrap=True)
                    console.file.flush()
                sleep(interval_s)
        except KeyboardInterrupt:
            # How it is meant to end; the sweep does not notice.
            return


class _View:
    """What is shown of a store.

    Args:
        store: its folder.
        watcher: that looks at it.
    """

    def __init__(self, store: Path, watcher: Watcher) -> None:
        self._store = store
        self._watcher = watcher

    def picture(self) -> RenderableType:
        """All of it, for a terminal."""
        if self._watcher.reader is None:
            return Text(f"waiting for a store at {self._store}; Ctrl-C ends")
        parts: list[RenderableType] = []
        if self._watcher.studies:
            parts.append(studies_table(self._watcher.studies))
        if self._watcher.activity.running is not None:
            parts.append(_bar(self._watcher.activity.running))
        parts += [Text(line) for line in self._lines()]
        return Group(*parts, Text("Ctrl-C ends this view, not the sweep", "dim"))

    def line(self) -> str:
        """All of it in a line."""
        if self._watcher.reader is None:
            return f"waiting for a store at {self._store}"
        return "; ".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [f"{counted(self._watcher.rows, 'row')} stored"]
        activity = self._watcher.activity
        if activity.throughput is not None:
            lines.append(activity.throughput)
        return [*lines, f"sparsest: {self._watcher.best}", *activity.lines()]


def _bar(progress: LiveProgress) -> Table:
    """A bar, and the share that is done; rounded down, so that 100 % are all."""
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=max(1, progress.total), completed=progress.done, width=WIDEST_BAR),
        f"{100 * progress.done // max(1, progress.total)}%",
    )
    return row
