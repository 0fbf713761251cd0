"""The kernels' representation of networks: packed edge lists.

Compiled functions take `networks`, `PackedNetworks`, the index `g` of one of them, and the number
of `features` of a point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PackedNetworks(NamedTuple):
    """Networks stored consecutively in shared arrays; made by `workers.kernel.packing.pack`.

    Per network, int64 [networks]:
        parameter_start: its offset in `parameters` and `velocities` (a multiple of 16).
        parameter_count: number of weights and biases, padded with zeros to a multiple of 16.
        edges: number of weights; the bias of neuron m follows them at index `edges + m`.
        first_hidden: number of neurons in the first hidden layer, which reads the inputs.
        hidden: number of hidden neurons.
        outputs: number of outputs: 1 for two classes, otherwise one for each class.
        in_start, out_start, edge_start: its offsets in the arrays below.
    Per network and neuron (hidden layer by layer, then the outputs), int64:
        in_bounds: edges in_bounds[m] to in_bounds[m + 1] end at neuron m, in the order of weights.
    Per network and source (inputs, then hidden neurons), int64:
        out_bounds: entries out_bounds[i] to out_bounds[i + 1] of `out_row`, `out_edge` start at i.
    Per edge, int64:
        in_row: row of its source: in the batch for an input, in the workspace for a neuron.
        out_row: row of its target in the workspace.
        out_edge: index of the edge among the weights.
    float32, 64-byte aligned:
        parameters, velocities: weights and biases, and their momentum buffers.
    """

    parameter_start: NDArray[np.int64]
    parameter_count: NDArray[np.int64]
    edges: NDArray[np.int64]
    first_hidden: NDArray[np.int64]
    hidden: NDArray[np.int64]
    outputs: NDArray[np.int64]
    in_start: NDArray[np.int64]
    out_start: NDArray[np.int64]
    edge_start: NDArray[np.int64]
    in_bounds: NDArray[np.int64]
    out_bounds: NDArray[np.int64]
    in_row: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]
    parameters: NDArray[np.float32]
    velocities: NDArray[np.float32]
