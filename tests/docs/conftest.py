"""A small trained store for the examples of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sparsest
from orchestrator.cli import app

# Repetitions, every status except failed, and networks that reach 95 %.
_SWEEP = """
name = "tiny"
replicates = 2
[[grid]]
structure = ["16x16x16", "12x12x12"]
schedule = ["cosine", "step"]
epochs = [20]
[[grid]]
structure = ["2x2"]
masks = "all"
epochs = [1]
[[grid]]
structure = ["3x3x3"]
mask1 = ["00|00|00"]
epochs = [1]
[[grid]]
structure = ["3x3x3"]
lr = [1e9]
epochs = [1]
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store runs/paper: 44 experiments of a sweep file and 8 of the paper."""
    folder = tmp_path_factory.mktemp("home")
    sweep = folder / "tiny.toml"
    sweep.write_text(_SWEEP)
    store = str(folder / "runs" / "paper")
    in_process = ["--executor", "inline", "--device", "cpu"]
    arguments = ["run", str(sweep), "phase2-95", "--limit", "52", *in_process, "--store", store]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sparsest.Store]:
    """That store, opened in the folder in which the examples run."""
    monkeypatch.chdir(home)
    with sparsest.open("runs/paper") as opened:
        yield opened
