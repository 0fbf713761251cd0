"""`report --live`: the states that the page receives, and refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands.live_report import live_report
from storage.errors import StoreError
from storage.log.sweep_info import describe_sweep
from storage.status_files import LiveFile, LiveProgress
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import refused, train, write_sweep


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Run one action after each update, then press Ctrl-C; return the states of the page."""

    def watch(
        store: Path, *actions: Callable[[], object], dataset: str | None = None
    ) -> list[dict[str, Any]]:
        states: list[dict[str, Any]] = []
        remaining = iter(actions)

        def read() -> dict[str, Any]:
            text = (tmp_path / "live" / "progress.js").read_text()
            state: dict[str, Any] = json.loads(re.fullmatch(r"window\.LIVE = (.*);\n", text)[1])  # type: ignore[index]
            return state

        def sleep(seconds: float) -> None:
            states.append(read())
            action = next(remaining, None)
            if action is None:
                raise KeyboardInterrupt
            action()

        monkeypatch.setattr("orchestrator.commands.live_report.sleep", sleep)
        live_report(store, tmp_path / "live", 1.0, dataset=dataset, overwrite=False)
        return [*states, read()]

    return watch


def test_page_can_be_opened_before_the_store_exists(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2]')
    waiting, trained, ended = states(store, lambda: train([sweep], store))
    assert str(store) in waiting["state"]
    assert (waiting["plots"], trained["plots"]) == (0, 1)
    assert "finished" in trained["state"]
    assert trained["facts"][0] == ["2", "rows stored"]
    assert trained["studies"] == [["two", "2", "", ""]]
    assert (trained["ended"], ended["ended"]) == (False, True)
    assert (tmp_path / "live" / "plots-data.js").is_file()
    assert (tmp_path / "live" / "index.html").as_uri() in capsys.readouterr().out


def test_page_shows_the_progress_of_the_run(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]]
) -> None:
    store = tmp_path / "store"
    with StoreWriter(store) as writer:
        sweep_id = writer.begin_sweep(
            describe_sweep(
                command="sparsest run six", studies=["six"], device="cpu", workers=4, root_seed=0
            )
        )
        LiveFile(writer.paths).write(
            LiveProgress(
                sweep_id=sweep_id, done=1200, total=16782, rate=250.0, left_s=62.3, workers=4
            )
        )
        state, _ = states(store)
    line = "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers"
    assert state["progress"] == {"done": 1200, "total": 16782, "text": line}
    assert state["plots"] == 0  # without rows there is nothing to plot


def test_page_waits_for_rows_of_the_chosen_data_set(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.commands.live_report.IDLE_RATIO", 0.0)
    store = tmp_path / "store"
    spiral = write_sweep(tmp_path / "spiral.toml", 'structure = ["1x1x1"]')
    xor = write_sweep(tmp_path / "xor.toml", 'structure = ["1x1x1"]\ndataset = ["xor"]')
    train([spiral], store)
    waiting, trained, _ = states(store, lambda: train([xor], store), dataset="xor")
    assert "xor" in waiting["state"]
    assert (waiting["plots"], trained["plots"]) == (0, 1)


def test_page_says_that_it_ended_when_the_command_fails(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.commands.live_report.IDLE_RATIO", 0.0)
    store = tmp_path / "store"
    grids = {"one": "", "other": 'dataset = ["xor"]'}
    one, other = (
        write_sweep(tmp_path / f"{name}.toml", f'structure = ["1x1x1"]\n{grid}')
        for name, grid in grids.items()
    )
    train([one], store)
    with pytest.raises(ValueError, match="xor"):
        states(store, lambda: train([other], store))
    assert '"ended":true' in (tmp_path / "live" / "progress.js").read_text().replace(" ", "")


def test_folder_with_other_files_is_refused(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]]
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").touch()
    with pytest.raises(StoreError):
        states(tmp_path / "thesis")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--published"], "--store"),
        ([], "--store"),
        (["--store", "x", "--draw-all"], "--draw-all"),
        (["--store", "x", "--workers", "2"], "--workers"),
    ],
)
def test_option_that_does_not_fit_is_refused(words: list[str], option: str) -> None:
    assert option in refused("report", "--live", *words)


def test_page_of_the_same_store_is_replaced(
    tmp_path: Path, states: Callable[..., list[dict[str, Any]]]
) -> None:
    states(tmp_path / "store")
    states(tmp_path / "store")
    with pytest.raises(FileExistsError, match="live"):
        states(tmp_path / "other")
