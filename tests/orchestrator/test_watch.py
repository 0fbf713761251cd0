"""`status --watch`, and the file that it reads beside the store."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.commands.watch import watch
from orchestrator.display.live_monitor import LiveMonitor
from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.tally import Tally
from storage.errors import StoreError
from storage.live import LiveFile, LiveProgress, read_live
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
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
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Does one thing after each look; after the last look Ctrl-C is pressed."""

    def plan(*things: Callable[[], object]) -> None:
        left = iter(things)

        def sleep(seconds: float) -> None:
            thing = next(left, None)
            if thing is None:
                raise KeyboardInterrupt
            thing()

        # The view's own name for it: other threads sleep as ever.
        monkeypatch.setattr("orchestrator.commands.watch.sleep", sleep)

    return plan


def begun(writer: StoreWriter) -> str:
    """Begins a sweep; returns its id."""
    return writer.begin_sweep(
        describe_sweep(
            command="sparsest run six", studies=["six"], device="cpu", workers=4, root_seed=0
        )
    )


def seen(store: Path, *, terminal: bool = False) -> str:
    """What is shown until Ctrl-C."""
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=100, highlight=False, markup=False
    )
    watch(store, 1.0, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_watching_before_the_store_is_there_ends(
    tmp_path: Path, looks: Callable[..., None]
) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2]')
    looks(lambda: None, lambda: train([sweep], store), lambda: None)
    first, second = seen(store).splitlines()
    assert first == f"waiting for a store at {store}"
    assert second.startswith("2 rows stored; sparsest: none at 95 % yet; last run (finished): ")


def test_what_the_driver_says_is_not_shown(tmp_path: Path, looks: Callable[..., None]) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        sweep_id = begun(writer)
        LiveFile(writer.paths).write(PROGRESS.model_copy(update={"sweep_id": sweep_id}))
        looks()
        said = seen(store)
        looks()
        picture = seen(store, terminal=True)
    pace = "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers"
    assert f"; {pace}; " in said
    assert "running: sparsest run six (started" in said
    assert pace in picture
    assert " 7%" in picture


def test_status_without_watch_keeps_the_pace_to_itself(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        live = PROGRESS.model_copy(update={"sweep_id": begun(writer)})
        LiveFile(writer.paths).write(live)
        said = sparsest("status", "--store", store).out
        report = json.loads(sparsest("status", "--store", store, "--json").out)
    assert "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers\n" in said
    assert report["running"] == live.model_dump()
    assert "running" not in sparsest("status", "--store", store).out


def test_watching_a_run_that_starts_shows_nothing(
    tmp_path: Path, looks: Callable[..., None]
) -> None:
    with StoreWriter(tmp_path / "store", command="sparsest run six"):
        looks()
        assert "; in use, but no training has started: sparsest run six (since" in seen(
            tmp_path / "store"
        )


def test_rate_and_time_left_contradict_each_other(
    tmp_path: Path, looks: Callable[..., None]
) -> None:
    with StoreWriter(tmp_path / "store") as writer:
        dearer = PROGRESS.model_copy(update={"sweep_id": begun(writer), "left_s": 1870.0})
        LiveFile(writer.paths).write(dearer)
        looks()
        said = seen(tmp_path / "store")
    assert "250/s, 0:31:10 left, 4 workers, each of the rest takes 30 times as long" in said


def test_killed_sweep_is_said_to_go_on(tmp_path: Path, looks: Callable[..., None]) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        LiveFile(writer.paths).write(PROGRESS.model_copy(update={"sweep_id": begun(writer)}))
    looks()
    said = seen(store)
    assert "last run (killed)" in said
    assert "16,782" not in said


def test_file_of_another_sweep_is_believed(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store") as writer:
        file = LiveFile(writer.paths)
        file.write(PROGRESS)
        assert read_live(writer.paths, "sweep") == PROGRESS
        assert read_live(writer.paths, "other") is None
        writer.paths.live.write_text(PROGRESS.model_dump_json()[:-5])
        assert read_live(writer.paths, "sweep") is None
        file.remove()
        assert not writer.paths.live.exists()


def test_file_that_cannot_be_written_stops_the_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = LiveFile(StorePaths.of(tmp_path / "no" / "store"))
    file.write(PROGRESS)
    file.write(PROGRESS)
    file.remove()
    (record,) = caplog.records
    assert "live.json cannot be written: No such file" in record.getMessage()


def test_file_outlives_its_sweep(tmp_path: Path) -> None:
    class Team:
        workers = 3

    display = ProgressDisplay(Console(file=io.StringIO()), Tally(10), FewestWeights())
    with StoreWriter(tmp_path / "store") as writer:
        with LiveMonitor(display, writer.paths, "sweep", Team()):
            told = read_live(writer.paths, "sweep")
            assert told is not None
            assert (told.done, told.total, told.workers, told.left_s) == (0, 10, 3, None)
        assert not writer.paths.live.exists()


def test_folder_that_is_no_store_is_waited_for(tmp_path: Path, looks: Callable[..., None]) -> None:
    (tmp_path / "something").touch()
    looks()
    with pytest.raises(StoreError):
        seen(tmp_path)


def test_store_that_is_just_being_made_is_none(tmp_path: Path, looks: Callable[..., None]) -> None:
    store = tmp_path / "store"
    for folder in StorePaths.of(store).folders:
        folder.mkdir(parents=True)
    looks()
    assert seen(store).startswith("waiting for a store at ")


def test_ctrl_c_is_an_error(tmp_path: Path) -> None:
    words = ["-m", "orchestrator.cli", "status", "--watch", "--store", str(tmp_path / "none")]
    watched = subprocess.Popen(
        [*python(), *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert watched.stdout is not None
    assert watched.stdout.readline().startswith(b"waiting for a store at ")
    watched.send_signal(signal.SIGINT)
    out, err = watched.communicate(timeout=PATIENCE_S)
    assert (watched.returncode, out, err) == (0, b"", b"")


def test_json_of_a_view_is_promised(tmp_path: Path) -> None:
    assert "does not print JSON" in refused("status", "--watch", "--json", "--store", tmp_path)
