"""Campaigns against runs, started by a test: each is a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.processes import MARK, end_started, new_mark
from tests.orchestrator.running import ROOT, environment


def report_of(program: str, folder: Path, *words: str, minutes: float) -> dict[str, Any]:
    """Runs a campaign; returns what it says at its end. Nothing that it has started stays.

    Args:
        program: its module in `tests.faults`.
        folder: is made; what comes of it.
        words: its options.
        minutes: how long it may take.

    Raises:
        AssertionError: it does not hold, or fails.
        subprocess.TimeoutExpired: it goes on.
    """
    mark = new_mark()
    # What a run on this machine has told Ray, in a test before, is not for clusters.
    untold = {name: value for name, value in environment().items() if not name.startswith("RAY_")}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", f"tests.faults.{program}", str(folder), *words],
            cwd=ROOT,
            env={**untold, MARK: mark},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * minutes,
        )
    finally:
        end_started(mark)
    assert ended.stdout, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert report["holds"], (report, ended.stderr)
    assert ended.returncode == 0
    return report
