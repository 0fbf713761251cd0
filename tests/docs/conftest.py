"""A real store, small and quickly trained, for what the pages do with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sparsest
from orchestrator.cli import app

# Repetitions, every status but failed, and networks that reach 95 %.
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
    """A folder with the store runs/paper: a sweep file's 44 experiments and 8 of the paper's."""
    folder = tmp_path_factory.mktemp("home")
    sweep = folder / "tiny.toml"
    sweep.write_text(_SWEEP)
    store = str(folder / "runs" / "paper")
    here = ["--executor", "inline", "--device", "cpu"]
    words = ["run", str(sweep), "phase2-95", "--limit", "52", *here, "--store", store]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    return folder


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sparsest.Store]:
    """That store, opened in the folder in which the pages' examples are meant to run."""
    monkeypatch.chdir(home)
    with sparsest.open("runs/paper") as opened:
        yield opened
