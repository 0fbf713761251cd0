"""Drivers, workers and nodes that die during one sweep; a separate file, since it takes long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import report_of
from tests.faults.raging import BETWEEN_S
from tests.faults.storm import EXPERIMENTS


def test_rows_are_unchanged_by_one_fault_after_the_other(tmp_path: Path) -> None:
    report = report_of("storm", tmp_path / "storm", "--in-turn", "--nodes", "2", minutes=15)
    assert report["faults"].keys() == BETWEEN_S.keys()
    assert report["runs"] >= 2
    assert 0 < report["rows_in_the_storm"] < EXPERIMENTS == report["agreement"]["rows"]


@pytest.mark.campaign
def test_rows_are_unchanged_by_a_storm_of_faults(tmp_path: Path) -> None:
    report = report_of("storm", tmp_path / "storm", minutes=180)
    assert report["agreement"]["rows"] >= 50_000
    assert sum(report["faults"].values()) > 0
