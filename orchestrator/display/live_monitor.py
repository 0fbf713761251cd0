"""A sweep's progress display that also reports to `sparsest status` in other terminals."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from orchestrator.display.progress import ProgressDisplay
from storage.live import LiveFile, LiveProgress
from storage.paths import StorePaths

WRITE_EVERY_S = 1.0
"""Seconds between two writes of the store's live file."""


class HasWorkers(Protocol):
    """An executor, as far as it is shown."""

    @property
    def workers(self) -> int:
        """Number of workers that train at the same time."""


class LiveMonitor:
    """Progress display that keeps the store's live file up to date.

    Args:
        display: display of the sweep.
        paths: paths of its store.
        sweep_id: id of the sweep.
        executor: executor of the sweep.
    """

    def __init__(
        self, display: ProgressDisplay, paths: StorePaths, sweep_id: str, executor: HasWorkers
    ) -> None:
        self._display = display
        self._file = LiveFile(paths)
        self._sweep_id = sweep_id
        self._executor = executor
        self._written_at: float | None = None

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.remove()

    def rows(self, batch: pa.RecordBatch) -> None:
        """Count rows that have been trained."""
        self._display.rows(batch)

    def tick(self) -> None:
        """Refresh the display, and the file when it is due."""
        self._display.tick()
        if self._written_at is None or time.monotonic() - self._written_at >= WRITE_EVERY_S:
            self._write()

    def note(self, text: str) -> None:
        """Show a message."""
        self._display.note(text)

    def _write(self) -> None:
        self._written_at = time.monotonic()
        self._file.write(
            LiveProgress(
                sweep_id=self._sweep_id,
                done=self._display.done,
                total=self._display.total,
                rate=self._display.rate,
                left_s=self._display.left_s,
                workers=self._executor.workers,
            )
        )
