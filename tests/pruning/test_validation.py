"""Validation of the masks and networks that algorithms return."""

from __future__ import annotations

import numpy as np
import pytest

from pruning.protocol import Snapshot
from pruning.validation import check_masks, check_snapshot, extras_text


def test_masks_with_wrong_shapes_or_types_are_refused() -> None:
    layers = [
        (np.zeros((n_out, n_in), np.float32), np.zeros(n_out, np.float32))
        for n_in, n_out in ((2, 4), (4, 1))
    ]
    weights = [np.ones((4, 2), np.bool_), np.ones((1, 4), np.bool_)]
    biases = [np.ones(4, np.bool_), np.ones(1, np.bool_)]
    check_masks("mine", weights, biases, layers)
    check_snapshot("mine", Snapshot(layers, layers, weights, biases), layers)
    with pytest.raises(ValueError, match=r"'mine' .*weight masks .* bool \[2, 4\]"):
        check_masks("mine", [weights[0].T, weights[1]], biases, layers)
    with pytest.raises(ValueError, match=r"bias masks .*bool \[4\].*bool \[1\]"):
        check_masks("mine", weights, biases[:1], layers)
    with pytest.raises(ValueError, match=r"weight masks .*float32"):
        check_masks("mine", [weight for weight, _ in layers], biases, layers)  # type: ignore[misc]
    doubled = [(weight.astype(np.float64), bias) for weight, bias in layers]
    with pytest.raises(ValueError, match=r"weights' velocities .*float64"):
        check_snapshot("mine", Snapshot(layers, doubled, weights, biases), layers)  # type: ignore[arg-type]


def test_extras_are_json_with_sorted_keys() -> None:
    assert extras_text("mine", {}) is None
    assert extras_text("mine", {"b": [1, "x"], "a": 0.5}) == '{"a": 0.5, "b": [1, "x"]}'


@pytest.mark.parametrize(
    "extras", [{"a": float("nan")}, {"a": object()}, {"a": "x" * 10_000}, {"a": np.float32(1)}]
)
def test_extras_that_cannot_be_stored_are_refused(extras: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="'mine' returned extras"):
        extras_text("mine", extras)
