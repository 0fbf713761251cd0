"""What a study would cost."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.calibration import Calibration
from orchestrator.planning.estimate import ROW_BYTES, SAMPLE, Estimate, estimate, spread
from search.indices import IndexSet
from search.paper import paper_study
from tests.orchestrator.fakes import small_study
from workers.cost import experiment_cost

SPEED = Calibration(
    backend="b", processor="p", seconds_per_cost=1e-7, measured=datetime(2024, 1, 1, tzinfo=UTC)
)


def whole(count: int) -> IndexSet:
    return IndexSet.from_range(range(count))


def test_estimate_is_not_in_proportion_to_what_remains() -> None:
    study = small_study(10_000)
    full, half = (estimate(study, whole(count), SPEED) for count in (10_000, 5_000))
    assert full.core_hours == pytest.approx(2 * half.core_hours)
    assert full.core_hours == pytest.approx(10_000 * experiment_cost(study[0]) * 1e-7 / 3600)
    assert (full.bytes, half.bytes) == (10_000 * ROW_BYTES, 5_000 * ROW_BYTES)


def test_slower_machine_takes_no_longer() -> None:
    study = paper_study("phase1")
    slow = SPEED.model_copy(update={"seconds_per_cost": 3e-7})
    ours, theirs = (estimate(study, whole(len(study)), speed) for speed in (SPEED, slow))
    assert theirs.core_hours == pytest.approx(3 * ours.core_hours)
    assert theirs.bytes == ours.bytes


def test_nothing_left_costs_something() -> None:
    assert estimate(small_study(10), IndexSet(), SPEED) == Estimate(0.0, 0)


def test_sample_misses_the_large_networks_of_a_study() -> None:
    # In phase1 the cost of an experiment follows its place: the sample must follow it too.
    study = paper_study("phase1")
    places = whole(4096)
    exact = sum(experiment_cost(study[index]) for index in places) * 1e-7 / 3600
    assert estimate(study, places, SPEED).core_hours == pytest.approx(exact, rel=0.05)
    small = IndexSet.of([(0, 256)])
    large = IndexSet.of([(3840, 4096)])
    assert estimate(study, large, SPEED).core_hours > 2 * estimate(study, small, SPEED).core_hours


def test_few_experiments_are_estimated_from_others() -> None:
    study = paper_study("phase1")
    places = IndexSet.of([(0, 1), (4095, 4096)])
    exact = (experiment_cost(study[0]) + experiment_cost(study[4095])) * 1e-7 / 3600
    assert estimate(study, places, SPEED).core_hours == pytest.approx(exact)


@given(
    indices=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 500)), min_size=1, max_size=20),
    count=st.integers(1, SAMPLE),
)
def test_sample_leaves_the_set_or_is_uneven(indices: list[tuple[int, int]], count: int) -> None:
    places = IndexSet.of([(start, start + length) for start, length in indices])
    count = min(count, len(places))
    chosen = spread(places, count)
    ranks = {index: rank for rank, index in enumerate(places)}
    steps = [ranks[index] for index in chosen]
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    gaps = {after - before for before, after in pairwise(steps)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert steps[0] <= len(places) // count
    assert steps[-1] >= len(places) - 1 - len(places) // count
