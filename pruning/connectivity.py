"""Connectivity: which nonzero weights are on a path from an input to an output.

The others are disconnected: they count as nonzero, but no output depends on an input through them,
whatever their values (docs/paper.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from search.layers import MaskArrays, count_kept

Connection = Literal["path", "bias-only", "none"]
"""`search.schema.CONNECTIONS` as a type."""

Weight = NDArray[np.bool_] | NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Connectivity:
    """Connectivity of a network, as the columns of a result.

    Attributes:
        effective_nnz: number of nonzero weights on an input-to-output path.
        disconnected_nnz: number of nonzero weights on no such path.
        layer_nnz: number of nonzero weights of each layer, input side first; a layer without any
            has collapsed.
        used_neurons: number of neurons of each hidden layer on an input-to-output path.
        connection: what reaches the output through nonzero weights. "path": an input;
            "bias-only": no input, but a hidden neuron with a nonzero bias; "none": nothing. The
            network is constant unless it is "path".
    """

    effective_nnz: int
    disconnected_nnz: int
    layer_nnz: tuple[int, ...]
    used_neurons: tuple[int, ...]
    connection: Connection

    @classmethod
    def of(
        cls,
        weights: Sequence[Weight],
        biases: Sequence[Weight],
        effective: MaskArrays | None = None,
    ) -> Self:
        """Return the connectivity of a network.

        Weights are a matrix [n_out, n_in] of each layer, input side first, biases a vector [n_out],
        both numbers or a mask. `effective` is the result of `effective_mask`, if it is known.
        """
        if effective is None:
            effective = effective_mask(weights)
        layer_nnz = tuple(int(np.count_nonzero(weight)) for weight in weights)
        on_a_path = count_kept(effective)
        return cls(
            effective_nnz=on_a_path,
            disconnected_nnz=sum(layer_nnz) - on_a_path,
            layer_nnz=layer_nnz,
            used_neurons=tuple(int(np.count_nonzero(mask.any(axis=1))) for mask in effective[:-1]),
            connection="path" if on_a_path else _without_path(weights, biases),
        )


def leads_to_output(weights: Sequence[Weight]) -> list[NDArray[np.bool_]]:
    """Return the neurons, bool [n_out] for each hidden layer, from which a path leads to an output.

    No output depends on what the other neurons compute, from inputs or from biases.
    """
    leading: list[NDArray[np.bool_]] = []
    leads_on: NDArray[np.bool_] = np.ones(weights[-1].shape[0], dtype=np.bool_)
    for weight in reversed(weights[1:]):
        leads_on = np.any((weight != 0) & leads_on[:, None], axis=0)
        leading.append(leads_on)
    return leading[::-1]


def _without_path(weights: Sequence[Weight], biases: Sequence[Weight]) -> Connection:
    constants = zip(leads_to_output(weights), biases[:-1], strict=True)
    has_constant = any(np.any(leads_on & (bias != 0)) for leads_on, bias in constants)
    return "bias-only" if has_constant else "none"


def effective_mask(weights: Sequence[Weight]) -> list[NDArray[np.bool_]]:
    """Return the nonzero weights on an input-to-output path of nonzero weights.

    Biases are ignored: a neuron that depends on its bias alone is constant, so weights that leave
    it are on no path. Weights are a matrix [n_out, n_in] of each layer, input side first, numbers
    or a mask; the result is bool of these shapes.
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
