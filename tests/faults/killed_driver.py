"""`sparsest run` in a process that is killed at a chosen call.

The processes are forked from a server that has imported everything, since a new Python takes
seconds to start. The server has no threads and no open files.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestrator import run_store, task_scheduler
from orchestrator.cli import app
from search.indices import IndexSet
from storage import durable, lock
from storage.writing.writer import StoreWriter
from tests.storage.faulty_os import FaultyOs

TASK = 8
"""Number of experiments in a task, and so in a commit."""

_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload(["orchestrator.cli", "orchestrator.commands.training"])


class ReportingWriter(StoreWriter):
    """A writer that commits every task and records in a file which indices are stored."""

    descriptor: int

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        stored = super().append(batch, study_digest, study_name, indices)
        if stored:
            os.write(self.descriptor, f"{json.dumps([study_digest, indices.intervals])}\n".encode())
        return stored


def run_killed(words: list[str], report: Path, at: int, delay_s: float | None = None) -> int:
    """Run a command of `sparsest` that is killed unless it ends before.

    Args:
        words: words of the command.
        report: file that gets a line for each commit.
        at: number of the input/output call of the store at which it is killed, from 0.
        delay_s: seconds from that call to the kill; None kills instead of making the call.

    Returns:
        The exit code of the process: -SIGKILL, or that of the command.
    """
    process = _SERVER.Process(target=_run, args=(words, str(report), at, delay_s))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def stored_by(report: Path, study_digest: str) -> IndexSet:
    """Return the indices of a study that any process has reported as stored."""
    if not report.exists():
        return IndexSet()
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return IndexSet.of(
        interval for digest, some in lines if digest == study_digest for interval in some
    )


def _run(words: list[str], report: str, at: int, delay_s: float | None) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    ReportingWriter.descriptor = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    task_scheduler.LARGEST_TASK = task_scheduler.SMALLEST_TASK = TASK
    setattr(run_store, "StoreWriter", partial(ReportingWriter, max_seconds=0.0))  # noqa: B010
    faulty = FaultyOs(at, partial(_die, delay_s))
    for module in (durable, lock):
        setattr(module, "os", faulty)  # noqa: B010 - not exported
    sys.argv = ["sparsest", *words]
    app(words)


def _die(delay_s: float | None, real: Callable[..., Any], *arguments: Any) -> Any:
    if delay_s is None:
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Timer(delay_s or 0.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return real(*arguments)
