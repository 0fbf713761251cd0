from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruning.connectivity import Connectivity, effective_mask
from pruning.functional_sparsity import FunctionalSparsity, count_active_points, without_dead_parts

Layers = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
Points = NDArray[np.float64]
Neuron = tuple[int, int]  # (layer, number); the inputs are layer 0


class Graph:
    """A network as weights between neurons, which may skip layers; simplified step by step."""

    def __init__(self, layers: Layers, points: Points) -> None:
        self.points = points
        self.output = (len(layers), 0)
        self.weights: dict[tuple[Neuron, Neuron], float] = {}
        self.biases: dict[Neuron, float] = {}
        for number, (weight, bias) in enumerate(layers):
            for row, values in enumerate(weight):
                self.biases[number + 1, row] = float(bias[row])
                for column, value in enumerate(values):
                    if value != 0:
                        self.weights[(number, column), (number + 1, row)] = float(value)

    def values(self) -> dict[Neuron, Points]:
        """Return the activation of every neuron and the logit, [points]."""
        found = {(0, column): self.points[:, column] for column in range(self.points.shape[1])}
        for neuron in sorted(self.biases):
            total = np.full(len(self.points), self.biases[neuron])
            for source in self.sources(neuron):
                total = total + self.weights[source, neuron] * found[source]
            found[neuron] = total if neuron == self.output else np.maximum(total, 0)
        return found

    def sources(self, neuron: Neuron) -> list[Neuron]:
        return [source for source, target in self.weights if target == neuron]

    def targets(self, neuron: Neuron) -> list[Neuron]:
        return [target for source, target in self.weights if source == neuron]

    def hidden(self) -> list[Neuron]:
        return sorted(neuron for neuron in self.biases if neuron != self.output)

    def delete(self, neuron: Neuron) -> None:
        del self.biases[neuron]
        self.weights = {ends: w for ends, w in self.weights.items() if neuron not in ends}

    def delete_dead(self) -> None:
        for neuron, values in self.values().items():
            if neuron in self.hidden() and not (values > 0).any():
                self.delete(neuron)

    def delete_constant_and_unread(self) -> None:
        before = -1
        while before != len(self.biases):
            before = len(self.biases)
            for neuron in self.hidden():
                if not self.sources(neuron):
                    for target in self.targets(neuron):
                        constant = max(self.biases[neuron], 0)
                        self.biases[target] += self.weights[neuron, target] * constant
                    self.delete(neuron)
                elif not self.targets(neuron):
                    self.delete(neuron)

    def linear(self) -> list[Neuron]:
        return [neuron for neuron in self.hidden() if (self.values()[neuron] > 0).all()]

    def without(self, neuron: Neuron) -> Graph:
        """Return the graph with a linear neuron folded into its targets."""
        folded = Graph([], self.points)
        folded.output = self.output
        folded.weights, folded.biases = dict(self.weights), dict(self.biases)
        for target in self.targets(neuron):
            factor = self.weights[neuron, target]
            folded.biases[target] += factor * self.biases[neuron]
            for source in self.sources(neuron):
                ends = source, target
                added = factor * self.weights[source, neuron]
                folded.weights[ends] = folded.weights.get(ends, 0) + added
        folded.delete(neuron)
        return folded

    def folded(self) -> Graph:
        left, graph = self.linear(), self
        while left:
            best = min(left, key=lambda neuron: len(graph.without(neuron).weights))
            after = graph.without(best)
            if len(after.weights) > len(graph.weights):
                break
            left.remove(best)
            graph = after
        return graph


def slow(layers: Layers, points: Points) -> tuple[FunctionalSparsity, Graph]:
    """Return the counts and the folded network, by simplifying a graph."""
    on_paths = Graph(layers, points)
    on_paths.delete_constant_and_unread()
    used = on_paths.hidden()
    graph = Graph(layers, points)
    original = graph.values()
    graph.delete_dead()
    graph.delete_constant_and_unread()
    folded = graph.folded()
    counts = FunctionalSparsity(
        live_nnz=len(graph.weights),
        dead_neurons=sum(not (original[neuron] > 0).any() for neuron in used),
        linear_neurons=len(graph.linear()),
        folded_nnz=len(folded.weights),
    )
    return counts, folded


def of(layers: Layers, points: Points) -> FunctionalSparsity:
    effective = effective_mask([weight for weight, _ in layers])
    return FunctionalSparsity.of(effective, count_active_points(layers, points), len(points))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layers, Points]:
    inputs = draw(st.integers(1, 3))
    hidden = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.3, 0.5, 0.8, 1.0]))
    shift = draw(st.sampled_from([-1.0, 0.0, 1.0, 4.0]))
    layers = []
    for n_in, n_out in pairwise((inputs, *hidden, 1)):
        weight = generator.normal(size=(n_out, n_in)) * (generator.random((n_out, n_in)) < density)
        # Large biases of both signs make dead and linear neurons.
        layers.append((weight, generator.normal(shift, 3, n_out)))
    return layers, generator.uniform(-1, 1, (40, inputs))


