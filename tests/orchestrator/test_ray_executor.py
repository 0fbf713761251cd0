"""Ray's executor returns the rows of the inline one, whatever happens to its workers.

`ray_session` uses Ray; these tests check what it reports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storage.checking.verify import verify_store
from tests.orchestrator.ray_session import SEARCH_HOURS
from tests.orchestrator.running import (
    INLINE,
    PATIENCE_S,
    SMALL_SEARCH,
    output_of,
    query,
    rows,
    sparsest,
    start,
    train,
    write_sweep,
)
from workers.kernel.instruction_set import backend_name

SESSION = Path(__file__).with_name("ray_session.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the session leaves."""
    folder = tmp_path_factory.mktemp("ray")
    write_sweep(
        folder / "plain.toml",
        'structure = ["2x2x1", "3x2x2"]\nmasks = "all"\nschedule = ["cosine", "step"]',
        base="epochs = 2\nlr = 0.1",
    )
    with start(SESSION, folder) as session:
        out, err = output_of(session, 4 * PATIENCE_S)
    assert session.returncode == 0, err
    (folder / "out").write_text(out)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_process_without_the_token_is_refused(report: dict[str, Any]) -> None:
    assert report["token"] == 64
    assert report["outsider_code"] != 0
    assert "authentication" in report["outsider"].lower()


def test_ray_listens_on_loopback_only(report: dict[str, Any]) -> None:
    assert report["listening"]
    assert {address.removeprefix("::ffff:") for address in report["listening"]} == {"127.0.0.1"}


def test_no_dashboard_is_served(report: dict[str, Any]) -> None:
    assert report["dashboard"] == ""


def test_ray_prints_nothing_about_dead_workers(folder: Path) -> None:
    assert (folder / "out").read_text() == ""


def test_ray_ends_with_its_run(report: dict[str, Any]) -> None:
    assert report["in_flight"] == 0
    assert report["ray_is_over"]


def test_ray_can_be_started_again(folder: Path, report: dict[str, Any]) -> None:
    assert report["second"] == report["plain"] > 0
    assert rows(folder / "second").equals(rows(folder / "plain"))


def test_rows_are_those_of_the_inline_executor(
    folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    train([folder / "plain.toml"], tmp_path / "inline")
    ours, theirs = rows(folder / "plain"), rows(tmp_path / "inline")
    assert report["plain"] == theirs.num_rows > 800
    assert ours.equals(theirs)
    assert set(ours.column("backend").to_pylist()) == {backend_name()}
    assert report["workers"] == [[backend_name(), 2]]


def test_stopped_search_resumes_with_the_experiments_of_one_worker(
    folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    words = ("--strategy", "eliminate", "--core-hours", SEARCH_HOURS, "--store", tmp_path / "one")
    inline = json.loads(sparsest(*SMALL_SEARCH, *words, *INLINE).out)
    assert rows(folder / "searched").equals(rows(tmp_path / "one"))
    searching = report["searching"]
    assert searching["stopped"] == 130
    assert searching["jobs"] > 1  # the first round is shared
    resumed = searching["resumed"]
    assert 0 < resumed["trained"] < resumed["experiments"] == inline["trained"]
    assert resumed == {**inline, "trained": resumed["trained"]}


def test_task_that_raises_fails_with_its_reason_and_keeps_its_worker(
    report: dict[str, Any],
) -> None:
    assert report["raising"] == {
        "failed": True,
        "reason": "ValueError: row 5 is a trap",
        "rows_afterwards": 8,
    }


def test_task_that_waits_behind_a_fatal_one_is_trained(report: dict[str, Any]) -> None:
    behind = report["behind"]
    assert behind["failed"] == [[0, 1]]
    assert behind["reasons"][0].startswith("its worker was lost: ")
    assert behind["done"] == [[2, 3], [4, 5], [6, 7]]


def test_withdrawn_task_comes_back_once(report: dict[str, Any]) -> None:
    withdrawing = report["withdrawing"]
    assert report["vacancies"] == 2
    assert len(withdrawing["withdrawn"]) == len(withdrawing["kept"]) == 2
    assert sorted(withdrawing["withdrawn"] + withdrawing["kept"]) == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
    ]
    assert withdrawing["started"] == [first for first, _ in withdrawing["kept"]]
    assert withdrawing["withdrawn_again"] == []
    assert withdrawing["resubmitted"] == withdrawing["withdrawn"]
    assert withdrawing["outcomes"] == 4


def test_rows_of_killed_workers_are_trained_once(
    folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    killing = report["killing"]
    assert killing["traps_left"] == 0
    # The three that died, and at least one that trained the rest.
    assert killing["processes"] >= 4
    assert killing["trained"] == 300
    found = query(
        folder / "killed", "SELECT study_index, status FROM results ORDER BY study_index"
    ).to_pylist()
    assert found == [{"study_index": index, "status": "ok"} for index in range(300)]
    assert verify_store(folder / "killed") == []


def test_ray_s_folder_is_private(report: dict[str, Any]) -> None:
    assert report["folder_mode"] == 0o700


def test_run_ends_at_once_when_ray_stops_on_this_machine(report: dict[str, Any]) -> None:
    assert "resumes" in report["stopped"]["error"]
    assert report["stopped"]["seconds"] < 120
