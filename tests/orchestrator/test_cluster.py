"""Sweeps continue while nodes of a cluster join, leave and die.

`cluster_session` runs them; these tests check what it reports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from orchestrator.driver import drive
from orchestrator.executor import InlineExecutor
from orchestrator.planning.plan import make_plan
from orchestrator.task_scheduler import TaskScheduler
from search.catalogue import Selection
from storage.checking.verify import verify_store
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter
from tests.orchestrator.fakes import SilentMonitor, StopAfter, small_study
from tests.orchestrator.running import PATIENCE_S, output_of, query, rows, start
from workers.kernel.instruction_set import backend_name

HANGS, CRASHES, EXHAUSTS_MEMORY = 307, 350, 400
"""Indices of bad experiments, as in `cluster_session`."""

SESSION = Path(__file__).with_name("cluster_session.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the session leaves."""
    folder = tmp_path_factory.mktemp("cluster")
    with start(SESSION, folder) as session:
        _, err = output_of(session, 3 * PATIENCE_S)
    assert session.returncode == 0, err
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def sweep_rows(folder: Path, columns: str) -> list[dict[str, Any]]:
    """Return columns of the rows of the sweep "changing", by index."""
    statement = f"SELECT study_index, {columns} FROM results ORDER BY study_index"
    found: list[dict[str, Any]] = query(folder / "changing", statement).to_pylist()
    return found


def test_every_row_is_stored_when_nodes_join_and_leave(
    folder: Path, report: dict[str, Any]
) -> None:
    changing = report["changing"]
    assert changing["initial_workers"] == 1
    assert changing["trained"] == 600
    assert [row["study_index"] for row in sweep_rows(folder, "status")] == list(range(600))
    assert verify_store(folder / "changing") == []


def test_cpus_train_beside_a_gpu(folder: Path, report: dict[str, Any]) -> None:
    assert report["changing"]["devices"] == ["cpu", "cuda"]
    assert {row["backend"] for row in sweep_rows(folder, "backend")} == {
        backend_name(),
        "torch-cpu",
    }


def test_bad_experiments_alone_are_recorded_as_failed(folder: Path, report: dict[str, Any]) -> None:
    failed = {
        row["study_index"]: row["reason"]
        for row in sweep_rows(folder, "status, reason")
        if row["status"] == "failed"
    }
    assert set(failed) == {HANGS, CRASHES, EXHAUSTS_MEMORY}
    # The limit depends on the measured speed; on a busy machine the others may exceed it too.
    late = "it took longer than "
    assert failed[HANGS].startswith(late)
    assert failed[HANGS].endswith(" s, and its worker was killed")
    assert failed[CRASHES].startswith(("its worker was lost: ActorDiedError", late))
    assert failed[EXHAUSTS_MEMORY].startswith(("MemoryError", late))
    # Once in a task, perhaps in a part of it, three times alone, and once on the node that left.
    assert max(report["changing"]["reads"]) <= 6


def test_cpu_rows_are_those_of_an_inline_run(folder: Path, tmp_path: Path) -> None:
    study = small_study(600, "changing")
    inline = tmp_path / "inline"
    with StoreWriter(inline) as writer, InlineExecutor({}, "cpu") as executor:
        planned = make_plan([Selection.of_study(study)], writer)
        sweep = describe_sweep(
            command="test", studies=["changing"], device="cpu", workers=1, root_seed=0
        )
        scheduler = TaskScheduler(planned, writer.begin_sweep(sweep), None)
        drive(scheduler, executor, writer, SilentMonitor(), StopAfter())
        writer.end_sweep("finished")
    cpu = rows(folder / "changing").filter(
        (pc.field("backend") == backend_name()) & (pc.field("status") != "failed")
    )
    same = pc.is_in(pc.field("experiment_id"), cpu.column("experiment_id"))
    assert cpu.num_rows > 0
    assert cpu.equals(rows(inline).filter(same))


def test_files_in_the_driver_s_working_directory_are_hidden_from_nodes(folder: Path) -> None:
    assert (folder / "search.py").exists()
    assert {row["status"] for row in sweep_rows(folder, "status")} == {"ok", "failed"}


def test_nodes_run_the_driver_s_code(report: dict[str, Any]) -> None:
    (code,) = report["changing"]["code"]
    assert "runtime_resources" in code


def test_death_of_the_head_ends_the_run_and_keeps_its_rows(
    folder: Path, report: dict[str, Any]
) -> None:
    assert report["headless"]["error"] == "UserError"
    assert "head of the Ray cluster" in report["headless"]["message"]
    assert "resumes" in report["headless"]["message"]
    assert verify_store(folder / "headless") == []
    assert rows(folder / "headless").num_rows > 0
