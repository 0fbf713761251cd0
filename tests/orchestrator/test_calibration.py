"""The speed of this machine is measured once, kept, and used only on the machine it describes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.planning import calibration as module
from orchestrator.planning.calibration import Calibration, calibration
from search.structure import Structure

SECONDS = 123e-9


@pytest.fixture
def measured(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The measurements so far; the n-th one returns n * SECONDS."""
    made: list[float] = []

    def measure() -> float:
        made.append(SECONDS * (len(made) + 1))
        return made[-1]

    monkeypatch.setattr(module, "_measure", measure)
    return made


@pytest.fixture
def kept(cache: Path, measured: list[float]) -> Path:
    """The calibration file with a first measurement."""
    file = module.calibration_file()
    file.unlink()
    assert calibration().seconds_per_cost == SECONDS
    return file


def test_measurement_is_kept(kept: Path, measured: list[float]) -> None:
    first = calibration()
    assert calibration() == first
    assert first.seconds_per_cost == SECONDS
    assert measured == [SECONDS]
    assert json.loads(kept.read_text())["seconds_per_cost"] == SECONDS


def test_new_measurement_on_request_replaces_the_old_one(kept: Path, measured: list[float]) -> None:
    assert calibration(again=True).seconds_per_cost == 2 * SECONDS
    assert calibration().seconds_per_cost == 2 * SECONDS


@pytest.mark.parametrize(
    "changed",
    [
        {"processor": "Another CPU"},
        {"backend": "numba-other"},
        {"seconds_per_cost": 0.0},
        {"seconds_per_cost": "NaN"},
        {"measured": "2024-01-01T00:00:00"},
        {"measured": None},
        {"of_a_later_version": 1},
    ],
)
def test_file_of_another_machine_or_version_is_replaced(
    changed: dict[str, object], kept: Path, measured: list[float]
) -> None:
    kept.write_text(json.dumps(json.loads(kept.read_text()) | changed))
    assert calibration().seconds_per_cost == 2 * SECONDS
    assert calibration().seconds_per_cost == 2 * SECONDS


@pytest.mark.parametrize("length", [0, 1, 50])
def test_torn_file_is_replaced(length: int, kept: Path, measured: list[float]) -> None:
    kept.write_bytes(kept.read_bytes()[:length])
    assert calibration().seconds_per_cost == 2 * SECONDS


def test_machine_is_measured_each_time_without_a_cache_folder(
    kept: Path, measured: list[float]
) -> None:
    kept.unlink()
    kept.mkdir()
    assert calibration().seconds_per_cost == 2 * SECONDS


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=60), "just now"),
        (timedelta(seconds=125), "2 minutes ago"),
        (timedelta(minutes=119), "119 minutes ago"),
        (timedelta(hours=2, minutes=1), "2 hours ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=400), "400 days ago"),
    ],
)
def test_age_is_in_the_largest_unit_of_at_least_two(ago: timedelta, text: str) -> None:
    speed = Calibration(
        backend="b", processor="p", seconds_per_cost=1.0, measured=datetime.now(UTC) - ago
    )
    assert speed.age == text


def test_measurement_trains(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRUCTURES", (Structure((1, 1, 1)), Structure((2, 2, 1))))
    monkeypatch.setattr(module, "NETWORKS", 2)
    monkeypatch.setattr(module, "EPOCHS", 1)
    assert 0 < calibration(again=True).seconds_per_cost < 1


def test_measured_networks_share_a_data_order_as_in_a_task() -> None:
    experiments = module._of_one_order(Structure((7, 3, 3)))
    assert len({experiment.experiment_id for experiment in experiments}) == module.NETWORKS
    assert {experiment.order_seed for experiment in experiments} == {experiments[0].order_seed}
