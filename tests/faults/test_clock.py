"""No decision depends on the wall clock: it may jump by a day while a sweep runs."""

from __future__ import annotations

import datetime as dates
import re
import time
from pathlib import Path
from typing import Any

import pytest

from storage import lock
from storage.checking.verify import inspect_store
from storage.log import sweep_info
from storage.reading.reader import StoreReader
from storage.writing import writer
from tests.orchestrator.running import ROOT, rates, rows, sparsest, write_sweep

DAY_S = 86_400

KNOWN = {
    "analysis/report/build.py": "a date on the page",
    "analysis/report/live_page.py": "the time of the last update, on the page",
    "orchestrator/planning/calibration.py": "the age of a measurement, which is only shown",
    "orchestrator/doctor/software.py": "whether the clock is right",
    "orchestrator/search_phases.py": "a date in the log",
    "storage/checking/rebuild.py": "which of two data files with one experiment is newer",
    "storage/lock.py": "the time when the lock was taken, in a message",
    "storage/published/publish.py": "a date in a note",
    "storage/log/sweep_info.py": "a sweep's start, and a part of its id",
    "storage/writing/writer.py": "a sweep's end",
}
"""Files that read the wall clock, with the reason."""


def test_only_known_places_read_the_wall_clock() -> None:
    looks = re.compile(r"time\.time\(|time_ns\(|datetime\.now\(|utcnow\(|\.today\(|st_[amc]time")
    rooms = ("search", "pruning", "workers", "storage", "orchestrator", "analysis")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    found = {str(f.relative_to(ROOT)) for f in files if looks.search(f.read_text())}
    assert found - KNOWN.keys() == set()


class JumpingClock(dates.datetime):
    """A clock that jumps a day forward at the first reading, back at the next, and so on."""

    looks = 0

    @classmethod
    def now(cls, tz: dates.tzinfo | None = None) -> Any:
        cls.looks += 1
        shift = DAY_S if cls.looks % 2 else -DAY_S
        return dates.datetime.fromtimestamp(REAL_TIME() + shift, tz)


REAL_TIME = time.time


def test_rows_survive_a_clock_set_by_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(8)}')
    usual, moved = tmp_path / "usual", tmp_path / "moved"
    options = ("--executor", "inline", "--device", "cpu")
    assert sparsest("run", sweep, "--store", usual, *options).code == 0
    for module in (lock, sweep_info, writer):
        monkeypatch.setattr(module, "datetime", JumpingClock)
    calls = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: REAL_TIME() + (DAY_S if next(calls) % 2 else -DAY_S))
    for _ in range(4):
        assert sparsest("run", sweep, "--store", moved, "--limit", "2", *options).code == 0
    ended = sparsest("run", sweep, "--store", moved, *options)
    assert (ended.code, JumpingClock.looks > 8) == (0, True)
    status = sparsest("status", "--store", moved)
    assert (status.code, "finished" in status.out) == (0, True)
    monkeypatch.undo()
    assert rows(moved).equals(rows(usual))
    assert inspect_store(moved).problems == []
    with StoreReader(moved) as reader:
        ends = [sweep.end for sweep in reader.state.sweeps.values()]
    assert all(end is not None and 0 <= end.wall_seconds < DAY_S / 2 for end in ends)
