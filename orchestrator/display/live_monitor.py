"""Tells those who watch a sweep from another terminal what the sweep's own display shows."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from orchestrator.display.progress import ProgressDisplay
from storage.live import LiveFile, LiveProgress
from storage.paths import StorePaths

TELL_EVERY_S = 1.0
"""Seconds between two writings of the file."""


class Team(Protocol):
    """Whoever has workers, as an executor has."""

    @property
    def workers(self) -> int:
        """Number of workers that train at the same time."""


class LiveMonitor:
    """A sweep's display that keeps the store's file for watchers too.

    Args:
        display: of the sweep.
        paths: of its store.
        sweep_id: of the sweep.
        team: that trains it.
    """

    def __init__(
        self, display: ProgressDisplay, paths: StorePaths, sweep_id: str, team: Team
    ) -> None:
        self._display = display
        self._file = LiveFile(paths)
        self._sweep_id = sweep_id
        self._team = team
        self._told_at: float | None = None

    def __enter__(self) -> Self:
        self._tell()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.remove()

    def rows(self, batch: pa.RecordBatch) -> None:
        """Rows have come back."""
        self._display.rows(batch)

    def tick(self) -> None:
        """The loop has gone round once more."""
        self._display.tick()
        if self._told_at is None or time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._tell()

    def note(self, text: str) -> None:
        """Something happened that a person should know."""
        self._display.note(text)

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._file.write(
            LiveProgress(
                sweep_id=self._sweep_id,
                done=self._display.done,
                total=self._display.total,
                rate=self._display.rate,
                left_s=self._display.left_s,
                workers=self._team.workers,
            )
        )
