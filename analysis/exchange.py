"""Networks in the formats of other libraries: ONNX and networkx."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.extras import optional
from search.layers import Layers

if TYPE_CHECKING:
    import networkx


def write_onnx(layers: Layers, path: Path) -> None:
    """Write a network as an ONNX model; see `analysis.network.Network.to_onnx`."""
    onnx = optional("onnx", "to_onnx()")
    helper, arrays = onnx.helper, optional("onnx.numpy_helper", "to_onnx()")
    inputs, outputs = layers[0][0].shape[1], len(layers[-1][1])
    nodes, parameters, before = [], [], "points"
    for number, (weight, bias) in enumerate(layers):
        last = number == len(layers) - 1
        after = "logits" if last else f"sums_{number}"
        names = [f"weight_{number}", f"bias_{number}"]
        nodes.append(helper.make_node("Gemm", [before, *names], [after], transB=1))
        parameters += [
            arrays.from_array(np.ascontiguousarray(array), name)
            for array, name in zip((weight, bias), names, strict=True)
        ]
        if not last:
            before = f"activations_{number}"
            nodes.append(helper.make_node("Relu", [after], [before]))
    tensors = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", size])
        for name, size in (("points", inputs), ("logits", outputs))
    ]
    graph = helper.make_graph(nodes, "network", tensors[:1], tensors[1:], parameters)
    # Old operators and the file format that goes with them: every runtime in use reads them.
    operators = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def network_graph(layers: Layers) -> networkx.DiGraph:
    """Return the graph of the nonzero weights; see `analysis.network.Network.to_networkx`."""
    graph = optional("networkx", "to_networkx()").DiGraph()
    graph.add_nodes_from((0, neuron) for neuron in range(layers[0][0].shape[1]))
    for number, (weight, bias) in enumerate(layers, start=1):
        for neuron, value in enumerate(bias):
            graph.add_node((number, neuron), bias=float(value))
        for neuron, source in np.argwhere(weight).tolist():
            graph.add_edge(
                (number - 1, source), (number, neuron), weight=float(weight[neuron, source])
            )
    return graph
