"""Runs that are killed or stopped, and the same command after them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from storage.checking.verify import verify_store
from storage.paths import StorePaths
from tests.orchestrator.running import (
    INLINE,
    PATIENCE_S,
    count_rows,
    output_of,
    query,
    rates,
    rows,
    sparsest,
    start,
    train,
    until,
    write_sweep,
)
from tests.orchestrator.small_tasks import HOLD

SMALL_TASKS = Path(__file__).with_name("small_tasks.py")

COUNT = 600

STOPPING = "Ctrl-C stops at once"
"""Part of the message after the first signal."""


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file while which exists a run waits after storing a quarter of its rows."""
    file = tmp_path / "hold"
    file.write_text(str(COUNT // 4))
    monkeypatch.setenv(HOLD, str(file))
    return file


@pytest.fixture
def sweep(tmp_path: Path, hold: Path) -> Path:
    """A sweep of dozens of tasks."""
    return write_sweep(
        tmp_path / "mine.toml", f'structure = ["1x1x1", "2x2x1"]\n{rates(COUNT // 2)}'
    )


@contextmanager
def running(sweep: Path, store: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run and wait until it has stored a quarter; see `hold`."""
    with start(SMALL_TASKS, "run", sweep, "--store", store, *INLINE) as process:
        try:
            held = COUNT // 4
            until(lambda: process.poll() is not None or count_rows(store) >= held, "rows came")
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process; empty if it has ended."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


def test_killed_run_keeps_its_rows_and_resumes_with_the_others(sweep: Path, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with running(sweep, killed) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    stored = rows(killed)
    assert COUNT // 4 <= stored.num_rows < COUNT
    report = json.loads(sparsest("status", "--store", killed, "--json").out)
    assert report["last_run"]["state"] == "killed"

    assert sparsest("run", sweep, "--store", killed, *INLINE).code == 0
    train([sweep], whole)
    assert rows(killed).equals(rows(whole))
    assert (
        rows(whole).num_rows == len(set(rows(whole).column("experiment_id").to_pylist())) == COUNT
    )
    # The rows of the killed run are still there.
    kept = set(stored.column("experiment_id").to_pylist())
    by_sweep = query(killed, "SELECT rows_logged, outcome FROM sweeps").to_pylist()
    assert by_sweep == [
        {"rows_logged": len(kept), "outcome": None},
        {"rows_logged": COUNT - len(kept), "outcome": "finished"},
    ]
    assert verify_store(killed) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_stores_what_was_in_training(
    number: signal.Signals, code: int, sweep: Path, hold: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with running(sweep, store) as process:
        process.send_signal(number)
        hold.unlink()
        out, err = output_of(process)
    assert process.returncode == code
    assert out == ""
    assert STOPPING in err
    assert "interrupted: " in err
    assert "\n  sparsest run " in err
    assert "Traceback" not in err
    (end,) = query(store, "SELECT outcome, stored, rows_logged FROM sweeps").to_pylist()
    assert end["outcome"] == "interrupted"
    assert f"interrupted: {end['stored']} trained in" in err
    assert f"left: {COUNT - end['stored']} experiments" in err
    assert 0 < count_rows(store) == end["stored"] == end["rows_logged"] < COUNT
    # In the order of the study: no started task was dropped.
    indices = query(store, "SELECT study_index FROM results ORDER BY study_index")
    assert indices.column(0).to_pylist() == list(range(end["stored"]))


@pytest.mark.parametrize("when", ["Ray starts", "workers start"])
def test_sigterm_during_the_start_ends_the_run_without_a_traceback(
    when: str, sweep: Path, hold: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    options = ("--store", store, "--device", "cpu", "--workers", "1")

    def started(process: subprocess.Popen[str]) -> bool:
        if when == "Ray starts":
            return StorePaths(store).run_log.exists()
        children = psutil.Process(process.pid).children(recursive=True)
        return any("ray::" in word for child in children for word in words_of(child))

    with start(SMALL_TASKS, "run", sweep, *options) as process:
        try:
            until(lambda: process.poll() is not None or started(process), when)
            process.send_signal(signal.SIGTERM)
            hold.unlink()
            out, err = output_of(process)
        finally:
            process.kill()
    assert process.returncode == 143, err
    assert out == ""
    assert "SIGTERM" not in err
    assert "Traceback" not in err
    if STOPPING not in err:  # training had not started
        assert "stopped at once" in err
        assert "resumes" in err
    assert sparsest("plan", sweep, "--store", store).code == 0


def test_second_interrupt_stops_at_once_and_leaves_the_store_intact(
    sweep: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with running(sweep, store) as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        while STOPPING not in process.stderr.readline():
            assert process.poll() is None
        before = count_rows(store)
        process.send_signal(signal.SIGINT)
        _, err = output_of(process)
    assert process.returncode == 130
    assert "stopped at once" in err
    assert "Traceback" not in err
    assert before <= count_rows(store) < COUNT
    assert verify_store(store) == []
    # The lock is free, and the run does not count as killed.
    plan = json.loads(sparsest("plan", sweep, "--store", store, "--json").out)
    assert plan["studies"][0]["stored"] == count_rows(store)
    (end,) = query(store, "SELECT outcome, stored, core_seconds FROM sweeps").to_pylist()
    assert (end["outcome"], end["stored"]) == ("interrupted", count_rows(store))
    assert "last run (interrupted): sparsest run" in sparsest("status", "--store", store).out
