"""What is stored when a run is killed or stopped, and what the same command does then."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.verify import verify_store
from tests.orchestrator.running import (
    HERE,
    PATIENCE_S,
    count_rows,
    query,
    rates,
    rows,
    sparsest,
    start,
    train,
    until,
    write_sweep,
)

HASTY = Path(__file__).with_name("hasty.py")

COUNT = 600


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A second or two of work, in dozens of tasks."""
    return write_sweep(
        tmp_path / "mine.toml", f'structure = ["1x1x1", "2x2x1"]\n{rates(COUNT // 2)}'
    )


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """More than any test would wait for, in tasks of several seconds."""
    return write_sweep(
        tmp_path / "mine.toml", f'structure = ["16x16x16"]\n{rates(900)}', base="epochs = 50"
    )


@contextmanager
def running(sweep: Path, store: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has stored something and goes on."""
    with start(HASTY, "run", sweep, "--store", store, *HERE) as process:
        try:
            until(lambda: process.poll() is not None or count_rows(store) > 0, "rows were stored")
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()


def test_killed_run_loses_rows_or_trains_them_twice(sweep: Path, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with running(sweep, killed) as process:
        until(lambda: count_rows(killed) >= COUNT // 4, "a quarter was stored")
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    stored = rows(killed)
    assert COUNT // 4 <= stored.num_rows < COUNT
    report = json.loads(sparsest("status", "--store", killed, "--json").out)
    assert report["last_run"]["state"] == "killed"

    assert sparsest("run", sweep, "--store", killed, *HERE).code == 0
    train([sweep], whole)
    assert rows(killed).equals(rows(whole))
    assert (
        rows(whole).num_rows == len(set(rows(whole).column("experiment_id").to_pylist())) == COUNT
    )
    # What the killed run had stored is what is there now.
    kept = set(stored.column("experiment_id").to_pylist())
    by_sweep = query(killed, "SELECT rows_logged, outcome FROM sweeps").to_pylist()
    assert by_sweep == [
        {"rows_logged": len(kept), "outcome": None},
        {"rows_logged": COUNT - len(kept), "outcome": "finished"},
    ]
    assert verify_store(killed) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_loses_what_it_was_training(
    number: signal.Signals, sweep: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with running(sweep, store) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert out == ""
    assert "stopping: what is in training is finished and stored" in err
    assert "interrupted: " in err
    assert "; go on with:\n  sparsest run " in err
    assert "Traceback" not in err
    (end,) = query(store, "SELECT outcome, stored, rows_logged FROM sweeps").to_pylist()
    assert end["outcome"] == "interrupted"
    assert f"interrupted: {end['stored']} trained in" in err
    assert f"left: {COUNT - end['stored']} experiments" in err
    assert 0 < count_rows(store) == end["stored"] == end["rows_logged"] < COUNT
    # All of it in the order of the study: nothing was begun and dropped.
    places = query(store, "SELECT study_index FROM results ORDER BY study_index")
    assert places.column(0).to_pylist() == list(range(end["stored"]))


def test_second_interrupt_waits_or_damages_the_store(endless: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with running(endless, store) as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        while "stopping: " not in process.stderr.readline():
            assert process.poll() is None
        before = count_rows(store)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "stopped at once; what is stored is safe; the same command goes on" in err
    assert "Traceback" not in err
    assert before <= count_rows(store) < 900
    assert verify_store(store) == []
    # The lock is free, and nobody takes the run for one that was killed.
    plan = json.loads(sparsest("plan", endless, "--store", store, "--json").out)
    assert plan["studies"][0]["stored"] == count_rows(store)
    (end,) = query(store, "SELECT outcome, stored, core_seconds FROM sweeps").to_pylist()
    assert (end["outcome"], end["stored"]) == ("interrupted", count_rows(store))
    assert "last run, interrupted: sparsest run" in sparsest("status", "--store", store).out
