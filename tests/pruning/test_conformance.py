"""What every method that chooses its masks must satisfy; a new one is taken in by the registry."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from pruning.biases import bias_masks, prospr_bias_masks
from pruning.registry import METHODS
from pruning.selection import by_layer
from search.experiment import Experiment
from search.sizes import dense_weights
from workers.course import course_of, train_course
from workers.datasets import Dataset, load_dataset
from workers.initial import StoredInit, initial_network, starting_network
from workers.start import Start, start_of
from workers.train import train_batch

NAMES = [name for name, method in METHODS.items() if method.prunes != "given"]
BEFORE = [name for name in NAMES if METHODS[name].prunes == "before"]

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


def experiment_of(name: str, width: int, target: int, replicate: int = 0) -> Experiment:
    return Experiment(
        method=name, width=width, target_nnz=target, lr=0.1, replicate=replicate, epochs=1
    )


def expected_of_rigl(n: int, k: int) -> int:
    """Weights left by densities in proportion to (n_in + n_out) / (n_in * n_out)."""
    width = next(w for w in range(1, 300) if dense_weights(2, (w,) * 3) == n)
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


def settled(experiment: Experiment, spiral: Dataset) -> Start:
    """The network and its masks where the masks do not change any more."""
    if experiment.method in BEFORE:
        return start_of(experiment, spiral, {})
    trained = train_course(experiment, spiral, *course_of(experiment, spiral, {}))
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(trained.sizes)]
    weights = np.zeros(sum(n_out * n_in for n_out, n_in in shapes), np.bool_)
    biases = np.zeros(sum(n_out for n_out, _ in shapes), np.bool_)
    weights[trained.weight_index] = True
    biases[trained.bias_index] = True
    bias_ends = np.cumsum([n_out for n_out, _ in shapes])[:-1]
    return Start(trained.layers, by_layer(weights, shapes), np.split(biases, bias_ends))


def flat(start: Start) -> list[bool]:
    masks = [*start.weight_masks, *start.bias_masks]
    return [bool(kept) for mask in masks for kept in mask.ravel()]


@pytest.mark.parametrize("width", [3, 8, 64, 256])
@pytest.mark.parametrize("name", NAMES)
def test_masks_do_not_fit_the_network(name: str, width: int, spiral: Dataset) -> None:
    start = settled(experiment_of(name, width, 20), spiral)
    widths = (2, width, width, width, 1)
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(widths)]
    assert [mask.shape for mask in start.weight_masks] == shapes
    assert [mask.shape for mask in start.bias_masks] == [shape[:1] for shape in shapes]
    assert all(mask.dtype == np.bool_ for mask in [*start.weight_masks, *start.bias_masks])


@pytest.mark.parametrize("name", NAMES)
def test_number_of_weights_is_not_the_authors(name: str, spiral: Dataset) -> None:
    for replicate in range(4):
        start = settled(experiment_of(name, 16, 40, replicate), spiral)
        left = sum(int(mask.sum()) for mask in start.weight_masks)
        assert left == LEFT_BY_THE_AUTHORS[name]


@pytest.mark.parametrize(("width", "target"), [(7, 23), (8, 30), (32, 33), (64, 57), (256, 65)])
@pytest.mark.parametrize("name", NAMES)
def test_number_of_weights_is_not_the_rule_s(
    name: str, width: int, target: int, spiral: Dataset
) -> None:
    start = settled(experiment_of(name, width, target), spiral)
    left = sum(int(mask.sum()) for mask in start.weight_masks)
    assert left == expected_count(name, dense_weights(2, (width,) * 3), target)


@pytest.mark.parametrize("name", NAMES)
def test_something_else_than_the_seeds_decides(name: str, spiral: Dataset) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    first = settled(experiment_of(name, 8, 30), spiral)
    torch.manual_seed(1)
    np.random.seed(1)
    second = settled(experiment_of(name, 8, 30), spiral)
    assert flat(first) == flat(second)
    for ours, theirs in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert flat(first) != flat(settled(experiment_of(name, 8, 30, replicate=1), spiral))


@pytest.mark.parametrize("name", NAMES)
def test_number_of_threads_decides(name: str, spiral: Dataset) -> None:
    threads = torch.get_num_threads()
    kept = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            kept.append(flat(settled(experiment_of(name, 256, 40), spiral)))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert kept[0] == kept[1]


@pytest.mark.parametrize("width", [3, 16])
@pytest.mark.parametrize("name", NAMES)
def test_biases_do_not_follow_the_rule(name: str, width: int, spiral: Dataset) -> None:
    rule = prospr_bias_masks if name == "prospr" else bias_masks
    for replicate in range(3):
        start = settled(experiment_of(name, width, 18, replicate), spiral)
        for ours, expected in zip(start.bias_masks, rule(start.weight_masks), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", BEFORE)
def test_start_is_not_the_masked_initial_network(name: str, spiral: Dataset) -> None:
    experiment = experiment_of(name, 8, 30)
    start = start_of(experiment, spiral, {})
    initial = starting_network(experiment, {})
    masks = zip(start.weight_masks, start.bias_masks, strict=True)
    for (weight, bias), (initial_weight, initial_bias), (weight_mask, bias_mask) in zip(
        start.layers, initial, masks, strict=True
    ):
        np.testing.assert_array_equal(weight, initial_weight * weight_mask)
        np.testing.assert_array_equal(bias, initial_bias * bias_mask)


@pytest.mark.parametrize("name", BEFORE)
def test_stored_initialisation_is_drawn_anew(name: str, spiral: Dataset) -> None:
    stored = StoredInit("mine", "0" * 16, initial_network(Experiment()))
    experiment = replace(experiment_of(name, 16, 40), init=stored.token)
    start = start_of(experiment, spiral, {stored.token: stored})
    for (weight, bias), (stored_weight, stored_bias) in zip(
        start.layers, stored.layers, strict=True
    ):
        assert set(weight[weight != 0].tolist()) <= set(stored_weight.ravel().tolist())
        assert set(bias[bias != 0].tolist()) <= set(stored_bias.tolist())


@pytest.mark.parametrize("name", NAMES)
def test_collapsed_network_stops_a_sweep(name: str) -> None:
    # No gradient reaches any weight: scores are 0, or 0/0.
    dead = [(np.zeros_like(w), np.full_like(b, -1)) for w, b in initial_network(Experiment())]
    stored = StoredInit("dead", "0" * 16, dead)
    experiments = [replace(experiment_of(name, width, 15), init=stored.token) for width in (3, 16)]
    for row in train_batch(experiments, {stored.token: stored}).to_pylist():
        assert row["status"] == "collapsed"
        assert row["effective_nnz"] == 0
        assert row["disconnected_nnz"] == row["weight_nnz"]
        assert row["connection"] != "path"
        assert row["used_neurons"] == [0, 0, 0]
        assert 0.4 < row["accuracy"] < 0.6


@pytest.mark.parametrize("name", NAMES)
def test_batch_mates_change_a_row(name: str) -> None:
    case = experiment_of(name, 16, 40)
    candidates = [
        replace(case, method=mate, width=width, lr=0.001 * n)
        for mate in NAMES
        for width in (4, 16)
        for n in range(1, 40)
    ]
    candidates += [Experiment(structure=(3, n, 2), epochs=1) for n in range(1, 17)]
    mates = [other for other in candidates if other.order_stream == case.order_stream]
    assert mates, "no experiment shares the data order: nothing would be tested"
    rows = train_batch([*mates, candidates[0], case]).to_pylist()
    (alone,) = train_batch([case]).to_pylist()
    for row in (alone, rows[-1]):
        del row["train_ms"]
    assert rows[-1] == alone


@pytest.mark.parametrize("name", NAMES)
def test_row_holds_another_network_than_was_trained(name: str) -> None:
    (row,) = train_batch([experiment_of(name, 16, 40)]).to_pylist()
    assert row["layers"] == [2, 16, 16, 16, 1]
    assert len(row["weights"]) == len(row["weight_index"]) == LEFT_BY_THE_AUTHORS[name]
    assert row["weight_nnz"] == np.count_nonzero(row["weights"])
    assert row["model_nnz"] == row["weight_nnz"] + np.count_nonzero(row["biases"])
    assert len(row["biases"]) == len(row["bias_index"]) < 49
    assert row["bias_index"][-1] == 48
    assert row["target_nnz"] == 40
    assert row["structure"] is None


@pytest.mark.parametrize("target", [None, 0, 27, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_impossible_target_is_taken(name: str, target: int | None, spiral: Dataset) -> None:
    experiment = Experiment(method=name, width=3, target_nnz=target)
    with pytest.raises(ValueError, match=rf"target_nnz {target} .*{name}.*1 to 26"):
        settled(experiment, spiral)


@pytest.mark.parametrize("name", NAMES)
def test_given_masks_are_ignored(name: str, spiral: Dataset) -> None:
    experiment = Experiment(method=name, width=3, target_nnz=15, masks=("11|11|10",))
    with pytest.raises(ValueError, match="chooses its masks itself"):
        settled(experiment, spiral)


@pytest.mark.parametrize("name", NAMES)
def test_sweep_file_offers_the_method_other_keys(name: str) -> None:
    assert METHODS[name].keys == {"target_nnz"}


@pytest.mark.parametrize("name", NAMES)
def test_plan_takes_the_method_to_cost_nothing(name: str) -> None:
    assert min(METHODS[name].cost) > 0
