"""The command line with small tasks that are stored at once, so that tests need not wait.

Run as a program, with the words of a command.
"""

from __future__ import annotations

from functools import partial

from orchestrator import source
from orchestrator.cli import main
from orchestrator.commands import training
from storage.writer import StoreWriter

if __name__ == "__main__":
    source.LARGEST_TASK = source.SMALLEST_TASK = 16
    source.TASK_SECONDS = 0.05
    quick = partial(StoreWriter, max_seconds=0.0)
    setattr(training, "StoreWriter", quick)  # noqa: B010 - not exported
    main()
