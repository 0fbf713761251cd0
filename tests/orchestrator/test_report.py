"""The command `report`: refusals, and the summary that it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.report.build import Built
from tests.orchestrator.running import refused, sparsest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that the commands run in."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], "--store"),
        (["--published", "--store", "x"], "--published"),
        (["--store", "nowhere"], "nowhere"),
        (["--published", "--draw-all", "--no-draw"], "--no-draw"),
    ],
)
def test_mistake_is_refused_and_leaves_no_folder(words: list[str], word: str, folder: Path) -> None:
    assert word in refused("report", *words)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("options", [["--published"], ["--published", "--overwrite"]])
def test_foreign_file_at_the_output_is_kept(folder: Path, options: list[str]) -> None:
    (folder / "thesis").write_text("precious")
    ended = sparsest("report", *options, "-o", "thesis")  # may first say what it computes
    assert ended.code == 1
    assert str(folder / "thesis") in ended.err
    assert (folder / "thesis").read_text() == "precious"


@pytest.mark.parametrize(
    ("built", "options", "pattern"),
    [
        (Built(9, 1, 2, 3, {}), [], "3 networks not drawn; .*--draw-all draws 3 of them"),
        (Built(9, 1, 2, 3, {"ab": "x"}), [], "4 networks not drawn; .*--draw-all draws 3 of them"),
        (Built(9, 1, 2, 2, {}), ["--no-draw"], "2 networks not drawn; [^(]*\n$"),
        (Built(9, 1, 2, 0, {"ab": "no"}), [], "1 network not drawn"),
        (Built(9, 1, 2, 0, {}), [], "2 drawings\n$"),
    ],
)
def test_summary_counts_the_networks_of_the_page(
    built: Built, options: list[str], pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.build.build_report", lambda *arguments: built)
    ended = sparsest("report", "--published", "-o", "report", *options)
    assert ended.code == 0
    assert re.search(pattern, ended.out)
    for experiment_id, reason in built.failed.items():
        assert f"{experiment_id} is not drawn: {reason}" in ended.err


def test_report_is_written_to_the_target_of_a_link(trained: Path, folder: Path) -> None:
    (folder / "target").mkdir()
    (folder / "link").symlink_to("target")
    words: list[str | Path] = ["report", "--store", trained, "--no-draw", "-o", "link"]
    for _ in range(2):
        assert sparsest(*words).code == 0
        words.append("--overwrite")
        assert (folder / "link").is_symlink()
        assert (folder / "target" / "index.html").is_file()
