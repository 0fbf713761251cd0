"""Fault campaigns started from a test; each is a separate program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.processes import MARK, end_started, new_mark
from tests.orchestrator.running import ROOT, environment


def report_of(program: str, folder: Path, *words: str, minutes: float) -> dict[str, Any]:
    """Run a campaign, end everything that it started, and return its report.

    Args:
        program: module of the campaign in `tests.faults`.
        folder: folder for its results, which is made.
        words: options of the campaign.
        minutes: time limit.

    Raises:
        AssertionError: the campaign found a fault, or failed.
        subprocess.TimeoutExpired: it did not end in time.
    """
    mark = new_mark()
    # Settings that an earlier test made for Ray on this machine do not apply to clusters.
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
