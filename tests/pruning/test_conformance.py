"""What every method that chooses its masks must satisfy; a new one is taken in by the registry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruning.biases import bias_masks, prospr_bias_masks
from search.methods import METHODS
from search.structure import Structure
from workers.conformance import METHOD_CHECKS, Check, pruned_experiment, with_final_masks
from workers.datasets import Dataset, load_dataset

NAMES = [name for name, method in METHODS.items() if method.chooses_masks]

LEFT_BY_THE_AUTHORS = {
    "snip": 40,
    "grasp": 40,
    "synflow": 39,
    "iter-snip": 38,
    "force": 38,
    "prospr": 40,
    "gmp": 38,
    "lth": 39,
    "rigl": 41,
}
"""Weights left of width 16 with target 40 (docs/paper.md, section 5), without ties. RigL: weights
that are not masked, of which 36 to 41 were nonzero."""


def expected_count(name: str, n: int, k: int) -> int:
    """Weights left of n, without ties: docs/paper.md, section 5, once more."""
    if name == "snip":
        return int(n * (k / n))
    if name == "grasp":
        return n - int(n * (1 - (1 - (1 - k / n))))
    if name == "prospr":
        return math.ceil(n * (1 - (1 - k / n)))
    if name == "gmp":
        return k - 2
    if name == "lth":
        return int(n * (k / n) ** (4 / 4)) - 1
    if name == "rigl":
        return expected_of_rigl(n, k)
    if name == "synflow":
        return n - int(n - k ** (100 / 100) / n ** (100 / 100 - 1)) - 1
    return int(n * math.exp(-(10 * (0 - math.log(k / n)) / 10))) - 1


@pytest.fixture(scope="module")
def spiral() -> Dataset:
    return load_dataset("cubist-spiral")


@pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_method_keeps_the_contract(name: str, check: Check) -> None:
    check(name)


def expected_of_rigl(n: int, k: int) -> int:
    """Weights left by densities in proportion to (n_in + n_out) / (n_in * n_out)."""
    width = next(w for w in range(1, 300) if Structure.uniform(w).weights(2) == n)
    sizes = [2 * width, width * width, width * width, width]
    raw = [(2 + width) / sizes[0], 2 * width / sizes[1], 2 * width / sizes[2], (1 + width) / width]
    dense: list[int] = []
    while True:
        free = [layer for layer in range(4) if layer not in dense]
        wanted = sum(sizes[layer] * (k / n) for layer in free)
        wanted -= sum(sizes[layer] * (1 - k / n) for layer in dense)
        scale = wanted / sum(raw[layer] * sizes[layer] for layer in free)
        if max(raw[layer] for layer in free) * scale <= 1:
            break
        dense.append(max(free, key=lambda layer: raw[layer]))
    densities = [1.0 if layer in dense else raw[layer] * scale for layer in range(4)]
    return sum(
        size - int((1 - density) * size) for size, density in zip(sizes, densities, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_number_of_weights_is_not_the_authors(name: str, spiral: Dataset) -> None:
    for replicate in range(4):
        start = with_final_masks(pruned_experiment(name, 16, 40, replicate), spiral)
        left = sum(int(mask.sum()) for mask in start.weight_masks)
        assert left == LEFT_BY_THE_AUTHORS[name]


@pytest.mark.parametrize(("width", "target"), [(7, 23), (8, 30), (32, 33), (64, 57), (256, 65)])
@pytest.mark.parametrize("name", NAMES)
def test_number_of_weights_is_not_the_rule_s(
    name: str, width: int, target: int, spiral: Dataset
) -> None:
    start = with_final_masks(pruned_experiment(name, width, target), spiral)
    left = sum(int(mask.sum()) for mask in start.weight_masks)
    assert left == expected_count(name, Structure.uniform(width).weights(2), target)


@pytest.mark.parametrize("width", [3, 16])
@pytest.mark.parametrize("name", NAMES)
def test_biases_do_not_follow_the_rule(name: str, width: int, spiral: Dataset) -> None:
    rule = prospr_bias_masks if name == "prospr" else bias_masks
    for replicate in range(3):
        start = with_final_masks(pruned_experiment(name, width, 18, replicate), spiral)
        for ours, expected in zip(start.bias_masks, rule(start.weight_masks), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", NAMES)
def test_sweep_file_offers_the_method_other_keys(name: str) -> None:
    assert METHODS[name].keys == {"target_nnz"}


@pytest.mark.parametrize("name", NAMES)
def test_plan_takes_the_method_to_cost_nothing(name: str) -> None:
    assert min(METHODS[name].cost) > 0
