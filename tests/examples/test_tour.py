"""The tour of the Python interface, run as a script."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.installed import forget_plugins

TOUR = Path(__file__).resolve().parents[2] / "examples" / "tour.py"


def test_every_step_of_the_tour_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(TOUR))
    forget_plugins()
    steps = capsys.readouterr().out.splitlines()
    written = TOUR.read_text().count('step("') + TOUR.read_text().count("step(\n")
    optional = ("polars", "ONNX")
    assert written - len(optional) <= len(steps) <= written
    assert (tmp_path / "tour.svg").read_text().startswith("<?xml")
