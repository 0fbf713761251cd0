"""The display of a command that takes steps: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from orchestrator.display.progress import LINE_EVERY_S


class StepsDisplay:
    """Shows how far each step is.

    Without a terminal a line is printed when a step is done, and now and then before.

    Args:
        console: where to show it (standard error, so that output can be piped).
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line_at = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description:<18}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def tell(self, step: str, done: int, of: int) -> None:
        """Shows how much of a step is done."""
        if not self._console.is_terminal:
            self._say(step, done, of)
            return
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=of)
        self._bar.update(self._tasks[step], completed=done, total=of)

    def _say(self, step: str, done: int, of: int) -> None:
        now = time.monotonic()
        if of == 0 or (done < of and now - self._line_at < LINE_EVERY_S):
            return
        self._line_at = now
        self._console.print(f"{step}: {done:,} of {of:,}", highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
