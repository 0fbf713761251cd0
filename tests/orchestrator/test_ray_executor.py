"""Ray's executor gives the rows of the in-process one, whatever happens to its workers.

`ray_session` does everything with one Ray; these tests look at what came of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storage.checking.verify import verify_store
from tests.orchestrator.running import (
    PATIENCE_S,
    query,
    rows,
    said_by,
    start,
    train,
    write_sweep,
)
from workers.fast import BACKEND

SESSION = Path(__file__).with_name("ray_session.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the session left behind."""
    folder = tmp_path_factory.mktemp("ray")
    write_sweep(
        folder / "plain.toml",
        'structure = ["2x2x1", "3x2x2"]\nmasks = "all"\nschedule = ["cosine", "step"]',
        base="epochs = 2\nlr = 0.1",
    )
    with start(SESSION, folder) as session:
        out, err = said_by(session, 3 * PATIENCE_S)
    assert session.returncode == 0, err
    (folder / "out").write_text(out)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_anybody_on_the_network_can_run_code(report: dict[str, Any]) -> None:
    assert report["token"] == 64
    assert report["outsider_code"] != 0
    assert "authentication" in report["outsider"].lower()


def test_anybody_on_the_network_can_knock(report: dict[str, Any]) -> None:
    assert report["listening"]
    assert {address.removeprefix("::ffff:") for address in report["listening"]} == {"127.0.0.1"}


def test_dashboard_is_served(report: dict[str, Any]) -> None:
    assert report["dashboard"] == ""


def test_ray_writes_of_dead_workers_into_a_run_s_output(folder: Path) -> None:
    assert (folder / "out").read_text() == ""


def test_ray_outlives_its_run(report: dict[str, Any]) -> None:
    assert report["in_flight"] == 0
    assert report["ray_is_over"]


def test_run_of_two_sweeps_cannot_start_ray_again(folder: Path, report: dict[str, Any]) -> None:
    assert report["second"] == report["plain"] > 0
    assert rows(folder / "second").equals(rows(folder / "plain"))


def test_row_depends_on_the_executor_that_made_it(
    folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    train([folder / "plain.toml"], tmp_path / "inline")
    ours, theirs = rows(folder / "plain"), rows(tmp_path / "inline")
    assert report["plain"] == theirs.num_rows > 800
    assert ours.equals(theirs)
    assert set(ours.column("backend").to_pylist()) == {BACKEND}
    assert report["team"] == [[BACKEND, 2]]


def test_task_that_raises_takes_its_worker_along_or_hides_why(report: dict[str, Any]) -> None:
    assert report["raising"] == {
        "failed": True,
        "reason": "ValueError: row 5 is a trap",
        "rows_afterwards": 8,
    }


def test_task_behind_a_fatal_one_is_blamed_or_lost(report: dict[str, Any]) -> None:
    behind = report["behind"]
    assert behind["failed"] == [[0, 1]]
    assert behind["reasons"][0].startswith("its worker was lost: ")
    assert behind["done"] == [[2, 3], [4, 5], [6, 7]]


def test_withdrawn_task_comes_back_all_the_same(report: dict[str, Any]) -> None:
    told = report["withdrawing"]
    assert report["vacancies"] == 2
    assert len(told["withdrawn"]) == len(told["kept"]) == 2
    assert sorted(told["withdrawn"] + told["kept"]) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert told["begun"] == [first for first, _ in told["kept"]]
    assert told["withdrawn_again"] == []
    assert told["resubmitted"] == told["withdrawn"]
    assert told["outcomes"] == 4


def test_killed_worker_takes_rows_along_or_has_them_trained_twice(
    folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    told = report["killing"]
    assert told["traps_left"] == 0
    # The three that died, and one at least that did what they left.
    assert told["processes"] >= 4
    assert told["trained"] == 300
    found = query(
        folder / "killed", "SELECT study_index, status FROM results ORDER BY study_index"
    ).to_pylist()
    assert found == [{"study_index": place, "status": "ok"} for place in range(300)]
    assert verify_store(folder / "killed") == []
