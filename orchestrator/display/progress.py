"""Progress of a sweep or a command: a bar on a terminal or in a notebook, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pyarrow as pa
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from orchestrator.display.activity import (
    done_of,
    percent_done,
    rate_and_time_left,
    unevenness,
)
from orchestrator.display.console import print_unwrapped
from orchestrator.display.formatting import clock
from orchestrator.display.store_summary import FewestWeights
from orchestrator.tally import Tally
from storage.paths import StorePaths
from storage.status_files import LiveFile, LiveProgress

if TYPE_CHECKING:
    from orchestrator.executor import Executor

Value = TypeVar("Value", int, float)

LINE_EVERY_S = 15.0
"""Seconds between two lines where there is no terminal."""

RATE_OVER_S = 60.0
"""Seconds over which the rate is averaged."""

TIME_LEFT_OVER_S = 300.0
"""Seconds over which the time left is extrapolated: one task can take minutes."""

WRITE_EVERY_S = 1.0
"""Seconds between two writes of the store's live file."""

POINT_EVERY_S = 0.2
"""Seconds between two points of either average: thousands of tasks may end in one second."""


class _Bar(Progress):
    """A bar across the terminal with a line of text below it."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Return the bar and the field `below` of its task."""
        yield self.make_tasks_table(self.tasks)
        yield from (Text(task.fields["below"]) for task in self.tasks)


class ProgressDisplay:
    """Experiments done, rate, time left and sparsest networks of a sweep."""

    def __init__(self, console: Console, tally: Tally, best: FewestWeights) -> None:
        self._console = console
        self.tally = tally
        self._best = best
        self._start = time.monotonic()
        self._line_at = self._start
        self._recent: deque[tuple[float, int]] = deque([(self._start, 0)])
        self._work: deque[tuple[float, float]] = deque([(self._start, 1.0)])
        self._bar = _Bar(
            BarColumn(bar_width=None),
            TextColumn("{task.fields[percent]:>4}"),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=console,
            disable=not console.is_interactive,
            expand=True,
        )
        self._cell = NotebookBar() if in_notebook() else None
        self._task = self._bar.add_task("training", total=tally.total, **self._fields())

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
        if self._cell is not None:
            self._cell.show(self.tally.trained, self.tally.total, self._line(), final=True)
        elif not self._console.is_interactive:
            print_unwrapped(self._console, self._line())

    def rows(self, batch: pa.RecordBatch) -> None:
        """Include rows that the tally has counted."""
        self._best.update(batch)
        _add_point(self._recent, self.tally.trained, RATE_OVER_S)

    def tick(self) -> None:
        """Refresh the bar, or print a line when one is due."""
        _add_point(self._work, self.tally.work_left, TIME_LEFT_OVER_S)
        if self._cell is not None:
            self._cell.show(self.tally.trained, self.tally.total, self._line())
        elif self._console.is_interactive:
            self._bar.update(self._task, completed=self.tally.trained, **self._fields())
        elif time.monotonic() - self._line_at >= LINE_EVERY_S:
            self._line_at = time.monotonic()
            print_unwrapped(self._console, self._line())

    def note(self, text: str) -> None:
        """Print a message above the bar."""
        print_unwrapped(self._console, text)

    @property
    def rate(self) -> float:
        """Recent experiments per second."""
        (first_time, first_done), now = self._recent[0], time.monotonic()
        elapsed = now - first_time
        return (self.tally.trained - first_done) / elapsed if elapsed > 0 else 0.0

    def _fields(self) -> dict[str, Any]:
        return {
            "percent": percent_done(self.tally.trained, self.tally.total),
            "numbers": "  ".join(self._numbers()),
            "below": "; ".join(self._remarks()),
        }

    def _line(self) -> str:
        return "trained " + "; ".join([*self._numbers(), *self._remarks()])

    def _numbers(self) -> list[str]:
        """Return progress, elapsed time, rate and time left."""
        return [
            done_of(self.tally.trained, self.tally.total),
            f"{clock(time.monotonic() - self._start)} elapsed",
            *rate_and_time_left(self.rate, self.left_s),
        ]

    @property
    def left_s(self) -> float | None:
        """Seconds until the run ends at the recent throughput; None if unknown."""
        (first_time, first_left), (last_time, last_left) = self._work[0], self._work[-1]
        if first_left <= last_left:
            return None
        return last_left * (last_time - first_time) / (first_left - last_left)

    def _remarks(self) -> list[str]:
        """Return an explanation of the time left, the sparsest networks and failures."""
        parts = unevenness(self.tally.trained, self.tally.total, self.rate, self.left_s)
        parts.append(f"sparsest: {self._best}")
        if self.tally.failed:
            parts.append(f"{self.tally.failed:,} failed")
        return parts


class LiveMonitor(ProgressDisplay):
    """A display that also reports to `sparsest status` in other terminals, by the live file.

    Attributes:
        kept: list that gets all rows; None to keep none.
    """

    def __init__(
        self,
        console: Console,
        tally: Tally,
        best: FewestWeights,
        paths: StorePaths,
        sweep_id: str,
        executor: Executor,
    ) -> None:
        super().__init__(console, tally, best)
        self.kept: list[pa.RecordBatch] | None = None
        self._file = LiveFile(paths)
        self._sweep_id = sweep_id
        self._executor = executor

    def __enter__(self) -> Self:
        super().__enter__()
        self._write()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.remove()
        super().__exit__(*error)

    def rows(self, batch: pa.RecordBatch) -> None:
        """Show rows that have been trained, and keep them if there is a list for them."""
        if self.kept is not None:
            self.kept.append(batch)
        super().rows(batch)

    def tick(self) -> None:
        """Refresh the display, and the file when it is due."""
        super().tick()
        if time.monotonic() - self._written_at >= WRITE_EVERY_S:
            self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        self._file.write(
            LiveProgress(
                sweep_id=self._sweep_id,
                done=self.tally.trained,
                total=self.tally.total,
                rate=self.rate,
                left_s=self.left_s,
                workers=self._executor.workers,
            )
        )


def _add_point(points: deque[tuple[float, Value]], value: Value, over_s: float) -> None:
    """Append a value with the time, replacing the last one if it is recent, and drop old ones."""
    now = time.monotonic()
    if len(points) > 1 and now - points[-2][0] < POINT_EVERY_S:
        points.pop()
    points.append((now, value))
    while len(points) > 2 and points[1][0] < now - over_s:
        points.popleft()


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
        if self._console.is_interactive:
            if step not in self._tasks:
                self._tasks[step] = self._bar.add_task(step, total=of)
            self._bar.update(self._tasks[step], completed=done, total=of)
        elif of and (done >= of or time.monotonic() - self._line_at >= LINE_EVERY_S):
            self._line_at = time.monotonic()
            print_unwrapped(self._console, f"{step}: {done:,} of {of:,}")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()


EVERY_S = 0.3
"""Seconds between two updates: each is a message to the browser."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class NotebookBar:
    """A bar with a line of text, which is redrawn in place."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown_at = 0.0

    def show(self, done: int, total: int | None, text: str, *, final: bool = False) -> None:
        """Show the progress and a line below, unless shown a moment ago and not `final`.

        Without `total` the bar shows that something runs.
        """
        now = time.monotonic()
        if not final and now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        from IPython.display import HTML, display

        position = "" if total is None else f'value="{done}" max="{max(1, total)}" '
        html = HTML(  # type: ignore[no-untyped-call]
            f'<progress {position}style="width: 100%"></progress><div>{escape(text)}</div>'
        )
        if self._handle is None:
            self._handle = display(html, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(html)
