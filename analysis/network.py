"""Trained networks as torch modules, and their accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from pruning.connectivity import Connectivity, effective_mask
from pruning.network import MaskedNetwork
from search.extras import optional
from search.masks.renaming import network_form
from search.masks.text import mask_text
from workers.datasets import Dataset, load_dataset
from workers.reference import evaluate

if TYPE_CHECKING:
    import networkx

    from analysis.retrained_mask import StartFrom


class Network(MaskedNetwork):
    """A trained network: a torch module that knows its masks, its data set and its row.

    `network(points)` maps a tensor [N, inputs] to logits; `logits` does so for arrays. All of
    torch works too: `state_dict()`, training, `double()`.

    Attributes:
        weights, biases: parameters [n_out, n_in] and [n_out] of each layer, input side first.
        dataset: name of the data set that it was trained on; None if unknown.
        row: the row of `results` that it comes from, column -> value; None for another network,
            such as an edited one.
        origin: `row`, or that of the network that it was edited from.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train(structure="3x2", epochs=1, dataset="cubist-spiral")
        >>> network = rows.networks()[0]
        >>> network.sizes
        (2, 3, 2, 1)
        >>> network.logits([[0.0, 1.0], [1.0, 0.0]]).shape
        (2,)
        >>> edited = network.with_weight(layer=0, neuron=1, source=0, value=0.0)
        >>> [int(mask.sum()) for mask in edited.masks]
        [5, 6, 2]
        >>> 0 <= sparsest.accuracy(edited) <= 1
        True
    """

    row: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of neurons of each layer, inputs first."""
        return (self.weights[0].shape[1], *(len(bias) for bias in self.biases))

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Bool [n_out, n_in] for each layer, input side first; True where a weight is trained."""
        return [mask.cpu().numpy().copy() for mask in self.weight_masks]

    def __repr__(self) -> str:
        sizes, kept = "x".join(map(str, self.sizes)), sum(int(mask.sum()) for mask in self.masks)
        return f"{type(self).__name__}({sizes}, {kept} weights, {self.dataset or 'no data set'})"

    @torch.no_grad()
    def logits(self, points: ArrayLike) -> NDArray[np.float32]:
        """Return the logits of points, float32 [N], above 0 for class 1; or [N, classes].

        Args:
            points: [N, inputs], on the scale of the data set's points.

        Raises:
            ValueError: the points have another shape.
        """
        tensor = points_tensor(points, self.sizes[0]).to(self.weights[0])
        result: NDArray[np.float32] = self(tensor).float().cpu().numpy()
        return result

    def with_weight(self, layer: int, neuron: int, source: int, value: float) -> Self:
        """Return a copy with another value of one weight, which is masked if the value is 0.

        Args:
            layer: layer of the neuron, from 0 for the first hidden layer.
            neuron: number of the neuron in its layer, from 0.
            source: number of the input or neuron that the weight comes from, from 0.
            value: new value.

        Raises:
            IndexError: there is no such weight.
        """
        return self._with("weight", layer, (neuron, source), value)

    def with_bias(self, layer: int, neuron: int, value: float) -> Self:
        """Return a copy with another value of one bias; see `with_weight`."""
        return self._with("bias", layer, (neuron,), value)

    def connectivity(self) -> Connectivity:
        """Return which of its nonzero weights are on a path from an input to the output."""
        weights, biases = zip(*self.layers(), strict=True)
        return Connectivity.of(weights, biases)

    def canonical(self) -> tuple[str, ...]:
        """Return a form that networks share exactly if they differ by the names of hidden neurons.

        Compared are the nonzero weights on a path from an input to an output, not their values.
        Inputs and outputs keep their names.

        Returns:
            The mask of each layer as text, input side first, rows for neurons; () without any path.

        Raises:
            ValueError: the network is so regular that more than 100,000 arrangements tie.
        """
        masks = effective_mask([weight for weight, _ in self.layers()])
        if not masks[-1].any():
            return ()
        # Without the hidden neurons on no path.
        for number in range(len(masks) - 1):
            used = masks[number].any(axis=1)
            masks[number], masks[number + 1] = masks[number][used], masks[number + 1][:, used]
        return network_form([mask_text(mask) for mask in masks])

    def retrain(self, *, seed: int = 0, start: StartFrom = "fresh", **settings: Any) -> Network:
        """Train the mask of this network again, in this process.

        Every neuron keeps its bias. The result is a row of the method "search" with these masks,
        which is not stored; `init = "row:ID"` in a sweep file does the same in a store.

        Args:
            seed: number of the repetition, which decides the data order and fresh weights.
            start: weights to start from: "fresh": drawn from the seed; "initial": those that the
                network's own training started from, as for lottery tickets; "final": its own.
            settings: `epochs`, `lr`, `schedule`, `momentum`, `weight_decay` or `batch_size`, if
                they are to differ from its own training.

        Raises:
            ValueError: the network comes from no row, it was edited and `start` is "final", or an
                argument is not valid.

        Example:
            >>> import sparsest
            >>> network = sparsest.train("snip", width=4, target_nnz=16, epochs=1).networks()[0]
            >>> again = network.retrain(seed=7, start="initial")
            >>> again.canonical() == network.canonical(), again.row["replicate"]
            (True, 7)
            >>> longer = again.retrain(start="final", epochs=2)
            >>> longer.row["parent"] == again.row["experiment_id"]
            True
        """
        from analysis.retrained_mask import retrained_mask

        return retrained_mask(self, seed, start, settings)

    def to_sequential(self) -> nn.Sequential:
        """Return torch's `Linear` and `ReLU` modules, from [N, inputs] to [N, outputs].

        The parameters are copies, without masks.
        """
        modules: list[nn.Module] = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
            linear.load_state_dict({"weight": weight, "bias": bias})
            modules += [linear, nn.ReLU()]
        return nn.Sequential(*modules[:-1])

    def to_onnx(self, path: str | Path) -> None:
        """Write the network as an ONNX model, from `points` [N, inputs] to `logits` [N, outputs].

        Raises:
            ImportError: the package onnx is not installed.
        """
        layers, onnx = self.layers(), optional("onnx", "to_onnx()")
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
        Path(path).write_bytes(model.SerializeToString())

    def to_networkx(self) -> networkx.DiGraph:
        """Return the graph of the nonzero weights; neurons without one are isolated nodes.

        A node is (layer, neuron), layer 0 being the inputs, with its `bias`; an edge has its
        `weight`.

        Raises:
            ImportError: the package networkx is not installed.
        """
        layers = self.layers()
        graph: networkx.DiGraph = optional("networkx", "to_networkx()").DiGraph()
        graph.add_nodes_from((0, neuron) for neuron in range(layers[0][0].shape[1]))
        for number, (weight, bias) in enumerate(layers, start=1):
            for neuron, value in enumerate(bias):
                graph.add_node((number, neuron), bias=float(value))
            for neuron, source in np.argwhere(weight).tolist():
                graph.add_edge(
                    (number - 1, source), (number, neuron), weight=float(weight[neuron, source])
                )
        return graph

    @torch.no_grad()
    def _with(
        self, kind: Literal["weight", "bias"], layer: int, index: tuple[int, ...], value: float
    ) -> Self:
        copy = deepcopy(self)
        copy.row = None
        of_weights, of_biases = (copy.weights, copy.weight_masks), (copy.biases, copy.bias_masks)
        parameters, masks = of_weights if kind == "weight" else of_biases
        if not 0 <= layer < len(parameters) or not all(
            0 <= at < size for at, size in zip(index, parameters[layer].shape, strict=True)
        ):
            sizes = "x".join(map(str, self.sizes))
            raise IndexError(f"no {kind} {index} in layer {layer} of a network {sizes}")
        parameters[layer][index] = value
        masks[layer][index] = value != 0
        return copy


def accuracy(network: nn.Module, dataset: Dataset | None = None) -> float:
    """Return the fraction of a data set's points that a network classifies correctly.

    For a network read from a row this is the row's accuracy, except for points whose logit is so
    close to zero that the order of additions decides its sign.

    Args:
        network: module from points [N, features] to logits [N] or [N, classes].
        dataset: data set, registered or not; None for the one that the network was trained on.

    Raises:
        ValueError: no data set is given, and the network does not know its own; or the data set has
            other numbers of features or classes.

    Example:
        >>> import numpy as np, sparsest
        >>> network = sparsest.train(structure="3x2", epochs=1).networks()[0]
        >>> network.row["accuracy"] == sparsest.accuracy(network)
        True
        >>> points = np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> sparsest.accuracy(network, sparsest.Dataset.of("mine", points, [0, 1])) in (0, 0.5, 1)
        True
    """
    if dataset is None:
        dataset = load_dataset(dataset_of(network))
    if isinstance(network, MaskedNetwork):
        check_fits(network, dataset)
    return evaluate(network, dataset)[0]


def check_fits(network: MaskedNetwork, dataset: Dataset) -> None:
    """Raise ValueError unless a network has the inputs and outputs that a data set needs."""
    ends = network.weights[0].shape[1], len(network.biases[-1])
    if ends != (dataset.features, dataset.outputs):
        raise ValueError(
            f"the network has {ends[0]} inputs and {ends[1]} outputs, {dataset.name} has "
            f"{dataset.features} features and {dataset.classes} classes ({dataset.outputs} outputs)"
        )


def points_tensor(points: ArrayLike, inputs: int) -> torch.Tensor:
    """Return points as a tensor float32 [N, inputs]; ValueError if they are something else."""
    tensor = torch.tensor(np.asarray(points, dtype=np.float32))
    if tensor.ndim != 2 or tensor.shape[1] != inputs:
        raise ValueError(f"points have shape {list(tensor.shape)}; wanted: [N, {inputs}]")
    return tensor


def dataset_of(network: nn.Module) -> str:
    """Return the name of the data set that a network was trained on.

    Raises:
        ValueError: it is unknown, or the data set of that name has other points here.
    """
    name: str | None = getattr(network, "dataset", None)
    if name is None:
        raise ValueError(
            "the network does not know the data set that it was trained on: name one with dataset="
        )
    origin = getattr(network, "origin", None) or {}
    trained_on, known = origin.get("dataset_digest"), load_dataset(name).digest
    if trained_on not in (None, known):
        raise ValueError(
            f"the network was trained on other points than those of {name!r} here (digest "
            f"{trained_on}, here {known}): name the data set with dataset="
        )
    return name
