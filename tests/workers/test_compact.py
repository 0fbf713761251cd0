from __future__ import annotations

import numpy as np
import pytest

from search.experiment import Experiment
from search.layers import Layers
from workers.compact import compacted
from workers.datasets import load_dataset
from workers.fast import train_networks, trained_network
from workers.kernel.packing import pack, topology
from workers.start import Start, start_of


def _trained(experiment: Experiment, start: Start, small: Start) -> Layers:
    shape = topology(small.weight_masks)
    networks = pack([shape], [small.layers])
    train_networks(networks, [experiment], load_dataset("cubist-spiral"), steps=100)
    return trained_network(networks, 0, start, small, 0.0, 0.0, 1, 0.0).layers


@pytest.mark.parametrize(
    ("method", "width"), [("snip", 16), ("synflow", 32), ("grasp", 8), ("prospr", 3)]
)
def test_leaving_neurons_out_changes_no_bit(method: str, width: int) -> None:
    experiment = Experiment(method=method, width=width, target_nnz=17, lr=0.1)
    start = start_of(experiment, load_dataset("cubist-spiral"), {})
    small = compacted(start)
    with_all = _trained(experiment, start, start)
    without = _trained(experiment, start, small)
    for ours, theirs, (weight, bias) in zip(without, with_all, start.layers, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
        # Masked weights and biases are exactly zero after training too.
        assert not ours[0][weight == 0].any()
        assert not ours[1][bias == 0].any()
    if width > 3:
        assert topology(small.weight_masks).hidden < 2 * 17


def test_network_without_masked_biases_is_returned_as_it_is() -> None:
    experiment = Experiment(structure=(3, 2), masks=("10|00|11", "000|000"))
    start = start_of(experiment, load_dataset("cubist-spiral"), {})
    assert compacted(start) is start


def test_neuron_with_only_incoming_weights_keeps_them() -> None:
    layers = [
        (np.ones((2, 2), np.float32), np.ones(2, np.float32)),
        (np.ones((1, 2), np.float32), np.ones(1, np.float32)),
    ]
    masks = [np.array([[1, 0], [0, 1]], np.bool_), np.array([[1, 0]], np.bool_)]
    biases = [np.array([1, 0], np.bool_), np.array([1], np.bool_)]
    small = compacted(Start(layers, masks, biases))
    assert [mask.shape for mask in small.weight_masks] == [(2, 2), (1, 2)]


def test_masked_bias_that_would_be_trained_is_refused() -> None:
    start = start_of(Experiment(structure=(3, 2)), load_dataset("cubist-spiral"), {})
    biases = [mask.copy() for mask in start.bias_masks]
    biases[1][0] = False
    with pytest.raises(ValueError, match="hidden layer 1"):
        compacted(Start(start.layers, start.weight_masks, biases))
    biases = [mask.copy() for mask in start.bias_masks]
    biases[-1][0] = False
    with pytest.raises(ValueError, match="output"):
        compacted(Start(start.layers, start.weight_masks, biases))
