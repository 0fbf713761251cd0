"""The shape of a network: the sizes of its hidden layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import mul
from typing import Self

MAX_DEPTH = 64
"""Maximum number of hidden layers."""

DEFAULT_DEPTH = 3
"""Number of hidden layers of the paper's networks."""

STRUCTURE_FORMAT = f"the neurons of 1 to {MAX_DEPTH} hidden layers such as '7x3x3'"
"""Description of the text that `Structure.parse` accepts."""


def count_weights(sizes: Sequence[int]) -> int:
    """Return the number of weights of a dense network, given the neurons of each layer."""
    return sum(map(mul, sizes, sizes[1:]))


class Structure(tuple[int, ...]):
    """Neurons in each hidden layer, input side first; written as 7x3x3.

    It is a tuple, so that it compares, hashes and serialises as one. The number of outputs follows
    from the data set (`search.datasets.DatasetSpec.outputs`); it is 1 for two classes.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the structure that a text such as 7x3x3 describes; a ValueError for others."""
        layers = text.split("x")
        if len(layers) > MAX_DEPTH or not all(re.fullmatch("[1-9][0-9]{0,8}", n) for n in layers):
            raise ValueError(f"not a structure: {text!r}")
        return cls(map(int, layers))

    @classmethod
    def uniform(cls, width: int, depth: int = DEFAULT_DEPTH) -> Self:
        """Return `depth` hidden layers of the same width."""
        return cls((width,) * depth)

    @property
    def as_whole(self) -> tuple[Self | None, int]:
        """`Experiment.structure` and `Experiment.width` of a training of the whole network.

        Three hidden layers of one width have no structure, as in the paper; any others have their
        structure and the width of the widest layer.
        """
        width = max(self)
        return (None if self == Structure.uniform(width) else self), width

    def __str__(self) -> str:
        return "x".join(map(str, self))

    def shapes(self, inputs: int, outputs: int = 1) -> list[tuple[int, int]]:
        """Return (n_out, n_in) of every layer's weight matrix, the output layer included."""
        return [(n_out, n_in) for n_in, n_out in pairwise((inputs, *self, outputs))]

    def weights(self, inputs: int, outputs: int = 1) -> int:
        """Return the number of weights of the dense network, without biases."""
        return count_weights((inputs, *self, outputs))

    def parameters(self, inputs: int, outputs: int = 1) -> int:
        """Return the number of weights and biases of the dense network."""
        return self.weights(inputs, outputs) + sum(self) + outputs
