"""The kernels' representation of networks, packed edge lists, and their conversion to matrices.

Compiled functions take `networks`, `PackedNetworks`, the index `g` of one of them, and the number
of `features` of a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers, MaskArrays
from workers.kernel.simd import aligned_zeros

_PADDING = 16
"""A network's parameters are padded to a multiple of this: one 64-byte cache line of float32."""


class PackedNetworks(NamedTuple):
    """Networks stored consecutively in shared arrays; made by `pack`.

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


@dataclass(frozen=True, eq=False)
class Topology:
    """The edges of a network, numbered by layer, then target neuron, then source neuron.

    Attributes:
        sizes: number of neurons in each layer, inputs first, outputs last.
        flat: int64 [edges], index of each edge in the concatenation of all layers' row-major
            matrices: `weight_index` of a stored result.
        in_bounds, in_row, out_bounds, out_row, out_edge: as in `PackedNetworks`.
    """

    sizes: tuple[int, ...]
    flat: NDArray[np.int64]
    in_bounds: NDArray[np.int64]
    in_row: NDArray[np.int64]
    out_bounds: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]

    @property
    def hidden(self) -> int:
        """Number of hidden neurons."""
        return sum(self.sizes[1:-1])


def topology(masks: MaskArrays) -> Topology:
    """Return the edge list of a network, given its masks, bool [n_out, n_in] per layer."""
    sizes = (masks[0].shape[1], *(mask.shape[0] for mask in masks))
    if any(mask.shape[1] != size for mask, size in zip(masks, sizes, strict=False)):
        shapes = ", ".join("x".join(map(str, mask.shape)) for mask in masks)
        raise ValueError(f"layers do not fit each other: masks of shapes {shapes}")
    if len(masks) < 2:
        raise ValueError(f"a network needs a hidden layer, not layers {sizes}")
    inputs = sizes[0]
    flat = np.flatnonzero(np.concatenate([mask.ravel() for mask in masks]))
    targets, sources = _ends(sizes)
    target, source = targets[flat], sources[flat]
    neurons = sum(sizes[1:])
    in_bounds = np.searchsorted(target, np.arange(inputs, inputs + neurons + 1))
    is_input = source < inputs
    in_row = np.where(is_input, source, source - inputs)
    out_edge = np.argsort(source, kind="stable")
    out_row = target[out_edge] - inputs
    out_bounds = np.searchsorted(source[out_edge], np.arange(inputs + neurons))
    return Topology(sizes, flat, in_bounds, in_row, out_bounds, out_row, out_edge)


@lru_cache(maxsize=32)
def _ends(sizes: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return target and source neuron (inputs first) of every matrix entry; do not modify them."""
    first = np.cumsum([0, *sizes])
    targets, sources = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        targets.append(np.repeat(np.arange(first[layer + 1], first[layer + 2]), n_in))
        sources.append(np.tile(np.arange(first[layer], first[layer + 1]), n_out))
    return np.concatenate(targets), np.concatenate(sources)


def pack(topologies: Sequence[Topology], layers: Sequence[Layers]) -> PackedNetworks:
    """Pack networks for the kernel, with velocities of zero.

    Weights outside of a network's topology are dropped.
    """
    values = []
    for t, network in zip(topologies, layers, strict=True):
        weights = np.concatenate([weight.ravel() for weight, _ in network])[t.flat]
        values.append(np.concatenate([weights, *(bias for _, bias in network)]))
    return pack_values(topologies, values)


def pack_values(
    topologies: Sequence[Topology], values: Sequence[NDArray[np.float32]]
) -> PackedNetworks:
    """Pack networks for the kernel, with velocities of zero.

    The values of each are float32 [edges + hidden + outputs]: weights in the order of the edges,
    then biases layer by layer.
    """
    edges = np.array([len(t.flat) for t in topologies])
    hidden = np.array([t.hidden for t in topologies])
    outputs = np.array([t.sizes[-1] for t in topologies])
    count = -(-(edges + hidden + outputs) // _PADDING) * _PADDING
    parameter_start = _starts(count)
    parameters = aligned_zeros(int(count.sum()))
    for start, numbers in zip(parameter_start, values, strict=True):
        parameters[start : start + len(numbers)] = numbers
    return PackedNetworks(
        parameter_start=parameter_start,
        parameter_count=count,
        edges=edges,
        first_hidden=np.array([t.sizes[1] for t in topologies]),
        hidden=hidden,
        outputs=outputs,
        in_start=_starts([len(t.in_bounds) for t in topologies]),
        out_start=_starts([len(t.out_bounds) for t in topologies]),
        edge_start=_starts(edges),
        in_bounds=np.concatenate([t.in_bounds for t in topologies]),
        out_bounds=np.concatenate([t.out_bounds for t in topologies]),
        in_row=np.concatenate([t.in_row for t in topologies]),
        out_row=np.concatenate([t.out_row for t in topologies]),
        out_edge=np.concatenate([t.out_edge for t in topologies]),
        parameters=parameters,
        velocities=aligned_zeros(len(parameters)),
    )


def _starts(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum([0, *counts[:-1]])


def unpack(networks: PackedNetworks, g: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return copies of network g's weights, float32 [edges], and biases, float32 [neurons].

    The biases are those of the hidden neurons, then those of the outputs.
    """
    start = int(networks.parameter_start[g])
    edges, neurons = int(networks.edges[g]), int(networks.hidden[g] + networks.outputs[g])
    values = networks.parameters[start : start + edges + neurons].copy()
    return values[:edges], values[edges:]
