"""Progress display of a command with several steps: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from orchestrator.display.progress import LINE_EVERY_S


class StepsDisplay:
    """Progress of each step.

    Without a terminal a line is printed when a step is done, and every `LINE_EVERY_S` before that.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line_at = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description:<18}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            disable=not console.is_interactive,
        )
        self._tasks: dict[str, TaskID] = {}

    def update(self, step: str, done: int, of: int) -> None:
        """Show that `done` of `of` parts of a step are done."""
        if not self._console.is_interactive:
            self._print_line(step, done, of)
            return
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=of)
        self._bar.update(self._tasks[step], completed=done, total=of)

    def _print_line(self, step: str, done: int, of: int) -> None:
        now = time.monotonic()
        if of == 0 or (done < of and now - self._line_at < LINE_EVERY_S):
            return
        self._line_at = now
        self._console.print(f"{step}: {done:,} of {of:,}", highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
