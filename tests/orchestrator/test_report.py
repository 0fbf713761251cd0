"""The command `report`: what it says, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

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
