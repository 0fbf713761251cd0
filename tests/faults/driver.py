"""A run in a separate process, which may be killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.orchestrator.running import ROOT

SMALL_TASKS = ROOT / "tests" / "orchestrator" / "small_tasks.py"
"""Module that runs `sparsest` with small tasks that are stored immediately."""


def sparsest_run(
    words: Sequence[str | Path], store: Path, *, small_tasks: bool = True
) -> list[str]:
    """Return the command line of a `sparsest run`.

    Args:
        words: studies and options of `run`.
        store: folder of the store.
        small_tasks: whether tasks are small and stored at once, so that there is much to interrupt.
    """
    program = (
        [str(SMALL_TASKS)] if small_tasks else ["-c", "from orchestrator.cli import main; main()"]
    )
    given = ["run", *map(str, words), "--store", str(store), "--device", "cpu"]
    return [sys.executable, *program, *given]


@dataclass
class Driver:
    """A run, and how often it was started.

    Args:
        command: its command line.
        store: folder of its store.
    """

    command: Sequence[str]
    store: Path
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def output(self) -> Path:
        """File with the output of all starts."""
        return self.store.with_suffix(".output")

    def start(self) -> None:
        """Start it in its own process group, so that a kill hits only it."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        self.starts += 1

    @property
    def code(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._started.poll()

    def kill(self) -> None:
        """Kill it, and wait until it is dead."""
        self._started.send_signal(signal.SIGKILL)
        self._started.wait()

    def end(self, patience_s: float) -> int:
        """Wait for its end; return the exit code.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        return self._started.wait(patience_s)

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process
