"""Small sweeps, and ways to run them: in this process, or as a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from orchestrator import sweep as sweeps
from orchestrator.cli import app
from orchestrator.driver import drive
from orchestrator.executor import InlineExecutor
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import find_targets
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from storage.log.sweep_info import describe_sweep
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.fakes import SilentMonitor, StopAfter

ROOT = Path(__file__).resolve().parents[2]

PATIENCE_S = 300.0
"""Maximum seconds that a test waits for a condition or for the end of a process."""

INLINE = ("--executor", "inline", "--device", "cpu")
"""Options of `run` for training in this process on the CPU."""

SMALL_SEARCH = (
    *("search", "--target", "0.6", "--dataset", "xor", "--structure", "3x2", "--epochs", "3"),
    *("--device", "cpu", "--json"),
)
"""Words of a search that takes a second, without its strategy, budget, store and executor."""


def write_sweep(
    path: Path, grid: str, *, base: str = "epochs = 1", name: str | None = None
) -> Path:
    """Write a sweep file; the sweep has the file's name by default."""
    path.write_text(f'name = "{name or path.stem}"\n[base]\n{base}\n[grid]\n{grid}\n')
    return path


def rates(count: int) -> str:
    """Return a line of a grid with `count` learning rates."""
    return f"lr = [{', '.join(f'{0.001 * (n + 1):.3f}' for n in range(count))}]"


def plan(words: Sequence[str | Path], store: Path, root_seed: int = 0) -> list[PlannedStudy]:
    """Return the plan of `run`."""
    with StoreWriter(store) as writer:
        return make_plan(find_targets([str(w) for w in words], root_seed), writer)


def train(
    words: Sequence[str | Path], store: Path, *, root_seed: int = 0, limit: int | None = None
) -> Tally:
    """Train in this process, as `run` does."""
    selections = find_targets([str(word) for word in words], root_seed)
    with StoreWriter(store) as writer, InlineExecutor({}, "cpu") as executor:
        planned = make_plan(selections, writer)
        names = [item.study.name for item in planned]
        sweep = describe_sweep(
            command="test", studies=names, device="cpu", workers=1, root_seed=root_seed
        )
        scheduler = TaskScheduler(planned, writer.begin_sweep(sweep), limit)
        tally = drive(scheduler, executor, writer, SilentMonitor(), StopAfter())
        writer.end_sweep("finished")
    return tally


def query(store: Path, statement: str) -> pa.Table:
    """Query a store."""
    with StoreReader(store) as reader:
        return reader.sql(statement)


def rows(store: Path) -> pa.Table:
    """Return all rows of a store by id, without the columns that differ between runs."""
    return query(
        store, "SELECT * EXCLUDE (train_ms, sweep_id) FROM results ORDER BY experiment_id, study"
    )


def count_rows(store: Path) -> int:
    """Return the number of rows in a store; 0 if it does not exist."""
    if not (store / "store.json").exists():
        return 0
    with StoreReader(store) as reader:
        return reader.state.rows


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def sparsest(*words: str | Path, stdin: str | None = None) -> CommandResult:
    """Run a command in this process; raise errors that a user would see as a traceback."""
    arguments = [str(word) for word in words]
    # The command line is shown and stored as it was typed.
    with mock.patch.object(sys, "argv", ["sparsest", *arguments]):
        result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)


@contextmanager
def stopped_after_one_round() -> Iterator[None]:
    """Let searches and runs train what is planned first, and then stop as by Ctrl-C."""

    def stopping(*arguments: Any) -> Tally:
        tally = drive(*arguments)
        arguments[4].received = signal.SIGINT
        return tally

    with mock.patch.object(sweeps, "drive", stopping):
        yield


def refused(*words: str | Path, stdin: str | None = None) -> str:
    """Run a command that fails; return its message."""
    ended = sparsest(*words, stdin=stdin)
    assert ended.code == 1, ended
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    return ended.err


def environment() -> dict[str, str]:
    """Return the environment of a program that imports from this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def python() -> list[str]:
    """Return the words that start Python with SIGINT enabled.

    Tests that run in the background ignore SIGINT, and child processes inherit that.
    """
    enable = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)"
    return [sys.executable, "-c", f"{enable}; os.execv(sys.argv[1], sys.argv[1:])", sys.executable]


def start(
    program: str | Path, *words: str | Path, folder: Path | None = None
) -> subprocess.Popen[str]:
    """Start `python -m PROGRAM` or a file, in a folder."""
    arguments = ["-m", program] if isinstance(program, str) else [str(program)]
    return subprocess.Popen(
        [*python(), *arguments, *map(str, words)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str], patience_s: float = PATIENCE_S) -> tuple[str, str]:
    """Return the output of a process on its two streams; kill it if it does not end in time."""
    try:
        return process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"{process.args!r} runs after {patience_s:.0f} s; its output: {out}{err}")


def until(condition: Callable[[], bool], description: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE_S:.0f} s: {description}")
        time.sleep(0.02)
