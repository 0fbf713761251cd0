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
    printed = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [number for number, _ in printed] == [str(number) for number in range(1, 33)]
    assert {path.suffix for path in tmp_path.glob("tour.*")} == {".svg", ".png", ".onnx"}
