from __future__ import annotations

import numpy as np

from pruning.masks import bias_masks, prospr_bias_masks


def test_bias_of_a_neuron_without_outgoing_weights_is_masked() -> None:
    first = np.array([[1, 1], [0, 0], [0, 1]], np.bool_)
    second = np.array([[1, 1, 0], [0, 0, 0]], np.bool_)
    last = np.array([[0, 1]], np.bool_)
    masks = bias_masks([first, second, last])
    # Decided by the weights that leave a neuron, not those that enter it.
    assert [mask.tolist() for mask in masks] == [[True, True, False], [False, True], [True]]


def test_prospr_keeps_the_biases_that_the_authors_keep() -> None:
    for width, masked_layers in [(1, []), (2, [0]), (3, [0, 1]), (4, [0, 1, 2])]:
        shapes = [(width, 2), (width, width), (width, width), (1, width)]
        masks = prospr_bias_masks([np.zeros(shape, np.bool_) for shape in shapes])
        assert [layer for layer, mask in enumerate(masks[:-1]) if not mask.any()] == masked_layers
        assert masks[-1].all()
