"""`report --live`: what it tells, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands.live_report import live_report
from storage.errors import StoreError
from storage.live import LiveFile, LiveProgress
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import refused, train, write_sweep


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Does one thing after each look, then presses Ctrl-C; gives what the page was told."""

    def watch(store: Path, *things: Callable[[], object]) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        left = iter(things)

        def read() -> dict[str, Any]:
            text = (tmp_path / "live" / "progress.js").read_text()
            found: dict[str, Any] = json.loads(re.fullmatch(r"window\.LIVE = (.*);\n", text)[1])  # type: ignore[index]
            return found

        def sleep(seconds: float) -> None:
            told.append(read())
            thing = next(left, None)
            if thing is None:
                raise KeyboardInterrupt
            thing()

        monkeypatch.setattr("orchestrator.commands.live_report.sleep", sleep)
        live_report(store, tmp_path / "live", 1.0, dataset=None, overwrite=False)
        return [*told, read()]

    return watch


def test_live_page_ends_before_the_store_is_there(
    tmp_path: Path, seen: Callable[..., list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2]')
    waiting, there, ended = seen(store, lambda: train([sweep], store))
    assert waiting["state"] == f"waiting for a store at {store}"
    assert (waiting["plots"], there["plots"]) == (0, 1)
    assert there["state"].startswith("last run (finished): ")
    assert there["facts"][0] == ["2", "rows stored"]
    assert there["studies"] == [["two", "2", "", ""]]
    assert (there["ended"], ended["ended"]) == (False, True)
    assert (tmp_path / "live" / "plots-data.js").is_file()
    assert "open it in a browser" in capsys.readouterr().out


def test_live_page_does_not_say_how_far_the_sweep_is(
    tmp_path: Path, seen: Callable[..., list[dict[str, Any]]]
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
        told, _ = seen(store)
    pace = "this run: 1,200 of 16,782, 250/s, 0:01:02 left, 4 workers"
    assert told["progress"] == {"done": 1200, "total": 16782, "pace": pace}
    # Nothing to plot is no reason to stop.
    assert told["plots"] == 0


def test_folder_that_is_no_store_is_waited_for(
    tmp_path: Path, seen: Callable[..., list[dict[str, Any]]]
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").touch()
    with pytest.raises(StoreError):
        seen(tmp_path / "thesis")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--published"], "looks at a store"),
        ([], "looks at a store"),
        (["--store", "x", "--draw-all"], "draws no networks"),
        (["--store", "x", "--workers", "2"], "draws no networks"),
    ],
)
def test_live_page_of_what_cannot_change_is_promised(words: list[str], says: str) -> None:
    assert says in refused("report", "--live", *words)
