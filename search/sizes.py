"""Sizes of dense networks with one output."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def dense_weights(inputs: int, hidden: Sequence[int]) -> int:
    """Weights of the network with these hidden layers, biases not counted."""
    return sum(rows * cols for cols, rows in pairwise((inputs, *hidden, 1)))


def dense_parameters(inputs: int, hidden: Sequence[int]) -> int:
    """Weights and biases of the network with these hidden layers."""
    return dense_weights(inputs, hidden) + sum(hidden) + 1