@given(networks())
def test_counts_agree_with_simplifying_the_network(case: tuple[Layers, Points]) -> None:
    layers, points = case
    assert of(layers, points) == slow(layers, points)[0]


@given(networks())
def test_folding_preserves_every_logit(case: tuple[Layers, Points]) -> None:
    layers, points = case
    folded = slow(layers, points)[1]
    before = Graph(layers, points).values()[folded.output]
    scale = 1 + np.abs(before).max()
    assert np.allclose(folded.values()[folded.output], before, rtol=0, atol=1e-9 * scale)


@given(networks())
def test_network_without_dead_parts_has_the_same_logits(case: tuple[Layers, Points]) -> None:
    layers, points = case
    single = [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]
    active = count_active_points(single, points.astype(np.float32))
    reduced = without_dead_parts(single, active)
    effective = effective_mask([weight for weight, _ in layers])
    live = FunctionalSparsity.of(effective, active, len(points)).live_nnz
    assert sum(np.count_nonzero(weight) for weight, _ in reduced) == live
    before, after = (
        Graph([(w.astype(np.float64), b.astype(np.float64)) for w, b in network], points)
        for network in (single, reduced)
    )
    logits = before.values()[before.output]
    tolerance = 1e-4 * (1 + np.abs(logits).max())
    assert np.allclose(after.values()[after.output], logits, rtol=0, atol=tolerance)
    assert not any(after.biases[neuron] for neuron in after.hidden() if not after.targets(neuron))


@given(networks())
def test_counts_never_increase(case: tuple[Layers, Points]) -> None:
    layers, points = case
    weights, biases = [w for w, _ in layers], [b for _, b in layers]
    connectivity = Connectivity.of(weights, biases)
    found = of(layers, points)
    assert found.folded_nnz <= found.live_nnz <= connectivity.effective_nnz
    assert found.dead_neurons + found.linear_neurons <= sum(connectivity.used_neurons)


@given(networks())
def test_active_points_agree_with_a_graph(case: tuple[Layers, Points]) -> None:
    layers, points = case
    graph = Graph(layers, points)
    values = graph.values()
    expected = [int((values[neuron] > 0).sum()) for neuron in graph.hidden()]
    assert count_active_points(layers, points) == expected


SQUARE = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float64)


def layer(weight: list[list[float]], bias: list[float]) -> tuple[Points, Points]:
    return np.array(weight, np.float64), np.array(bias, np.float64)


def test_dead_neuron_is_deleted_with_the_path_through_it() -> None:
    layers = [
        layer([[1, 1], [1, 0]], [-3, 0]),  # the first is dead
        layer([[1, 0], [0, 1]], [1, 0]),  # the first is then constant
        layer([[1, 1]], [0]),
    ]
    assert of(layers, SQUARE) == FunctionalSparsity(3, 1, 0, 3)


def test_linear_neuron_is_folded_where_that_saves_weights() -> None:
    one_target = [layer([[1, 1], [1, -1]], [3, 0]), layer([[1, 1]], [0])]
    assert of(one_target, SQUARE) == FunctionalSparsity(6, 0, 1, 5)
    # Three sources and two targets: six new weights would replace five.
    three = [
        layer([[1, 0], [0, 1], [1, 1]], [0, 0, 0]),
        layer([[1, 1, 1]], [1]),
        layer([[1], [-1]], [-1.5, 2.5]),
        layer([[1, 1]], [0]),
    ]
    assert of(three, SQUARE) == FunctionalSparsity(11, 0, 1, 11)


def test_neurons_whose_folding_saves_weights_only_together_are_folded() -> None:
    layers = [
        layer([[1, 1], [1, -1]], [3, 3]),  # both linear, with two sources and two targets
        layer([[1, 1], [1, -1]], [-6, 0]),
        layer([[1, 1]], [0]),
    ]
    assert of(layers, SQUARE) == FunctionalSparsity(10, 0, 2, 6)


def test_linear_network_keeps_one_weight_for_each_input() -> None:
    generator = np.random.default_rng(0)
    layers = [
        (generator.uniform(0.1, 1, shape), np.full(shape[0], 9.0))
        for shape in ((7, 2), (3, 7), (3, 3), (1, 3))
    ]
    assert of(layers, SQUARE) == FunctionalSparsity(47, 0, 13, 2)


def test_network_without_a_path_has_no_live_weight() -> None:
    layers = [layer([[1, 1]], [1]), layer([[0]], [1])]
    assert of(layers, SQUARE) == FunctionalSparsity(0, 0, 0, 0)


def test_counts_of_another_number_of_neurons_are_refused() -> None:
    effective = [np.ones((3, 2), np.bool_), np.ones((1, 3), np.bool_)]
    with pytest.raises(ValueError, match="3"):
        FunctionalSparsity.of(effective, [1, 1], 4)
