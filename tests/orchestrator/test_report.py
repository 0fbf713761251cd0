"""The command `report`: what it says, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.report.build import Built
from orchestrator.cli import app


def ended(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say what to ask"),
        (["--published", "--store", "x"], "two things to ask"),
        (["--store", "nowhere"], "nowhere"),
        (["--published", "--draw-all", "--no-draw"], "contradict each other"),
    ],
)
def test_mistake_ends_in_a_traceback(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = ended(*words)
    assert code == 1
    assert says in output
    assert "error: " in output
    assert not (tmp_path / "report").exists()


def test_folder_that_is_no_report_is_only_refused_after_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.build.build_report", None)
    (tmp_path / "thesis").write_text("precious")
    code, output = ended("--published", "-o", str(tmp_path / "thesis"))
    assert code == 1
    assert "is no report" in output


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (Built(9, 1, 2, 3, 3, {}), "3 networks not drawn; .* of each .--draw-all draws 3 of them"),
        (Built(9, 1, 2, 3, 1, {"ab": "x"}), "4 networks not drawn; .*--draw-all draws 1 of them"),
        (Built(9, 1, 2, 2, 0, {}), "2 networks not drawn; the page says why of each\n"),
        (Built(9, 1, 2, 0, 0, {"ab": "no"}), "ab is not drawn: no\n(.*\n)1 network not drawn"),
        (Built(9, 1, 2, 0, 0, {}), "2 drawings\n$"),
    ],
)
def test_summary_counts_other_networks_than_the_page_or_promises_what_cannot_be(
    built: Built, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.build.build_report", lambda *asked: built)
    code, output = ended("--published", "-o", str(tmp_path / "report"))
    assert code == 0
    assert re.search(says, output)
