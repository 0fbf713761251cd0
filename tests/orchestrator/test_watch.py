"""`status --watch`, and the live file that it reads."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from orchestrator.commands.watch import watch
from orchestrator.display.progress import LiveMonitor
from orchestrator.display.store_summary import FewestWeights
from orchestrator.tally import Tally
from storage.errors import StoreError
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.status_files import LiveFile, LiveProgress, read_live
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    PATIENCE_S,
    environment,
    python,
    refused,
    sparsest,
    train,
    write_sweep,
)

PROGRESS = LiveProgress(
    sweep_id="sweep", done=1200, total=16782, rate=250.0, left_s=62.3, workers=4
)


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run one action after each update; press Ctrl-C after the last update."""

    def plan(*actions: Callable[[], object]) -> None:
        remaining = iter(actions)

        def sleep(seconds: float) -> None:
            action = next(remaining, None)
            if action is None:
                raise KeyboardInterrupt
            action()

        # Only in the view's module: other threads sleep as usual.
        monkeypatch.setattr("orchestrator.commands.watch.sleep", sleep)

    return plan


def start_sweep(writer: StoreWriter) -> str:
    """Start a sweep and return its id."""
    return writer.begin_sweep(
        describe_sweep(
            command="sparsest run six", studies=["six"], device="cpu", workers=4, root_seed=0
        )
    )


def shown(store: Path, *, terminal: bool = False) -> str:
    """Return what is shown until Ctrl-C is pressed."""
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=100, highlight=False, markup=False
    )
    watch(store, 1.0, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_watching_can_start_before_the_store_exists(
    tmp_path: Path, updates: Callable[..., None]
) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2]')
    updates(lambda: None, lambda: train([sweep], store), lambda: None)
    first, second = shown(store).splitlines()
    assert str(store) in first
    assert second.startswith("2 rows stored; sparsest: none at 95 % yet; ")
    assert "finished" in second


def test_progress_of_the_run_is_shown(tmp_path: Path, updates: Callable[..., None]) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        sweep_id = start_sweep(writer)
        LiveFile(writer.paths).write(PROGRESS.model_copy(update={"sweep_id": sweep_id}))
        updates()
        line = shown(store)
        updates()
        picture = shown(store, terminal=True)
    throughput = "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers"
    assert f"; {throughput}; " in line
    assert "running: sparsest run six " in line
    assert throughput in picture
    assert re.search("this run .*━.* 7%", picture)


def test_run_of_unknown_length_has_no_percentage(
    tmp_path: Path, updates: Callable[..., None]
) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        changes = {"sweep_id": start_sweep(writer), "total": None}
        LiveFile(writer.paths).write(PROGRESS.model_copy(update=changes))
        updates()
        picture = shown(store, terminal=True)
    assert "this run: 1,200, 250/s, 0:01:02 left" in picture
    assert not re.search(r"\d%", picture)


def test_status_shows_the_progress_of_the_run(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        live = PROGRESS.model_copy(update={"sweep_id": start_sweep(writer)})
        LiveFile(writer.paths).write(live)
        said = sparsest("status", "--store", store).out
        report = json.loads(sparsest("status", "--store", store, "--json").out)
    assert "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers\n" in said
    assert report["running"] == live.model_dump()
    assert "running" not in sparsest("status", "--store", store).out


def test_run_that_starts_its_workers_is_shown(tmp_path: Path, updates: Callable[..., None]) -> None:
    with StoreWriter(tmp_path / "store", command="sparsest run six"):
        updates()
        assert "in use, but no training has started: sparsest run six" in shown(tmp_path / "store")


def test_uneven_costs_explain_the_time_left(tmp_path: Path, updates: Callable[..., None]) -> None:
    with StoreWriter(tmp_path / "store") as writer:
        costly = PROGRESS.model_copy(update={"sweep_id": start_sweep(writer), "left_s": 1870.0})
        LiveFile(writer.paths).write(costly)
        updates()
        line = shown(tmp_path / "store")
    assert "250/s, 0:31:10 left, 4 workers, each of the rest takes 30 times as long" in line


def test_progress_of_a_killed_sweep_is_not_shown(
    tmp_path: Path, updates: Callable[..., None]
) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        LiveFile(writer.paths).write(PROGRESS.model_copy(update={"sweep_id": start_sweep(writer)}))
    updates()
    line = shown(store)
    assert "killed" in line
    assert "16,782" not in line


def test_live_file_of_another_sweep_is_ignored(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store") as writer:
        file = LiveFile(writer.paths)
        file.write(PROGRESS)
        assert read_live(writer.paths, "sweep") == PROGRESS
        assert read_live(writer.paths, "other") is None
        writer.paths.live.write_text(PROGRESS.model_dump_json()[:-5])
        assert read_live(writer.paths, "sweep") is None
        file.remove()
        assert not writer.paths.live.exists()


def test_live_file_that_cannot_be_written_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = LiveFile(StorePaths(tmp_path / "no" / "store"))
    file.write(PROGRESS)
    file.write(PROGRESS)
    file.remove()
    (record,) = caplog.records
    assert "live.json" in record.getMessage()


def test_live_file_is_removed_with_its_sweep(tmp_path: Path) -> None:
    executor: Any = SimpleNamespace(workers=3)
    shown = Console(file=io.StringIO()), Tally(10), FewestWeights()
    with StoreWriter(tmp_path / "store") as writer:
        with LiveMonitor(*shown, writer.paths, "sweep", executor):
            live = read_live(writer.paths, "sweep")
            assert live is not None
            assert (live.done, live.total, live.workers, live.left_s) == (0, 10, 3, None)
        assert not writer.paths.live.exists()


def test_folder_with_other_files_is_refused(tmp_path: Path, updates: Callable[..., None]) -> None:
    (tmp_path / "something").touch()
    updates()
    with pytest.raises(StoreError):
        shown(tmp_path)


def test_store_that_is_being_created_is_waited_for(
    tmp_path: Path, updates: Callable[..., None]
) -> None:
    store = tmp_path / "store"
    for folder in StorePaths(store).folders:
        folder.mkdir(parents=True)
    updates()
    assert shown(store).startswith("waiting for a store at ")


def test_ctrl_c_ends_the_view_with_exit_code_0(tmp_path: Path) -> None:
    words = ["-m", "orchestrator.cli", "status", "--watch", "--store", str(tmp_path / "none")]
    watched = subprocess.Popen(
        [*python(), *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert watched.stdout is not None
    assert watched.stdout.readline().startswith(b"waiting for a store at ")
    watched.send_signal(signal.SIGINT)
    out, err = watched.communicate(timeout=PATIENCE_S)
    assert (watched.returncode, out, err) == (0, b"", b"")


def test_json_of_a_view_is_refused(tmp_path: Path) -> None:
    assert "--json" in refused("status", "--watch", "--json", "--store", tmp_path)
