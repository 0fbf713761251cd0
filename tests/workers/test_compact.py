from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pruning.protocol import Snapshot
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.fast import train_networks
from workers.kernel.packing import pack, topology, unpack
from workers.sparse import SparseNetworks
from workers.start import start_of


@pytest.mark.parametrize(
    ("method", "width"), [("snip", 16), ("synflow", 32), ("grasp", 8), ("prospr", 3)]
)
def test_leaving_neurons_out_changes_no_bit(method: str, width: int) -> None:
    experiment = Experiment(method=method, width=width, target_nnz=17, lr=0.1)
    start = start_of(experiment, load_dataset("cubist-spiral"), {})
    sparse = SparseNetworks([start])
    whole = pack([topology(start.weight_masks)], [start.layers])
    for networks in (sparse.packed, whole):
        train_networks(networks, [experiment], load_dataset("cubist-spiral"), steps=100)
    (trained,) = sparse.snapshots()
    weights, biases = unpack(whole, 0)
    kept = zip(trained.layers, start.weight_masks, strict=True)
    np.testing.assert_array_equal(
        np.concatenate([weight[mask] for (weight, _), mask in kept]), weights
    )
    masks = np.concatenate(start.bias_masks)
    without = np.concatenate([bias for _, bias in trained.layers])
    np.testing.assert_array_equal(without[masks], biases[masks])
    for (weight, bias), (first_weight, first_bias) in zip(
        trained.layers, start.layers, strict=True
    ):
        # Masked weights and biases are exactly zero after training too.
        assert not weight[first_weight == 0].any()
        assert not bias[first_bias == 0].any()
    if width > 3:
        assert sparse.packed.hidden[0] < 2 * 17


def test_network_without_masked_biases_keeps_all_neurons() -> None:
    experiment = Experiment(structure=(3, 2), masks=("10|00|11", "000|000"))
    start = start_of(experiment, load_dataset("cubist-spiral"), {})
    assert SparseNetworks([start]).packed.hidden[0] == 5


def test_neuron_with_only_incoming_weights_keeps_them() -> None:
    layers = [
        (np.ones((2, 2), np.float32), np.ones(2, np.float32)),
        (np.ones((1, 2), np.float32), np.ones(1, np.float32)),
    ]
    masks = [np.array([[1, 0], [0, 1]], np.bool_), np.array([[1, 0]], np.bool_)]
    biases = [np.array([1, 0], np.bool_), np.array([1], np.bool_)]
    packed = SparseNetworks([Snapshot(layers, layers, masks, biases)]).packed
    assert (packed.hidden[0], packed.edges[0]) == (2, 3)


def test_masked_bias_that_would_be_trained_is_refused() -> None:
    start = start_of(Experiment(structure=(3, 2)), load_dataset("cubist-spiral"), {})
    biases = [mask.copy() for mask in start.bias_masks]
    biases[1][0] = False
    with pytest.raises(ValueError, match="hidden layer 1"):
        SparseNetworks([replace(start, bias_masks=biases)])
    biases = [mask.copy() for mask in start.bias_masks]
    biases[-1][0] = False
    with pytest.raises(ValueError, match="output"):
        SparseNetworks([replace(start, bias_masks=biases)])
