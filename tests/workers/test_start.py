from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.experiment import Experiment, InitScheme
from workers.datasets import Dataset, load_dataset
from workers.initial import initial_network, normal_network, starting_network
from workers.orders import permutation
from workers.start import pruning_batches, start_of


@pytest.fixture
def few() -> Dataset:
    spiral = load_dataset("cubist-spiral")
    return Dataset("few", spiral.points[::166].copy(), spiral.labels[::166].copy())


def test_search_masks_weights_and_keeps_all_biases(few: Dataset) -> None:
    start = start_of(Experiment(structure=(3, 2), masks=("10|00|11",)), few, {})
    assert start.weight_masks[0].tolist() == [[True, False], [False, False], [True, True]]
    assert all(mask.all() for mask in start.bias_masks)
    assert (start.layers[0][0] != 0).tolist() == start.weight_masks[0].tolist()
    assert all(bias.all() for _, bias in start.layers)


def test_pruning_batches_follow_their_stream(few: Dataset) -> None:
    experiment = Experiment(method="snip", width=3, target_nnz=15)
    steps = few.steps_per_epoch(128)
    assert len(few) > 128 * steps
    batches = list(islice(pruning_batches(experiment, few), 2 * steps))
    order = np.empty(len(few), np.uint32)
    for number in range(2):
        permutation(experiment.seed("pruning"), number, order)
        for step in range(steps):
            points, labels = batches[number * steps + step]
            indices = order[128 * step : 128 * (step + 1)]
            np.testing.assert_array_equal(points.numpy(), few.points[indices])
            np.testing.assert_array_equal(labels.numpy(), few.labels[indices])
    assert not torch.equal(batches[0][0], batches[steps][0])


def test_pruning_and_training_use_different_orders(few: Dataset) -> None:
    experiment = Experiment(method="snip", width=3, target_nnz=15)
    assert experiment.seed("pruning") != experiment.order_seed


def test_batch_larger_than_the_data_set_is_refused_before_pruning(few: Dataset) -> None:
    experiment = Experiment(method="snip", width=3, target_nnz=15, batch_size=1000)
    with pytest.raises(ValueError, match="1000"):
        start_of(experiment, few, {})


def test_training_for_the_search_does_not_import_torch() -> None:
    code = (
        "import sys; from search.experiment import Experiment; from workers.train import *;"
        "from workers.cost import *; e = Experiment(structure=(1, 1, 1), epochs=1);"
        "train_batch([e]); experiment_cost(e);"
        "experiment_cost(Experiment(method='snip', target_nnz=15));"
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("scheme", ["kaiming", "xavier"])
def test_normal_weights_have_the_deviation_of_their_scheme(
    scheme: Literal["kaiming", "xavier"],
) -> None:
    def deviation(weight: NDArray[np.float32]) -> float:
        n_out, n_in = weight.shape
        return float(np.sqrt(2 / (n_in + n_out if scheme == "xavier" else n_in)))

    experiment = Experiment(method="gmp", width=64, target_nnz=40, init_scheme=scheme)
    fresh = initial_network(experiment)
    drawn = starting_network(experiment, {})
    for (weight, bias), (_, fresh_bias) in zip(drawn, fresh, strict=True):
        np.testing.assert_array_equal(bias, fresh_bias)
        assert weight.dtype == np.float32
        z = weight / deviation(weight)
        spread = 4 / np.sqrt(z.size)
        assert abs(z.mean()) < spread
        assert abs(z.std() - 1) < spread
    z = np.concatenate([(w / deviation(w)).ravel() for w, _ in drawn])
    # 8,384 normal numbers; each tolerance is 4 standard errors.
    for limit, share in [(0.5, 0.3829), (1.0, 0.6827), (2.0, 0.9545), (3.0, 0.9973)]:
        error = 4 * np.sqrt(share * (1 - share) / z.size)
        assert abs((np.abs(z) < limit).mean() - share) < error
    # Consecutive weights are uncorrelated.
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4 / np.sqrt(z.size)


def test_scheme_replaces_that_of_the_method() -> None:
    torch_snip = Experiment(method="snip", width=16, target_nnz=40, init_scheme="torch")
    uniform = initial_network(torch_snip)
    for (weight, _), (expected, _) in zip(starting_network(torch_snip, {}), uniform, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize(("method", "scheme"), [("snip", "xavier"), ("gmp", "torch")])
def test_experiment_has_one_description(method: str, scheme: InitScheme) -> None:
    with pytest.raises(ValueError, match=scheme):
        starting_network(Experiment(method=method, target_nnz=40, init_scheme=scheme), {})
    with pytest.raises(ValueError, match="structure=None and width=8"):
        starting_network(Experiment(method=method, structure=(8, 8, 8), width=8), {})
    with pytest.raises(ValueError, match="width=8"):
        starting_network(Experiment(method=method, structure=(8, 4), width=16), {})


def test_scheme_of_stored_weights_is_refused() -> None:
    experiment = Experiment(method="gmp", init="mine:00", init_scheme="kaiming")
    with pytest.raises(ValueError, match="kaiming"):
        starting_network(experiment, {})


def test_only_snip_and_grasp_start_from_xavier_weights(few: Dataset) -> None:
    for method, drawn in [("snip", True), ("grasp", True), ("force", False), ("prospr", False)]:
        experiment = Experiment(method=method, width=16, target_nnz=40)
        start = start_of(experiment, few, {})
        uniform = initial_network(experiment)
        expected = normal_network(experiment, uniform, "xavier") if drawn else uniform
        for (weight, _), (source, _), mask in zip(
            start.layers, expected, start.weight_masks, strict=True
        ):
            np.testing.assert_array_equal(weight, source * mask)
