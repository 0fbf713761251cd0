"""The parameters of a network as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(weight float32 [n_out, n_in], bias float32 [n_out])."""

Layers = Sequence[Layer]
"""All layers of a network, input side first."""

MaskArrays = Sequence[NDArray[np.bool_]]
"""Masks of all layers, or of all layers' biases, input side first: True where a parameter is kept,
bool of the parameters' shapes."""

Value = TypeVar("Value", bound=np.generic)


def by_layer(values: NDArray[Value], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[Value]]:
    """Split a vector over all weights, row by row, into arrays of these shapes; they are views.

    Example:
        >>> import numpy as np, sparsest
        >>> kept = np.array([True, False, True, True, False, True])
        >>> [mask.tolist() for mask in sparsest.by_layer(kept, [(2, 2), (1, 2)])]
        [[[True, False], [True, True]], [[False, True]]]
    """
    sizes = [prod(shape) for shape in shapes]
    ends = accumulate(sizes)
    return [
        values[end - size : end].reshape(shape)
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]


def spread(masks: MaskArrays, values: NDArray[Value]) -> list[NDArray[Value]]:
    """Return arrays with these values where masks are True, layer by layer, otherwise zeros."""
    kept = np.concatenate([mask.ravel() for mask in masks])
    flat = np.zeros(len(kept), values.dtype)
    flat[kept] = values
    return by_layer(flat, [mask.shape for mask in masks])


def interleaved(values: NDArray[np.float32], shapes: Sequence[tuple[int, int]]) -> list[Layer]:
    """Split a vector of each layer's weights and then its biases into layers; they are views.

    The shapes are (n_out, n_in) of each layer, input side first.
    """
    arrays = by_layer(values, [part for shape in shapes for part in (shape, shape[:1])])
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def count_kept(masks: Iterable[NDArray[np.bool_] | NDArray[np.float32]]) -> int:
    """Return the number of entries that masks keep, or of nonzero parameters."""
    return sum(int(np.count_nonzero(mask)) for mask in masks)


@dataclass(frozen=True, eq=False)
class StoredInit:
    """An initialisation that is not drawn from the experiment's seed.

    Networks share it (docs/paper.md, section 4, the fixed groups), or it is a parent's network
    (`search.lineage.RowInit`).

    Attributes:
        name: name such as "bench-95"; "row" for a parent's network.
        digest: first 16 hexadecimal digits of the SHA-256 over its numbers as little-endian
            float32, layer by layer, weight (row-major) before bias; of a parent's network
            `RowInit.digest`.
        layers: the full-width network.
    """

    name: str
    digest: str
    layers: Layers

    @property
    def token(self) -> str:
        """Value of `Experiment.init` for a training that starts from it."""
        return f"{self.name}:{self.digest}"
