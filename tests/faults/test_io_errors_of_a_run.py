"""A run whose disk is full or faulty ends with a message, and can be resumed later."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from orchestrator import run_store, task_scheduler
from storage import durable, lock
from storage.checking.verify import verify_store
from tests.orchestrator.running import INLINE, CommandResult, rates, rows, sparsest, write_sweep
from tests.storage import faulty_os
from tests.storage.faulty_os import FaultyOs

COUNT = 8


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of two tasks."""
    monkeypatch.setattr(task_scheduler, "LARGEST_TASK", COUNT // 2)
    monkeypatch.setattr(task_scheduler, "SMALLEST_TASK", COUNT // 2)
    return write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(COUNT)}')


def run_with(at: int, fault: Callable[..., Any], sweep: Path, store: Path) -> CommandResult | None:
    """Run with a fault at one call of the store; return None if there are fewer calls."""
    faulty = FaultyOs(at, fault)
    with pytest.MonkeyPatch.context() as patch:
        for module in (durable, lock):
            patch.setattr(module, "os", faulty)
        ended = sparsest("run", sweep, "--store", store, *INLINE)
    return ended if faulty.reached else None


def fail_at_each(every: int, fault: Callable[..., Any], sweep: Path) -> tuple[int, int]:
    """Run with the fault at each call in turn, each in a new store, then without it.

    Returns:
        The number of runs, and how many of them ended with an error.
    """
    store, undisturbed = sweep.with_name("store"), sweep.with_name("undisturbed")
    assert sparsest("run", sweep, "--store", undisturbed, *INLINE).code == 0
    errors = 0
    for at in range(0, 10_000, every):
        shutil.rmtree(store, ignore_errors=True)
        ended = run_with(at, fault, sweep, store)
        if ended is None:
            return at // every, errors
        assert ended.out == ""
        if ended.code != 0:
            errors += 1
            assert ended.code == 1
            *_, message = ended.err.splitlines()
            assert re.match("error: Could not [a-z ]+ /", message), message
            assert "then run the same command again" in message
        assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
        assert rows(store).equals(rows(undisturbed))
        assert verify_store(store) == []
    raise AssertionError("the run does not end")


def test_run_on_a_full_disk_ends_with_a_message_and_keeps_rows(sweep: Path) -> None:
    runs, errors = fail_at_each(7, faulty_os.disk_full, sweep)
    assert runs - 1 <= errors <= runs


@pytest.mark.campaign
@pytest.mark.parametrize(
    "fault", [faulty_os.disk_full, faulty_os.disk_broken, faulty_os.short_write]
)
def test_run_with_a_fault_at_any_call_keeps_rows(fault: Callable[..., Any], sweep: Path) -> None:
    runs, errors = fail_at_each(1, fault, sweep)
    print(f"{fault.__name__}: {runs} runs, {errors} ended with an error")
    # An error when the lock and the folders are closed, at the very end, changes nothing.
    at_the_end = 6
    assert (
        (errors == 0) if fault is faulty_os.short_write else (runs - at_the_end <= errors <= runs)
    )


def full_file(path: Path) -> TextIO:
    """Open a file that cannot be written to, whatever the path."""
    return Path("/dev/full").open("a")


def test_full_disk_under_the_text_log_does_not_end_the_run(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sweep.with_name("store")
    monkeypatch.setattr(run_store, "append_regular", full_file)
    ended = sparsest("run", sweep, "--store", store, *INLINE)
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert ended.err.count("store.log") == 1
    assert rows(store).num_rows == COUNT
