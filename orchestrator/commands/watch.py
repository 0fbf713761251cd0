"""Looking at a store again and again while a sweep runs in another terminal."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.activity import Activity
from orchestrator.best import Best
from orchestrator.show import counted
from orchestrator.standing import best_in_store, stored_studies, studies_table
from storage.errors import NotAStore
from storage.live import LiveProgress
from storage.paths import StorePaths
from storage.reader import StoreReader

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
        if console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False))
        watcher = stack.enter_context(_Watcher(store))
        printed = ""
        try:
            while True:
                watcher.look()
                if live is not None:
                    live.update(watcher.picture(), refresh=True)
                elif (line := watcher.line()) != printed:
                    printed = line
                    console.print(line, soft_wrap=True)
                    console.file.flush()
                sleep(interval_s)
        except KeyboardInterrupt:
            # How it is meant to end; the sweep does not notice.
            return


class _Watcher(ExitStack):
    """What was seen of a store at the last look.

    Args:
        store: its folder.
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self._reader: StoreReader | None = None
        self._best = Best()
        self._rows = 0
        self._studies: list[dict[str, Any]] = []
        self._activity = Activity()

    def look(self) -> None:
        """Looks again."""
        changed = True
        if self._reader is None:
            try:
                self._reader = self.enter_context(StoreReader(self._store))
            except NotAStore:
                if _is_something_else(StorePaths.of(self._store)):
                    raise
                return
        else:
            changed = self._reader.refresh()
        if changed:
            self._best = best_in_store(self._reader)
        progress = self._reader.progress()
        self._rows = progress.rows
        self._studies = stored_studies(self._reader, progress)
        self._activity = Activity.of(self._reader, progress)

    def picture(self) -> RenderableType:
        """All of it, for a terminal."""
        if self._reader is None:
            return Text(f"waiting for a store at {self._store}; Ctrl-C ends")
        parts: list[RenderableType] = []
        if self._studies:
            parts.append(studies_table(self._studies))
        if self._activity.running is not None:
            parts.append(_bar(self._activity.running))
        parts += [Text(line) for line in self._lines()]
        return Group(*parts, Text("Ctrl-C ends this view, not the sweep", "dim"))

    def line(self) -> str:
        """All of it in a line."""
        if self._reader is None:
            return f"waiting for a store at {self._store}"
        return "; ".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [f"{counted(self._rows, 'row')} stored"]
        if self._activity.pace is not None:
            lines.append(self._activity.pace)
        return [*lines, f"sparsest: {self._best}", *self._activity.lines()]


def _is_something_else(paths: StorePaths) -> bool:
    """Whether what is there is no store, and none that a writer is just making either."""
    if not paths.root.is_dir():
        return paths.root.exists()
    made_first = {paths.lock.name, paths.marker.name, *(folder.name for folder in paths.folders)}
    return any(file.name not in made_first for file in paths.root.iterdir())


def _bar(progress: LiveProgress) -> Table:
    """A bar, and the share that is done; rounded down, so that 100 % are all."""
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=max(1, progress.total), completed=progress.done, width=WIDEST_BAR),
        f"{100 * progress.done // max(1, progress.total)}%",
    )
    return row
