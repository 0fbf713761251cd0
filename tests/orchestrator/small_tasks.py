"""The command line with small tasks that are committed at once, so that tests need not wait.

Run it as a program with the words of a command. The environment can name a file (`HOLD`) with a
number of rows: the run pauses while the file exists and a study has at least that number. So a test
always finds a run in progress, however slow the machine is.
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
"""Environment variable with the path of the file."""


class PausingWriter(StoreWriter):
    """A writer that can pause before and after a commit, as a run does in a long training."""

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Store rows, pausing before and after that while the file asks for it."""
        self._wait(study_digest)
        stored = super().append(batch, study_digest, study_name, indices)
        self._wait(study_digest)
        return stored

    def _wait(self, study_digest: str) -> None:
        while len(self.stored(study_digest)) >= _rows_to_pause_at():
            time.sleep(0.01)


def _rows_to_pause_at() -> float:
    try:
        return int(Path(os.environ[HOLD]).read_text())
    except (KeyError, FileNotFoundError):
        return float("inf")


if __name__ == "__main__":
    task_scheduler.LARGEST_TASK = task_scheduler.SMALLEST_TASK = 16
    task_scheduler.TASK_SECONDS = 0.05
    writer = partial(PausingWriter, max_seconds=0.0)
    setattr(run_store, "StoreWriter", writer)  # noqa: B010 - not exported
    main()
