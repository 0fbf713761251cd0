"""Campaigns of faults during runs: drivers and nodes that die, bad experiments.

Shorter tests of bad experiments and of nodes are in `tests/orchestrator/test_cluster.py`; of killed
workers, in `tests/orchestrator/test_ray_executor.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import report_of
from tests.orchestrator.running import rates


def test_ray_ends_with_a_killed_driver(tmp_path: Path) -> None:
    words = ("--kills", "1", "--grid", f"structure = ['2x2x1']\n{rates(200)}")
    report = report_of("kill_drivers", tmp_path / "killed", *words, minutes=15)
    assert report["kills"] == report["kills_that_found_new_rows"] == 1
    assert report["left_behind"] == []


@pytest.mark.campaign
def test_every_row_survives_two_hundred_killed_drivers(tmp_path: Path) -> None:
    report = report_of("kill_drivers", tmp_path / "killed", minutes=180)
    assert report["kills"] == 200
    assert report["left_behind"] == []


@pytest.mark.campaign
def test_sweep_survives_lost_workers_nodes_and_head(tmp_path: Path) -> None:
    report = report_of("cluster_faults", tmp_path / "faults", minutes=60)
    assert all(fault["all_workers_s"] is not None for fault in report["faults"])


@pytest.mark.campaign
def test_ten_thousand_experiments_are_trained_beside_a_hundred_bad_ones(tmp_path: Path) -> None:
    report_of("bad_experiments", tmp_path / "bad", "--patience", "5", minutes=180)
