"""The number of points at which each hidden neuron is active, as every trainer counts it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.functional_sparsity import count_active_points
from search.experiment import Experiment
from workers.datasets import Dataset, load_dataset
from workers.fast import train_fast
from workers.kernel.measure import STRIPES_PER_CHUNK, evaluate_networks
from workers.kernel.packing import pack, topology
from workers.kernel.simd import STRIPE
from workers.torch_batch import train_torch
from workers.trained import Trained

SPIRAL = load_dataset("cubist-spiral")
NEAR_ZERO = 3
"""Maximum number of points of a neuron whose sign may depend on the order of additions."""


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, STRIPE, STRIPES_PER_CHUNK * STRIPE + 1]))
def test_kernel_counts_exactly(seed: int, number: int) -> None:
    # Small integers: no sum is rounded, so its order does not matter.
    generator = np.random.default_rng(seed)
    points = generator.integers(-2, 3, (number, 2)).astype(np.float32)
    dataset = Dataset("integers", points, np.ones(number, np.float32))
    networks = []
    for _ in range(3):
        sizes = (2, *generator.integers(1, 20, generator.integers(1, 4)), 1)
        networks.append(
            [
                (
                    generator.integers(-2, 3, (n_out, n_in)).astype(np.float32),
                    generator.integers(-3, 4, n_out).astype(np.float32),
                )
                for n_in, n_out in pairwise(sizes)
            ]
        )
    packed = pack([topology([w != 0 for w, _ in layers]) for layers in networks], networks)
    for layers, counts in zip(
        networks, evaluate_networks(packed, dataset).active_points, strict=True
    ):
        assert counts.tolist() == count_active_points(layers, points)


def assert_counted(trained: Trained) -> None:
    expected = count_active_points(trained.layers, SPIRAL.points)
    difference = np.abs(np.subtract(trained.active_points, expected))
    assert difference.max() <= NEAR_ZERO
    assert 0 < max(expected) <= len(SPIRAL)


@pytest.mark.parametrize(
    "experiment",
    [
        Experiment(structure=(7, 3, 3), masks=("10|11|01|11|00|10|11",), epochs=1),
        Experiment(method="snip", width=16, target_nnz=40, epochs=1),  # neurons are left out
        Experiment(method="gmp", width=8, target_nnz=40, epochs=1),
        Experiment(method="gmp", width=96, target_nnz=9_000, epochs=1),  # matrix products
    ],
    ids=["search", "snip", "gmp", "dense"],
)
def test_cpu_trainers_count_neurons_of_the_whole_network(experiment: Experiment) -> None:
    (trained,) = train_fast([experiment], SPIRAL, {}, True)
    assert len(trained.active_points) == sum(trained.sizes[1:-1])
    assert_counted(trained)


def test_torch_counts_neurons_of_networks_of_different_sizes() -> None:
    experiments = [
        Experiment(structure=(7, 3, 3), epochs=1),
        Experiment(method="snip", width=5, target_nnz=30, epochs=1),
        Experiment(structure=(4, 4), epochs=1),
    ]
    for trained in train_torch(experiments, SPIRAL, "cpu", {}, steps=50):
        assert len(trained.active_points) == sum(trained.sizes[1:-1])
        assert_counted(trained)
