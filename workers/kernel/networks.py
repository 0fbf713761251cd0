"""Networks as the kernels have them: edge lists, packed one behind the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Networks(NamedTuple):
    """The networks of a group, packed one behind the other; made by `workers.kernel.packing.pack`.

    Per network, int64 [networks]:
        parameter_start: its first place in `parameters` and `velocities` (a multiple of 16).
        parameter_count: its weights and biases, with zeros up to a multiple of 16.
        edges: its weights; the bias of neuron m follows them at place `edges + m`.
        first_hidden: neurons of its first hidden layer, the ones that read the inputs.
        hidden: hidden neurons.
        in_start, out_start, edge_start: its first places in the arrays below.
    Per network and neuron (hidden ones layer by layer, then the output), int64:
        in_bounds: edges in_bounds[m] to in_bounds[m + 1] end at neuron m, in the order of weights.
    Per network and source (inputs, then hidden neurons), int64:
        out_bounds: places out_bounds[i] to out_bounds[i + 1] of `out_row`, `out_edge` start at i.
    Per edge, int64:
        in_row: number of its source's row: among the batch's for an input, in the workspace for a
            neuron.
        out_row: number of its target's row in the workspace.
        out_edge: the edge's place among the weights.
    float32, 64-byte aligned:
        parameters, velocities: weights and biases, and their momentum buffers.
    """

    parameter_start: NDArray[np.int64]
    parameter_count: NDArray[np.int64]
    edges: NDArray[np.int64]
    first_hidden: NDArray[np.int64]
    hidden: NDArray[np.int64]
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
