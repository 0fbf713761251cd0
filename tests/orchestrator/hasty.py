"""The command line with small tasks that are committed at once, so that tests need not wait.

Run it as a program with the words of a command. If the environment names a file (`HOLD`), the run
waits while the file exists and a study has at least as many rows as the file says. So a test finds
a run in progress on the slowest machine.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pyarrow as pa

from orchestrator import run_store, task_scheduler
from orchestrator.cli import main
from search.indices import IndexSet
from storage.writing.writer import StoreWriter

HOLD = "SPARSEST_TEST_HOLD"
"""Environment variable that names the file."""


class HeldWriter(StoreWriter):
    """A writer that waits before and after a commit, as a run does in a long training."""

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Store rows; wait before and after that if there is a file to wait for."""
        self._wait(study_digest)
        stored = super().append(batch, study_digest, study_name, indices)
        self._wait(study_digest)
        return stored

    def _wait(self, study_digest: str) -> None:
        while len(self.stored(study_digest)) >= _held_from():
            time.sleep(0.01)


def _held_from() -> float:
    try:
        return int(Path(os.environ[HOLD]).read_text())
    except (KeyError, FileNotFoundError):
        return float("inf")


if __name__ == "__main__":
    task_scheduler.LARGEST_TASK = task_scheduler.SMALLEST_TASK = 16
    task_scheduler.TASK_SECONDS = 0.05
    quick = partial(HeldWriter, max_seconds=0.0)
    setattr(run_store, "StoreWriter", quick)  # noqa: B010 - not exported
    main()
