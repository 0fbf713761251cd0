"""A tour of the Python interface: 32 numbered steps, each of which prints what it found.

    python examples/tour.py

Everything is small: it takes about 15 seconds, and writes into runs/tour and tour.*.
"""

from itertools import count
from time import perf_counter

import numpy as np
import torch
from matplotlib.figure import Figure
from onnx.reference import ReferenceEvaluator
from torch import nn

import sparsest

numbers = count(1)


def step(title: str, result: object) -> None:
    """Print a step of the tour."""
    print(f"{next(numbers):2} {title}: {' '.join(str(result).split())[:90]}")


# A store with rows of two data sets, from the content of a sweep file as a dict.
sweep = {
    "name": "tour",
    "pair": True,
    "replicates": 6,
    "base": {"lr": 0.2, "epochs": 8},
    "grid": {
        "dataset": ["two-moons", "xor"],
        "method": ["gmp", "snip"],
        "width": [4],
        "target_nnz": [14, 20],
    },
}
store = sparsest.run(sweep, store="runs/tour")

# Tables
frame = store.experiments().df()
step("experiments as a pandas frame", frame.shape)
polars_frame = store.experiments().pl()
step("as a polars frame", polars_frame.shape)
best = frame.groupby(["dataset", "method"]).accuracy.max()
step("group by, in pandas", best.to_dict())
step("group by, in polars", polars_frame.group_by("method").len().sort("method").rows())
step("group by, in SQL", store.sql("SELECT dataset, max(accuracy) FROM results GROUP BY ALL").df())
step("a table in a notebook", store.experiments()._repr_html_())

# Figures
figure = Figure(figsize=(12, 3.5))
left, middle, right = figure.subplots(1, 3)
sparsest.plot_pareto(store, target=0.9, dataset="two-moons", ax=left)
legend = [text.get_text() for text in left.get_legend().get_texts()]
step("front from 90 % for one data set", legend)
moons = frame[frame.dataset == "two-moons"]
bars, _, _ = middle.hist(moons.accuracy)
step("histogram of accuracies", bars)
right.scatter(moons.weight_nnz, moons.loss)
sparsest.save_drawing(figure, "tour.svg", overwrite=True)
step("a plot of your own on an axis, saved with the others", "tour.svg")

# Comparisons
rates = sparsest.success_rates(store, target=0.95, dataset="two-moons").df()
step("intervals for p(k)", rates[["method", "target_nnz", "low", "high"]].values.tolist())
pairs = sparsest.compare(store, "gmp", "snip", target=0.95, dataset="two-moons").df()
step("compare two methods in pairs", pairs[["target_nnz", "difference", "p_value"]].values.tolist())

# One network
query = "FROM results WHERE dataset = 'two-moons' AND target_nnz = 20 ORDER BY accuracy DESC"
experiment_id = store.sql(query).df().experiment_id[0]
network = store.network(experiment_id)
step("load a network", network.sizes)
points = sparsest.standardised(np.random.default_rng(0).normal(size=(500, 2)))
step("its logits on new points", network.logits(points)[:3])
step("its masks as arrays", [mask.shape for mask in network.masks])
neuron, source = np.argwhere(network.masks[0])[0]
edited = network.with_weight(layer=0, neuron=int(neuron), source=int(source), value=0.0)
step("edit a weight and measure", (sparsest.accuracy(network), sparsest.accuracy(edited)))
sparsest.save_drawing(sparsest.draw(network, edited), "tour.png", overwrite=True)
step("draw the edited network beside the original", "tour.png")
copy = sparsest.Network(network.layers())
copy.load_state_dict(network.state_dict())
assert np.array_equal(copy.logits(points), network.logits(points))
step("state dict", list(copy.state_dict())[:4])
sequential = network.to_sequential()
assert isinstance(sequential, nn.Sequential)
logits = sequential(torch.tensor(points).float())[:, 0].detach().numpy()
assert np.allclose(logits, network.logits(points), atol=1e-5)
step("torch's Sequential, with the same logits", sequential)
network.to_onnx("tour.onnx")
(output,) = ReferenceEvaluator("tour.onnx").run(None, {"points": points.astype(np.float32)})
logits = np.asarray(output)[:, 0]
assert np.allclose(logits, network.logits(points), atol=1e-5)
step("ONNX and back, with the same logits", logits[:3])
mine = sparsest.Dataset.of("mine", points, np.abs(points[:, 0]) < 0.7)
step("measure and draw on data that is not registered", sparsest.accuracy(network, mine))
sparsest.draw(network, dataset=mine)
step("its weights on a path from the inputs to the output", network.connectivity())
graph = network.to_networkx()
step("networkx", (graph.number_of_nodes(), graph.number_of_edges()))
step("its form without the names of neurons", network.canonical())

# Many networks
three = sparsest.train(structure="2x2", mask1="11|10", mask2=["11|10", "11|01", "10|11"], epochs=1)
groups = sparsest.group_isomorphic(three.networks())
step("groups of isomorphic networks", [len(group) for group in groups])
networks = store.networks(query)
thousand = sparsest.Networks([networks[number % len(networks)] for number in range(1000)])
start = perf_counter()
shape = thousand.logits(points).shape
step("1,000 networks on new points", f"{shape} in {perf_counter() - start:.2f} s")

# Training
one = sparsest.train("snip", dataset=mine, width=4, target_nnz=20, lr=0.2, epochs=4)
step("train one network, on the data of this script", one.df().accuracy[0])
step("train this mask with another seed", sparsest.accuracy(network.retrain(seed=3)))
step("from its initial weights", sparsest.accuracy(network.retrain(seed=3, start="initial")))
longer = {
    "name": "longer",
    "base": {"dataset": "two-moons", "method": "snip", "width": 4, "target_nnz": 12, "epochs": 2},
    "grid": {"init": [f"row:{experiment_id}/final"]},
}
continued = sparsest.run(longer, store="runs/tour").sql("FROM results WHERE study = 'longer'").df()
step("continue from a row in a store", continued[["parent", "accuracy"]].values.tolist())
step("run a dict again, which trains nothing", sparsest.run(sweep, store="runs/tour"))
found = sparsest.search(
    "3x2", "runs/tour", core_hours=0.0001, dataset="two-moons", target=0.7, epochs=4
)
step("search for the sparsest network", found.df().weight_nnz.tolist())


# A pruning method, from scratch to its first result
def prune(
    experiment: sparsest.Experiment, layers: sparsest.Layers, batches: sparsest.Batches
) -> sparsest.Pruned:
    """Keep the largest weights."""
    magnitudes = np.abs(sparsest.flat_weights(layers))
    kept = sparsest.highest(magnitudes, sparsest.target_of(experiment, magnitudes.size))
    masks = sparsest.by_layer(kept, [weight.shape for weight, _ in layers])
    return sparsest.Pruned(masks, sparsest.bias_masks(masks))


sparsest.register(sparsest.Method("largest", "before", sparsest.TO_TARGET), prune)
largest = sparsest.train("largest", dataset="two-moons", width=4, target_nnz=20, epochs=8)
step("a pruning method in 13 lines", largest.df()[["weight_nnz", "accuracy"]].values.tolist())
