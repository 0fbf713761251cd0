"""A small store with the kinds of rows that a report shows."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from orchestrator.cli import app

_SWEEP = """
name = "small"
[[grid]]
method = ["search"]
structure = ["16x16x16", "4x3x2"]
epochs = [12]
[[grid]]
method = ["gmp", "snip"]
width = [8, 16]
target_nnz = [30, 60, 120]
lr = [0.1, 0.05]
epochs = [6]
"""


def small_store(folder: Path) -> Path:
    """Train 26 networks: two of the search, twelve each of GMP and SNIP."""
    sweep, store = folder / "small.toml", folder / "store"
    sweep.write_text(_SWEEP)
    options = ["--executor", "inline", "--device", "cpu", "--store", str(store)]
    result = CliRunner().invoke(app, ["run", str(sweep), *options])
    assert result.exit_code == 0, result.output
    return store
