"""Fixtures of the orchestrator's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.commands import ask
from orchestrator.planning import calibration
from storage.log.sweep_info import processor_name
from tests.orchestrator.running import train, write_sweep
from workers.kernel.instruction_set import backend_name


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for the orchestrator's files, with a calibration in it.

    The cache of the compiled kernels is not replaced: compiling them takes half a minute.
    """
    folder = tmp_path / "cache"
    folder.mkdir()
    kept = calibration.Calibration(
        backend=backend_name(),
        processor=processor_name(),
        seconds_per_cost=1e-6,
        measured=datetime.now(UTC),
    )
    monkeypatch.setattr(calibration, "cache_folder", lambda: folder)
    calibration.calibration_file().write_text(kept.model_dump_json())
    monkeypatch.setattr(ask, "cache_folder", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the width of the terminal, whichever terminal the tests were started from."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with six rows of the sweep "six"; tests only read it."""
    folder = tmp_path_factory.mktemp("trained")
    sweep = write_sweep(
        folder / "six.toml", 'structure = ["1x1x1", "2x1x1"]\nlr = [0.01, 0.02, 0.03]'
    )
    train([sweep], folder / "store")
    return folder / "store"
