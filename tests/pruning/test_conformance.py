"""Requirements on every method that chooses masks; new methods are included automatically."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pruning.masks import bias_masks, prospr_bias_masks
from search.method import TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET
from search.methods import METHODS
from search.paper import paper_study
from search.structure import Structure
from workers.conformance import METHOD_CHECKS, Check, pruned_experiment, with_final_masks
from workers.datasets import Dataset, load_dataset
from workers.train import train_batch

NAMES = [name for name, method in METHODS.items() if method.chooses_masks]

PAPER_NAMES = [name for name in NAMES if name in paper_study("overparam").values("method")]

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
"""Number of weights left for width 16 and target 40 without ties (docs/paper.md, section 5). RigL:
unmasked weights, of which 36 to 41 were nonzero."""


def expected_count(name: str, n: int, k: int) -> int:
    """Return the number of weights left of n without ties (docs/paper.md, section 5)."""
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
def test_method_passes_the_conformance_check(name: str, check: Check) -> None:
    check(name)


def expected_of_rigl(n: int, k: int) -> int:
    """Return the number of weights left by densities proportional to (n_in + n_out) / (n_in *
    n_out)."""
    width = next(w for w in range(1, 300) if Structure.uniform(w).weights(2) == n)
    sizes = [2 * width, width * width, width * width, width]
    raw = [(2 + width) / sizes[0], 2 * width / sizes[1], 2 * width / sizes[2], (1 + width) / width]
    dense: list[int] = []
    while True:
        free = [layer for layer in range(4) if layer not in dense]
        remaining = sum(sizes[layer] * (k / n) for layer in free)
        remaining -= sum(sizes[layer] * (1 - k / n) for layer in dense)
        scale = remaining / sum(raw[layer] * sizes[layer] for layer in free)
        if max(raw[layer] for layer in free) * scale <= 1:
            break
        dense.append(max(free, key=lambda layer: raw[layer]))
    densities = [1.0 if layer in dense else raw[layer] * scale for layer in range(4)]
    return sum(
        size - int((1 - density) * size) for size, density in zip(sizes, densities, strict=True)
    )


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_number_of_weights_agrees_with_the_authors(name: str, spiral: Dataset) -> None:
    for replicate in range(4):
        start = with_final_masks(pruned_experiment(name, 16, 40, replicate), spiral)
        left = sum(int(mask.sum()) for mask in start.weight_masks)
        assert left == LEFT_BY_THE_AUTHORS[name]


@pytest.mark.parametrize(
    ("name", "width", "target"),
    [
        (name, width, target)
        for name in PAPER_NAMES
        for width, target in [(7, 23), (8, 30), (32, 33), (64, 57), (256, 65)]
        # Training 133,000 weights takes seconds; test_slow_during.py has the counts of all widths.
        if width < 256 or METHODS[name].prunes == "before"
    ],
)
def test_number_of_weights_agrees_with_the_formula(
    name: str, width: int, target: int, spiral: Dataset
) -> None:
    start = with_final_masks(pruned_experiment(name, width, target), spiral)
    left = sum(int(mask.sum()) for mask in start.weight_masks)
    assert left == expected_count(name, Structure.uniform(width).weights(2), target)


@pytest.mark.parametrize(("width", "target"), [(3, 20), (8, 30), (64, 57)])
@pytest.mark.parametrize("name", ["elimination", "neuron-elimination", "obs", "obs-gradual"])
def test_at_most_the_target_is_kept_and_only_weights_on_paths(
    name: str, width: int, target: int
) -> None:
    experiments = [pruned_experiment(name, width, target, n) for n in range(2)]
    for row in train_batch(experiments).to_pylist():
        # One-shot OBS does not train its pruned network, which may be constant.
        assert row["status"] == "ok" or (name, row["status"]) == ("obs", "collapsed")
        assert (row["effective_nnz"] > 0) == (row["status"] == "ok")
        assert row["effective_nnz"] == row["weight_nnz"] <= target


@pytest.mark.parametrize(("width", "target"), [(3, 20), (8, 30), (64, 57)])
@pytest.mark.parametrize("name", ["lrr", "granet"])
def test_exactly_the_target_is_kept(name: str, width: int, target: int, spiral: Dataset) -> None:
    start = with_final_masks(pruned_experiment(name, width, target), spiral)
    assert sum(int(mask.sum()) for mask in start.weight_masks) == target


@pytest.mark.parametrize("name", NAMES)
def test_biases_follow_the_rule(name: str, spiral: Dataset) -> None:
    rule = prospr_bias_masks if name == "prospr" else bias_masks
    for width, replicate in ((3, 0), (3, 1), (16, 0)):
        start = with_final_masks(pruned_experiment(name, width, 18, replicate), spiral)
        for ours, expected in zip(start.bias_masks, rule(start.weight_masks), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", NAMES)
def test_method_has_a_target_or_none(name: str) -> None:
    assert METHODS[name].keys in (TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET)


@pytest.mark.parametrize("name", NAMES)
def test_method_has_a_cost(name: str) -> None:
    assert min(METHODS[name].cost) > 0
