"""The live display of a sweep: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter, deque
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from orchestrator.best import Best

LINE_EVERY_S = 15.0
"""Seconds between two lines where there is no terminal."""

RATE_OVER_S = 60.0
"""Seconds over which the rate is taken."""


class ProgressDisplay:
    """Shows what is done, the rate, the time left and the sparsest networks so far.

    Args:
        console: where to show it (standard error, so that output can be piped).
        total: experiments that this run is to train.
        best: the sparsest networks of the store so far.
    """

    def __init__(self, console: Console, total: int, best: Best) -> None:
        self._console = console
        self._total = total
        self._best = best
        self._done = 0
        self._statuses: Counter[str] = Counter()
        self._start = time.monotonic()
        self._line_at = self._start
        self._recent: deque[tuple[float, int]] = deque([(self._start, 0)])
        self._bar = Progress(
            TextColumn("[bold]training"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            TextColumn("{task.fields[best]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total, **self._fields())

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
        if not self._console.is_terminal:
            self._console.print(self._line(), highlight=False, soft_wrap=True)

    @property
    def statuses(self) -> Counter[str]:
        """Rows by status."""
        return self._statuses

    @property
    def best(self) -> Best:
        """The sparsest networks so far."""
        return self._best

    def rows(self, batch: pa.RecordBatch) -> None:
        """Counts rows that have come back."""
        self._done += batch.num_rows
        self._statuses.update(batch.column("status").to_pylist())
        self._best.see(batch)
        now = time.monotonic()
        self._recent.append((now, self._done))
        while len(self._recent) > 2 and self._recent[1][0] < now - RATE_OVER_S:
            self._recent.popleft()

    def tick(self) -> None:
        """Shows the present state."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self._done, **self._fields())
        elif time.monotonic() - self._line_at >= LINE_EVERY_S:
            self._line_at = time.monotonic()
            self._console.print(self._line(), highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Shows a message without disturbing the bar."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def _rate(self) -> float:
        """Experiments a second, of late."""
        (first_time, first_done), now = self._recent[0], time.monotonic()
        elapsed = now - first_time
        return (self._done - first_done) / elapsed if elapsed > 0 else 0.0

    def _fields(self) -> dict[str, Any]:
        rate = self._rate()
        left = self._total - self._done
        return {
            "rate": f"{rate:,.0f}/s",
            "eta": f"{_clock(left / rate)} left" if rate > 0 else "",
            "best": f"sparsest: {self._best}",
        }

    def _line(self) -> str:
        fields = self._fields()
        parts = [
            f"{self._done:,} of {self._total:,} trained",
            f"{_clock(time.monotonic() - self._start)} elapsed",
            fields["rate"],
            fields["eta"],
            fields["best"],
        ]
        return "; ".join(part for part in parts if part)


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"
