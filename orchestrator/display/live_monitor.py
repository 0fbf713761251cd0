"""A sweep's progress display that also reports to `sparsest status` in other terminals."""

from __future__ import annotations

import time
from typing import Self

import pyarrow as pa

from orchestrator.display.progress import ProgressDisplay
from orchestrator.executor import Executor
from storage.paths import StorePaths
from storage.status_files import LiveFile, LiveProgress

WRITE_EVERY_S = 1.0
"""Seconds between two writes of the store's live file."""


class LiveMonitor:
    """Progress display that keeps the store's live file up to date.

    Attributes:
        kept: list that gets all rows; None to keep none.
    """

    def __init__(
        self, display: ProgressDisplay, paths: StorePaths, sweep_id: str, executor: Executor
    ) -> None:
        self._display = display
        self.note = display.note
        self.kept: list[pa.RecordBatch] | None = None
        self._file = LiveFile(paths)
        self._sweep_id = sweep_id
        self._executor = executor
        self._written_at: float | None = None

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.remove()

    def rows(self, batch: pa.RecordBatch) -> None:
        """Show rows that have been trained, and keep them if there is a list for them."""
        if self.kept is not None:
            self.kept.append(batch)
        self._display.rows(batch)

    def tick(self) -> None:
        """Refresh the display, and the file when it is due."""
        self._display.tick()
        if self._written_at is None or time.monotonic() - self._written_at >= WRITE_EVERY_S:
            self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        self._file.write(
            LiveProgress(
                sweep_id=self._sweep_id,
                done=self._display.tally.trained,
                total=self._display.tally.total,
                rate=self._display.rate,
                left_s=self._display.left_s,
                workers=self._executor.workers,
            )
        )
