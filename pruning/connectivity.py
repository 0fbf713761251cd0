"""Which weights can matter: those on a path of nonzero weights from an input to an output.

The others are disconnected: they count as nonzero, but whatever value they have, the output does
not depend on the input through them (docs/paper.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

Connection = Literal["path", "bias-only", "none"]
"""`search.schema.CONNECTIONS` as a type."""

Weight = NDArray[np.bool_] | NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Connectivity:
    """What in a network is connected, as a result says it.

    Attributes:
        effective_nnz: number of nonzero weights on an input-to-output path.
        disconnected_nnz: number of the other nonzero weights.
        layer_nnz: number of nonzero weights of each layer, input side first; a layer with none
            has collapsed.
        used_neurons: for each hidden layer, number of neurons on an input-to-output path.
        connection: what reaches the output through nonzero weights. "path": an input does;
            "bias-only": no input does, but a hidden neuron with a nonzero bias does; "none":
            nothing does. The network is a constant unless it is "path".
    """

    effective_nnz: int
    disconnected_nnz: int
    layer_nnz: tuple[int, ...]
    used_neurons: tuple[int, ...]
    connection: Connection

    @classmethod
    def of(cls, weights: Sequence[Weight], biases: Sequence[Weight]) -> Self:
        """Of a network.

        Args:
            weights: one matrix [n_out, n_in] a layer, input side first; numbers or a mask.
            biases: one vector [n_out] a layer, likewise.
        """
        effective = effective_mask(weights)
        layer_nnz = tuple(int(np.count_nonzero(weight)) for weight in weights)
        on_a_path = sum(int(np.count_nonzero(mask)) for mask in effective)
        return cls(
            effective_nnz=on_a_path,
            disconnected_nnz=sum(layer_nnz) - on_a_path,
            layer_nnz=layer_nnz,
            used_neurons=tuple(int(np.count_nonzero(mask.any(axis=1))) for mask in effective[:-1]),
            connection="path" if on_a_path else _without_path(weights, biases),
        )


def leads_to_output(weights: Sequence[Weight]) -> list[NDArray[np.bool_]]:
    """The hidden neurons from which a path of nonzero weights leads to an output.

    Whatever the others compute, from inputs or from biases, no output depends on it.

    Args:
        weights: as for `effective_mask`.

    Returns:
        bool [n_out] a hidden layer, input side first.
    """
    leading: list[NDArray[np.bool_]] = []
    leads_on: NDArray[np.bool_] = np.ones(weights[-1].shape[0], dtype=np.bool_)
    for weight in reversed(weights[1:]):
        leads_on = np.any((weight != 0) & leads_on[:, None], axis=0)
        leading.append(leads_on)
    return leading[::-1]


def _without_path(weights: Sequence[Weight], biases: Sequence[Weight]) -> Connection:
    constants = zip(leads_to_output(weights), biases[:-1], strict=True)
    heard = any(np.any(leads_on & (bias != 0)) for leads_on, bias in constants)
    return "bias-only" if heard else "none"


def effective_mask(weights: Sequence[Weight]) -> list[NDArray[np.bool_]]:
    """The nonzero weights on an input-to-output path of nonzero weights.

    Biases play no part: a neuron that only a bias feeds is constant, so what leaves it is no path.

    Args:
        weights: one matrix [n_out, n_in] a layer, input side first; numbers or a mask.

    Returns:
        bool [n_out, n_in] a layer.
    """
    forward: list[NDArray[np.bool_]] = []
    reached: NDArray[np.bool_] = np.ones(weights[0].shape[1], dtype=np.bool_)
    for weight in weights:
        mask: NDArray[np.bool_] = (weight != 0) & reached
        reached = np.logical_or.reduce(mask, axis=1)
        forward.append(mask)
    leads_on: NDArray[np.bool_] = np.ones(weights[-1].shape[0], dtype=np.bool_)
    for mask in reversed(forward):
        mask &= leads_on[:, None]
        leads_on = np.logical_or.reduce(mask, axis=0)
    return forward
