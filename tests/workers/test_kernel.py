"""The fast kernel compared with the reference trainer, on the same weights and batches."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from pruning.masks import explicit_masks
from search.experiment import Experiment
from search.layers import Layers
from tests.tolerance import STEP_TOLERANCE, assert_networks_agree
from workers.datasets import Dataset, load_dataset
from workers.fast import train_fast, train_networks
from workers.kernel.instruction_set import ARITHMETIC
from workers.kernel.measure import evaluate_networks
from workers.kernel.packing import pack, topology
from workers.kernel.simd import BLOCK, STRIPE
from workers.reference import train_reference
from workers.sparse import SparseNetworks
from workers.start import start_of

STEPS = 40
"""Number of steps before rounding separates two implementations of the same training."""

EMPTY_ROW = Experiment(structure=(3, 3, 2), masks=("10|11|00", "111|000|101"))
DEAD_NEURON = Experiment(structure=(3, 2), masks=("10|11|01", "110|010"))
EMPTY_LAYER = Experiment(structure=(3, 2), masks=("11|11|11", "000|000"))

CASES = {
    "dense 7x3x3": Experiment(structure=(7, 3, 3)),
    "dense 16x16x16": Experiment(structure=(16, 16, 16)),
    "masked 3x3x3": Experiment(structure=(3, 3, 3), masks=("10|11|01", "111|110|001")),
    "one hidden layer": Experiment(structure=(5,)),
    "five hidden layers": Experiment(structure=(4, 3, 5, 2, 3)),
    "single neurons": Experiment(structure=(1, 1, 1)),
    "a neuron without inputs": EMPTY_ROW,
    "a neuron without outputs": DEAD_NEURON,
    "a layer without weights": EMPTY_LAYER,
    "batch smaller than a block": Experiment(structure=(3, 3), batch_size=50),
    "batch of a block and a bit": Experiment(structure=(3, 3), batch_size=BLOCK + 1),
    "batch of several blocks": Experiment(structure=(3, 3), batch_size=3 * BLOCK),
    "batch of a stripe and a bit": Experiment(structure=(7, 3), batch_size=STRIPE + 1),
    "batch of several stripes": Experiment(structure=(3, 9, 3), batch_size=3 * STRIPE),
    "batch of one point": Experiment(structure=(3, 3), batch_size=1),
    "no momentum": Experiment(structure=(3, 3, 3), momentum=0.0),
    "strong decay": Experiment(structure=(3, 3, 3), weight_decay=0.05),
    "pruned": Experiment(method="snip", width=16, target_nnz=40),
    "pruned to few of many neurons": Experiment(method="synflow", width=64, target_nnz=30),
    "pruned from a Xavier-normal draw": Experiment(method="grasp", width=8, target_nnz=40),
    "pruned, with biases of neurons without outputs": Experiment(
        method="prospr", width=3, target_nnz=15
    ),
}


def trained_by_kernel(experiment: Experiment, dataset: Dataset, steps: int) -> Layers:
    """The network after `steps` steps of the kernel."""
    sparse = SparseNetworks([start_of(experiment, dataset, {})])
    train_networks(sparse.packed, [experiment], dataset, steps)
    return sparse.snapshots()[0].layers


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kernel_follows_the_reference_trainer(case: Experiment) -> None:
    dataset = load_dataset("cubist-spiral")
    reference = train_reference(case, dataset, steps=STEPS)
    assert_networks_agree(trained_by_kernel(case, dataset, STEPS), reference.layers, STEP_TOLERANCE)


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_later_epochs_follow_the_schedule(schedule: str) -> None:
    spiral = load_dataset("cubist-spiral")
    few = Dataset("few", spiral.points[::199].copy(), spiral.labels[::199].copy())
    case = Experiment(structure=(4, 3), schedule=schedule, epochs=10, batch_size=64)
    steps = 10 * few.steps_per_epoch(64)
    reference = train_reference(case, few, steps=steps)
    assert_networks_agree(trained_by_kernel(case, few, steps), reference.layers, STEP_TOLERANCE)


def test_kernel_trains_any_number_of_inputs() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(700, 5)).astype(np.float32)
    labels = (points[:, 0] > points[:, 3]).astype(np.float32)
    dataset = Dataset("five inputs", points, labels)
    case = Experiment(structure=(4, 3), batch_size=100)
    reference = train_reference(case, dataset, steps=20)
    assert_networks_agree(trained_by_kernel(case, dataset, 20), reference.layers, STEP_TOLERANCE)


def test_result_does_not_depend_on_the_other_networks_of_a_batch() -> None:
    dataset = load_dataset("cubist-spiral")
    case = Experiment(structure=(3, 3, 3), masks=("10|11|01",), epochs=1)
    candidates = [
        Experiment(structure=(n % 7 + 1, 3, n % 4 + 1), epochs=1, lr=0.001 * (n + 1))
        for n in range(800)
    ]
    mates = [other for other in candidates if other.order_stream == case.order_stream]
    assert mates, "no experiment shares the data order: nothing would be tested"
    alone = train_fast([case], dataset, {})[0]
    together = train_fast([*mates, *candidates[:5], case], dataset, {})[-1]
    for (weight, bias), (other_weight, other_bias) in zip(
        alone.layers, together.layers, strict=True
    ):
        np.testing.assert_array_equal(weight, other_weight)
        np.testing.assert_array_equal(bias, other_bias)
    assert (alone.accuracy, alone.loss) == (together.accuracy, together.loss)


def test_accuracy_and_loss_match_the_reference() -> None:
    dataset = load_dataset("cubist-spiral")
    for case in (CASES["dense 7x3x3"], CASES["a layer without weights"]):
        reference = train_reference(case, dataset, steps=300)
        shape = topology(explicit_masks(case, 2))
        networks = pack([shape], [reference.layers])
        losses, hits, _ = evaluate_networks(networks, dataset)
        assert evaluate_networks(networks, dataset, losses_only=True).losses == losses
        # A point with a logit near 0 may fall on either side.
        assert abs(hits[0] / len(dataset) - reference.accuracy) <= 2 / len(dataset)
        assert losses[0] / len(dataset) == pytest.approx(reference.loss, rel=1e-5)


def test_divergence_is_detected() -> None:
    dataset = load_dataset("cubist-spiral")
    wild = Experiment(structure=(8, 8, 8), lr=1e20, schedule="constant", epochs=1)
    tame = Experiment(structure=(8, 8, 8), epochs=1)
    trained = train_fast([wild, tame], dataset, {})
    assert [result.diverged for result in trained] == [True, False]


def test_masked_weights_and_padding_stay_zero() -> None:
    dataset = load_dataset("cubist-spiral")
    large = Experiment(structure=(16, 16, 16), epochs=1)
    small = Experiment(structure=(3, 3, 3), masks=("10|11|01", "100|010|001"), epochs=1)
    sparse = SparseNetworks([start_of(e, dataset, {}) for e in (large, small)])
    networks = sparse.packed
    train_networks(networks, [large, small], dataset, steps=30)
    weight = sparse.snapshots()[1].layers[0][0]
    np.testing.assert_array_equal(weight != 0, [[True, False], [True, True], [False, True]])
    used = int(networks.edges[1]) + 9 + 1
    start = int(networks.parameter_start[1])
    padding = networks.parameters[start + used : start + int(networks.parameter_count[1])]
    assert len(padding) > 0
    np.testing.assert_array_equal(padding, 0)


@pytest.mark.parametrize(
    ("features", "expected"),
    [("+avx2,+fma", "avx2 8 64"), ("+sse2", "generic 4 16")],
)
def test_other_processors_train_the_same_networks(features: str, expected: str) -> None:
    program = """
import numpy as np
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.kernel.simd import BLOCK, INSTRUCTION_SET, LANES
from tests.workers.test_kernel import trained_by_kernel
case = Experiment(structure=(7, 3, 3), masks=("10|11|01|11|11|10|01",))
layers = trained_by_kernel(case, load_dataset("cubist-spiral"), 40)
print(INSTRUCTION_SET, LANES, BLOCK)
print(*(value.hex() for layer in layers for array in layer for value in array.ravel().tolist()))
"""
    environment = os.environ | {"NUMBA_CPU_FEATURES": features, "NUMBA_CPU_NAME": "generic"}
    environment.pop(ARITHMETIC, None)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    instruction_set, values = done.stdout.splitlines()
    assert instruction_set == expected
    case = Experiment(structure=(7, 3, 3), masks=("10|11|01|11|11|10|01",))
    here = trained_by_kernel(case, load_dataset("cubist-spiral"), 40)
    flat = np.concatenate([array.ravel() for layer in here for array in layer])
    there = np.array([float.fromhex(value) for value in values.split()])
    np.testing.assert_allclose(there, flat, rtol=1e-3, atol=1e-5)
