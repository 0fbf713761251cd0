"""The cost of a study."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.calibration import Calibration
from orchestrator.planning.estimate import (
    SAMPLE,
    Estimate,
    estimate,
    reference_seconds,
    spread,
)
from orchestrator.planning.plan import make_plan
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import axis
from search.indices import IndexSet
from search.paper import paper_study
from search.study import Study
from storage.paths import StorePaths
from tests.orchestrator.fakes import small_study
from tests.orchestrator.running import train, write_sweep
from workers.cost import experiment_cost
from workers.train import train_batch

SPEED = Calibration(
    backend="b", processor="p", seconds_per_cost=1e-7, measured=datetime(2024, 1, 1, tzinfo=UTC)
)


def first(count: int) -> IndexSet:
    return IndexSet.from_range(range(count))


def test_estimate_is_proportional_to_what_remains() -> None:
    study = small_study(10_000)
    full, half = (estimate(study, first(count), SPEED) for count in (10_000, 5_000))
    assert full.core_hours == pytest.approx(2 * half.core_hours)
    assert full.bytes == 2 * half.bytes


def test_estimate_is_proportional_to_the_machine_s_speed() -> None:
    study = paper_study("phase1")
    slow = SPEED.model_copy(update={"seconds_per_cost": 3e-7})
    fast, slower = (estimate(study, first(len(study)), speed) for speed in (SPEED, slow))
    assert slower.core_hours == pytest.approx(3 * fast.core_hours)
    assert slower.bytes == fast.bytes


def test_complete_study_costs_nothing() -> None:
    assert estimate(small_study(10), IndexSet(), SPEED) == Estimate(0.0, 0)


def test_estimate_follows_the_size_of_the_networks() -> None:
    # In phase1 the cost of an experiment follows its index, and the sample must cover it evenly.
    study = paper_study("phase1")
    indices = first(4096)
    exact = sum(experiment_cost(study[index]) for index in indices) * 1e-7 / 3600
    assert estimate(study, indices, SPEED).core_hours == pytest.approx(exact, rel=0.05)
    small = IndexSet.of([(0, 256)])
    large = IndexSet.of([(3840, 4096)])
    assert estimate(study, large, SPEED).core_hours > 2 * estimate(study, small, SPEED).core_hours


def test_estimate_of_a_few_experiments_is_exact() -> None:
    study = paper_study("phase1")
    indices = IndexSet.of([(0, 1), (4095, 4096)])
    exact = (experiment_cost(study[0]) + experiment_cost(study[4095])) * 1e-7 / 3600
    assert estimate(study, indices, SPEED).core_hours == pytest.approx(exact)


def test_estimated_time_is_of_the_order_of_the_measured_time() -> None:
    """Compare with a real training instead of the estimate's own constants."""
    # A task of a large sweep has many networks of each data order, which share its cost.
    rates = [0.001 * (n + 1) for n in range(2000)]
    base = Experiment(structure=(7, 3, 3), epochs=10)
    study = Study("rates", "for tests", axis("lr", *rates), base)
    shared = [n for n in range(len(study)) if study[n].order_stream == 0][:16]
    experiments = [study[n] for n in shared]
    train_batch([replace(experiment, epochs=1) for experiment in experiments])  # compiles
    start = time.process_time()
    train_batch(experiments)
    measured = time.process_time() - start
    plan = make_plan([Selection(study, IndexSet.from_indices(shared))], None)
    estimated = reference_seconds(plan, None)
    assert estimated / 10 < measured < 10 * estimated


def test_estimated_size_is_of_the_order_of_the_stored_rows(tmp_path: Path) -> None:
    lr = ", ".join(f"{0.001 * (n + 1):.3f}" for n in range(500))
    sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["7x3x3"]\nlr = [{lr}]')
    train([sweep], tmp_path / "store")
    stored = sum(file.stat().st_size for file in StorePaths(tmp_path / "store").data.iterdir())
    estimated = estimate(small_study(500), first(500), SPEED).bytes
    assert estimated / 4 < stored < 4 * estimated


def test_limit_bounds_the_estimated_time() -> None:
    plan = make_plan([Selection.of_study(small_study(100, name)) for name in ("one", "two")], None)
    whole = reference_seconds(plan, None)
    assert reference_seconds(plan, 150) == pytest.approx(0.75 * whole)
    assert reference_seconds(plan, 1000) == pytest.approx(whole)


@given(
    indices=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 500)), min_size=1, max_size=20),
    count=st.integers(1, SAMPLE),
)
def test_sample_is_even(indices: list[tuple[int, int]], count: int) -> None:
    all_indices = IndexSet.of([(start, start + length) for start, length in indices])
    count = min(count, len(all_indices))
    chosen = spread(all_indices, count)
    ranks = {index: rank for rank, index in enumerate(all_indices)}
    steps = [ranks[index] for index in chosen]
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    gaps = {after - before for before, after in pairwise(steps)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert steps[0] <= len(all_indices) // count
    assert steps[-1] >= len(all_indices) - 1 - len(all_indices) // count
