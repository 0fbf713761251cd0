"""Campaigns against runs: processes, nodes and networks that fail. Each is a program of its own.

Bad experiments, and nodes that join, leave and die, are in the default run in
`tests/orchestrator/test_cluster.py`, workers that are killed in `test_ray_executor.py` beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.network import possible
from tests.orchestrator.running import ROOT, environment, rates


def report_of(program: str, folder: Path, *words: str, minutes: float) -> dict[str, Any]:
    """Runs a campaign; returns what it says at its end."""
    # What a run on this machine has told Ray, in a test before, is not for clusters.
    untold = {name: value for name, value in environment().items() if not name.startswith("RAY_")}
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{program}", str(folder), *words],
        cwd=ROOT,
        env=untold,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * minutes,
    )
    assert ended.stdout, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert report["holds"], (report, ended.stderr)
    assert ended.returncode == 0
    return report


def test_killed_driver_leaves_ray_behind(tmp_path: Path) -> None:
    words = ("--kills", "1", "--grid", f"structure = ['2x2x1']\n{rates(20)}")
    report = report_of("kill_drivers", tmp_path / "killed", *words, minutes=10)
    assert report["left_behind"] == []


@pytest.mark.campaign
def test_rows_of_a_node_that_comes_back_are_stored_twice(tmp_path: Path) -> None:
    if (why := possible()) is not None:
        pytest.skip(why)
    words = ("--experiments", "80", "--cut", "5", "--hosts", "1")
    report_of("cut_network", tmp_path / "cut", *words, minutes=10)


@pytest.mark.campaign
def test_two_hundred_killed_drivers_lose_a_row(tmp_path: Path) -> None:
    report = report_of("kill_drivers", tmp_path / "killed", minutes=180)
    assert report["kills"] == 200
    assert report["left_behind"] == []


@pytest.mark.campaign
def test_lost_workers_nodes_and_head_stop_a_sweep(tmp_path: Path) -> None:
    report = report_of("cluster_faults", tmp_path / "faults", minutes=60)
    assert all(fault["all_workers_s"] is not None for fault in report["faults"])


@pytest.mark.campaign
def test_node_cut_off_for_two_minutes_stops_a_sweep(tmp_path: Path) -> None:
    if (why := possible()) is not None:
        pytest.skip(why)
    report = report_of("cut_network", tmp_path / "cut", minutes=30)
    assert report["rows_during_the_cut"] > 0


@pytest.mark.campaign
def test_a_hundred_bad_experiments_stop_ten_thousand(tmp_path: Path) -> None:
    report_of("bad_experiments", tmp_path / "bad", "--patience", "5", minutes=180)


@pytest.mark.campaign
def test_storm_of_faults_changes_a_row(tmp_path: Path) -> None:
    report = report_of("storm", tmp_path / "storm", minutes=180)
    assert report["agreement"]["rows"] >= 50_000
    assert sum(report["faults"].values()) > 0
