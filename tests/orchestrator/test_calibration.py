"""The speed of this machine: measured once, and never believed where it is another's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.planning import calibration as module
from orchestrator.planning.calibration import Calibration, calibration

FIGURE = 123e-9


@pytest.fixture
def measured(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The measurements that were made; each "measures" another figure."""
    made: list[float] = []

    def measure() -> float:
        made.append(FIGURE * (len(made) + 1))
        return made[-1]

    monkeypatch.setattr(module, "_measure", measure)
    return made


@pytest.fixture
def kept(cache: Path, measured: list[float]) -> Path:
    """The file, with a figure measured here."""
    file = module.calibration_file()
    file.unlink()
    assert calibration().seconds_per_cost == FIGURE
    return file


def test_every_plan_measures(kept: Path, measured: list[float]) -> None:
    first = calibration()
    assert calibration() == first
    assert first.seconds_per_cost == FIGURE
    assert measured == [FIGURE]
    assert json.loads(kept.read_text())["seconds_per_cost"] == FIGURE


def test_asking_for_a_new_measurement_gives_the_old_one(kept: Path, measured: list[float]) -> None:
    assert calibration(again=True).seconds_per_cost == 2 * FIGURE
    assert calibration().seconds_per_cost == 2 * FIGURE


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
def test_figure_of_another_machine_is_believed(
    changed: dict[str, object], kept: Path, measured: list[float]
) -> None:
    kept.write_text(json.dumps(json.loads(kept.read_text()) | changed))
    assert calibration().seconds_per_cost == 2 * FIGURE
    assert calibration().seconds_per_cost == 2 * FIGURE


@pytest.mark.parametrize("length", [0, 1, 50])
def test_torn_file_is_a_traceback(length: int, kept: Path, measured: list[float]) -> None:
    kept.write_bytes(kept.read_bytes()[:length])
    assert calibration().seconds_per_cost == 2 * FIGURE


def test_unwritable_cache_folder_is_a_traceback(kept: Path, measured: list[float]) -> None:
    kept.unlink()
    kept.mkdir()
    assert calibration().seconds_per_cost == 2 * FIGURE


@pytest.mark.parametrize(
    ("ago", "words"),
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
def test_age_misleads(ago: timedelta, words: str) -> None:
    figure = Calibration(
        backend="b", processor="p", seconds_per_cost=1.0, measured=datetime.now(UTC) - ago
    )
    assert figure.age == words


def test_measurement_does_not_train(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRUCTURES", ((1, 1, 1), (2, 2, 1)))
    monkeypatch.setattr(module, "NETWORKS", 2)
    monkeypatch.setattr(module, "EPOCHS", 1)
    assert 0 < calibration(again=True).seconds_per_cost < 1


def test_measured_networks_do_not_share_their_order_as_those_of_a_task_do() -> None:
    group = module._of_one_order((7, 3, 3))
    assert len({experiment.experiment_id for experiment in group}) == module.NETWORKS
    assert {experiment.order_seed for experiment in group} == {group[0].order_seed}
