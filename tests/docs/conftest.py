"""A small trained store for the examples of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sparsest
from orchestrator.cli import app
from orchestrator.planning.targets import find_targets

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
    """A folder with the store runs/paper: experiments of sweep files and 8 of the paper."""
    folder = tmp_path_factory.mktemp("home")
    sweep = folder / "tiny.toml"
    sweep.write_text(_SWEEP)
    store = str(folder / "runs" / "paper")
    in_process = ["--executor", "inline", "--device", "cpu"]
    arguments = ["run", str(sweep), "phase2-95", "--limit", "52", *in_process, "--store", store]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    _train_descendants(folder, sweep, [*in_process, "--store", store])
    return folder


def _train_descendants(folder: Path, sweep: Path, options: list[str]) -> None:
    """Train a child and a grandchild of the sweep's first experiment."""
    for name in ("child", "grandchild"):
        parent = find_targets([str(sweep)])[0].study[0].experiment_id
        sweep = folder / f"{name}.toml"
        sweep.write_text(
            f'name = "{name}"\n[grid]\ninit = ["row:{parent}/final"]\n'
            'structure = ["12x12x12"]\nepochs = [1]\n'
        )
        result = CliRunner().invoke(app, ["run", str(sweep), *options])
        assert result.exit_code == 0, result.output


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sparsest.Store]:
    """That store, opened in the folder in which the examples run."""
    monkeypatch.chdir(home)
    with sparsest.open("runs/paper") as opened:
        yield opened
