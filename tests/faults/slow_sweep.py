"""A program with a sweep that takes equally long on a busy and on an idle machine.

    python -m tests.faults.slow_sweep STORE --experiments 900 --address HOST:PORT

A worker waits when it reads an experiment; training it takes almost no time. The driver does not
wait, nor does a program that trains `slow_study` in its own process. Once the file named by
`hurry_file` exists, the workers do not wait either: a test creates it to finish the sweep fast.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import task_scheduler
from orchestrator.commands.executors import ExecutorOptions, make_executor
from orchestrator.errors import UserError
from search.experiment import Experiment
from search.grid import Table
from search.study import Study
from tests.faults.training import train

PAUSE_S = 0.2
"""Seconds that reading one experiment takes."""

TOGETHER = 8
"""Number of experiments in a task."""


@dataclass(frozen=True)
class SlowTable(Table):
    """A table whose rows are slow to read, except for the driver."""

    pause_s: float = PAUSE_S
    hurry: str = ""
    driver: int = 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        if os.getpid() != self.driver and not Path(self.hurry).exists():
            time.sleep(self.pause_s)
        return super().__getitem__(index)


def hurry_file(store: Path) -> Path:
    """Return the file whose existence makes the sweep into this store fast."""
    return store.with_suffix(".hurry")


def slow_study(count: int, store: Path, pause_s: float = PAUSE_S) -> Study:
    """Return a study that this process reads fast and others slowly."""
    rows = tuple((0.1 * (n + 1) / count,) for n in range(count))
    base = Experiment(structure=(2, 2, 1), epochs=1)
    table = SlowTable(("lr",), rows, pause_s, str(hurry_file(store)), os.getpid())
    return Study("slow", "for tests", table, base)


def slow_sweep(
    store: Path, experiments: int, address: str, workers: int, pause_s: float = PAUSE_S
) -> list[str]:
    """Return the command that runs this program."""
    words = [str(store), "--experiments", str(experiments), "--address", address]
    words += ["--workers", str(workers), "--pause", str(pause_s)]
    return [sys.executable, "-m", "tests.faults.slow_sweep", *words]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--experiments", type=int, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds for an experiment")
    given = parser.parse_args()
    study = slow_study(given.experiments, given.store, given.pause)
    task_scheduler.LARGEST_TASK = task_scheduler.SMALLEST_TASK = TOGETHER
    try:
        options = ExecutorOptions("ray", given.workers, ("cpu",), given.address)
        with make_executor(options, {}) as executor:
            train(executor, study, given.store, given.workers)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
