"""The kernels' representation of networks, packed edge lists, and their conversion to matrices.

Compiled functions take `networks`, `PackedNetworks`, the index `g` of one of them, and the number
of `features` of a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers, MaskArrays
from workers.kernel.compiled import compiled
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
        neurons: int64 [hidden + outputs], index of each neuron among all hidden ones and outputs.
        in_bounds, in_row, out_bounds, out_row, out_edge: as in `PackedNetworks`.
    """

    sizes: tuple[int, ...]
    flat: NDArray[np.int64]
    neurons: NDArray[np.int64]
    in_bounds: NDArray[np.int64]
    in_row: NDArray[np.int64]
    out_bounds: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]

    @property
    def hidden(self) -> int:
        """Number of hidden neurons."""
        return sum(self.sizes[1:-1])


def topology(masks: MaskArrays, bias_masks: MaskArrays | None = None) -> Topology:
    """Return the edge list of a network, given its masks, bool [n_out, n_in] per layer.

    With `bias_masks`, bool [n_out] per layer, hidden neurons without incoming weight and without
    bias are left out. The kernel trains every bias of the remaining neurons. A masked one stays
    zero nonetheless: no weight leaves its neuron, so neither a gradient nor weight decay changes
    it. A ValueError if layers do not fit each other, a neuron with a masked bias has an outgoing
    weight, or an output's bias is masked.
    """
    sizes = (masks[0].shape[1], *(mask.shape[0] for mask in masks))
    if any(mask.shape[1] != size for mask, size in zip(masks, sizes, strict=False)):
        shapes = ", ".join("x".join(map(str, mask.shape)) for mask in masks)
        raise ValueError(f"layers do not fit each other: masks of shapes {shapes}")
    if len(masks) < 2:
        raise ValueError(f"a network needs a hidden layer, not layers {sizes}")
    flat = np.flatnonzero(np.concatenate([mask.ravel() for mask in masks]))
    inputs, total = sizes[0], sum(sizes)
    kept = np.ones(total, np.bool_)
    if bias_masks is not None:
        np.concatenate(bias_masks, out=kept[inputs:])
        if not bias_masks[-1].all():
            raise ValueError("an output's bias is masked, which the kernel cannot train")
    left = np.array(sizes)
    numbers, in_bounds, out_bounds = np.zeros((3, total + 1), np.int64)
    in_row, out_row, out_edge = np.empty((3, len(flat)), np.int64)
    edges = in_bounds, in_row, out_bounds, out_row, out_edge
    wrong = _list_edges(flat, left, kept, numbers, *edges)
    if wrong >= 0:
        raise ValueError(
            f"hidden layer {wrong}: a neuron with a masked bias has an outgoing weight, "
            "which the kernel cannot train"
        )
    neurons = np.flatnonzero(kept[inputs:])
    in_bounds, out_bounds = in_bounds[: len(neurons) + 1], out_bounds[: inputs + len(neurons)]
    edges = in_bounds, in_row, out_bounds, out_row, out_edge
    return Topology(tuple(left.tolist()), flat, neurons, *edges)


@compiled
def _list_edges(  # type: ignore[no-untyped-def]
    flat, sizes, kept, numbers, in_bounds, in_row, out_bounds, out_row, out_edge
):
    """List the edges of a network without the neurons that are left out.

    Arrays:
        flat: that of `Topology`.
        sizes: int64 [layers], all neurons of each layer; overwritten with the remaining ones.
        kept: bool [inputs + neurons], which have a bias; overwritten with which ones remain.
        numbers: int64 [neurons or more], zeros; overwritten with each neuron's number among them.
        in_bounds, in_row, out_bounds, out_row, out_edge: the output, see `Topology`; the bounds are
            zeros [neurons + 1].

    Returns:
        Hidden layer in which a weight leaves a neuron without bias, or -1.
    """
    inputs = sizes[0]
    layer = -1
    first = start = end = 0
    for e in range(len(flat)):
        while flat[e] >= end:
            first += sizes[layer] if layer >= 0 else 0
            layer += 1
            start = end
            end += sizes[layer] * sizes[layer + 1]
        source = first + (flat[e] - start) % sizes[layer]
        target = first + sizes[layer] + (flat[e] - start) // sizes[layer]
        if not kept[source]:
            return layer - 1
        in_row[e] = source
        out_row[e] = target
        numbers[target] = 1
    n = 0
    number = 0
    for layer in range(len(sizes)):
        last = n + sizes[layer]
        sizes[layer] = -number
        while n < last:
            kept[n] = kept[n] or numbers[n] > 0
            numbers[n] = number
            number += kept[n]
            n += 1
        sizes[layer] += number
    for e in range(len(flat)):
        source = numbers[in_row[e]]
        in_row[e] = source if source < inputs else source - inputs
        in_bounds[numbers[out_row[e]] - inputs + 1] += 1
        out_bounds[source + 2] += 1
    for m in range(number - inputs):
        in_bounds[m + 1] += in_bounds[m]
    for source in range(number):
        out_bounds[source + 1] += out_bounds[source]
    # Until all edges of a source are listed, its next one is at the bound after it.
    for m in range(number - inputs):
        for e in range(in_bounds[m], in_bounds[m + 1]):
            source = in_row[e] if m < sizes[1] else in_row[e] + inputs
            place = out_bounds[source + 1]
            out_bounds[source + 1] += 1
            out_row[place] = m
            out_edge[place] = e
    return -1


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
    columns = [
        (len(t.flat), t.sizes[1], t.hidden, t.sizes[-1], len(t.in_bounds), len(t.out_bounds))
        for t in topologies
    ]
    edges, first_hidden, hidden, outputs, ins, outs = np.array(columns).T.copy()
    count = -(-(edges + hidden + outputs) // _PADDING) * _PADDING
    parameter_start = _starts(count)
    parameters = aligned_zeros(int(count.sum()))
    for start, numbers in zip(parameter_start, values, strict=True):
        parameters[start : start + len(numbers)] = numbers
    return PackedNetworks(
        parameter_start=parameter_start,
        parameter_count=count,
        edges=edges,
        first_hidden=first_hidden,
        hidden=hidden,
        outputs=outputs,
        in_start=_starts(ins),
        out_start=_starts(outs),
        edge_start=_starts(edges),
        in_bounds=np.concatenate([t.in_bounds for t in topologies]),
        out_bounds=np.concatenate([t.out_bounds for t in topologies]),
        in_row=np.concatenate([t.in_row for t in topologies]),
        out_row=np.concatenate([t.out_row for t in topologies]),
        out_edge=np.concatenate([t.out_edge for t in topologies]),
        parameters=parameters,
        velocities=aligned_zeros(len(parameters)),
    )


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts) - counts


def unpack(networks: PackedNetworks, g: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return copies of network g's weights, float32 [edges], and biases, float32 [neurons].

    The biases are those of the hidden neurons, then those of the outputs.
    """
    start = int(networks.parameter_start[g])
    edges, neurons = int(networks.edges[g]), int(networks.hidden[g] + networks.outputs[g])
    values = networks.parameters[start : start + edges + neurons].copy()
    return values[:edges], values[edges:]
