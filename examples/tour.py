"""A tour of the Python interface: each step prints what it did.

    python examples/tour.py

Everything is small: it takes seconds, and writes one store, runs/tour.
"""

from importlib.util import find_spec

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

import sparsest


def step(title: str, result: object) -> None:
    """Print a step of the tour."""
    print(f"{title}: {' '.join(str(result).split())[:90]}")


# Training
rows = sparsest.train(
    ["gmp", "snip"],
    dataset="two-moons",
    width=4,
    target_nnz=[14, 20],
    lr=0.2,
    epochs=8,
    seeds=6,
    pair=True,
)
step("train a grid in this process", rows.arrow().shape)
one = sparsest.train("snip", dataset="two-moons", width=4, target_nnz=20, lr=0.2, epochs=4)
step("train one network", one.df().accuracy[0])
sweep = {
    "name": "tour",
    "base": {"dataset": "two-moons", "method": "snip", "epochs": 4, "lr": 0.2},
    "grid": {"width": [4], "target_nnz": range(12, 22, 2)},
}
store = sparsest.run(sweep, store="runs/tour")
step("run a dict, which resumes", sparsest.run(sweep, store="runs/tour"))
points = np.random.default_rng(0).normal(size=(500, 2))
mine = sparsest.Dataset.of("mine", points, np.abs(points[:, 0]) < 0.7)
own = sparsest.train("snip", dataset=mine, width=4, target_nnz=20, epochs=4)
step("train on data that is not registered", own.df().dataset[0])
found = sparsest.search("3x2", "runs/tour", hours=0.0001, dataset="two-moons", target=0.7, epochs=4)
step("search", len(found))

# Tables
step("experiments as a pandas frame", store.experiments().df().shape)
if find_spec("polars"):
    step("and as a polars frame", store.experiments().pl().shape)
step("group by", rows.df().groupby(["method", "target_nnz"]).accuracy.max().to_dict())
step("SQL over trained rows", rows.sql("SELECT max(accuracy) FROM results").arrow().to_pylist())
step("a table in a notebook", rows._repr_html_())
step("the sparsest networks", sparsest.sparsest_networks(rows, target=0.7).df().weight_nnz[0])
step("intervals for p(k)", sparsest.success_rates(rows, target=0.8, weights=20).df().high[0])
step("compare in pairs", sparsest.compare(rows, "gmp", "snip", target=0.8).df().p_value[0])

# Figures
figure = Figure(figsize=(12, 3.5))
left, middle, right = figure.subplots(1, 3)
sparsest.plot_pareto(rows, target=0.5, dataset="two-moons", ax=left)
sparsest.plot_sparsest(rows, target=0.7, ax=middle)
right.hist(rows.df().accuracy)
right.plot([0.9, 0.9], [0, 5])
sparsest.save_drawing(figure, "tour.svg", overwrite=True)
step("a front, a histogram and a custom plot on three axes", figure)

# Networks
query = "FROM results WHERE method = 'snip' ORDER BY accuracy DESC"
best = store.sql(query).df().experiment_id[0]
network = store.network(best)
step("load", network.sizes)
step("new points", network.logits([[0.0, 1.0], [1.0, 0.0]]))
step("masks as arrays", [mask.shape for mask in network.masks])
step("connectivity", network.connectivity())
step("canonical form", network.canonical())
neuron, source = np.argwhere(network.masks[0])[0]
edited = network.with_weight(layer=0, neuron=int(neuron), source=int(source), value=0.5)
step("edit and measure", sparsest.accuracy(edited))
step("draw the edited network", sparsest.draw(edited))
copy = sparsest.Network(network.layers())
copy.load_state_dict(network.state_dict())
step("state dict", sorted(copy.state_dict())[:3])
sequential = network.to_sequential()
assert isinstance(sequential, nn.Sequential)
step("Sequential", sequential(torch.zeros(1, 2)))
if find_spec("onnx"):
    from onnx.reference import ReferenceEvaluator

    network.to_onnx("tour.onnx")
    (logits,) = ReferenceEvaluator("tour.onnx").run(None, {"points": np.zeros((1, 2), np.float32)})
    step("ONNX and back", logits)
step("networkx", network.to_networkx())
step("train its mask with another seed", sparsest.accuracy(network.retrain(seed=3)))
again = network.retrain(start="initial")
step("train its mask from its first weights", sparsest.accuracy(again))
step("train on from its weights", network.retrain(start="final", epochs=2))
more = {
    "name": "tour-more",
    "base": {"dataset": "two-moons", "method": "snip", "epochs": 2},
    "grid": {
        "width": [4],
        "target_nnz": [12],
        "init": [f"row:{best}/final"],
    },
}
continued = sparsest.run(more, store="runs/tour").networks("FROM results WHERE study = 'tour-more'")
step("continue from a row in a store", continued)
networks = store.networks(query)
step("isomorphic groups", [len(group) for group in sparsest.group_isomorphic(networks)])
many = sparsest.Networks([*networks] * (1000 // len(networks)))
step("1,000 networks on new points", many.logits(np.zeros((1000, 2))).shape)


# A pruning method, from scratch
def prune(
    experiment: sparsest.Experiment, layers: sparsest.Layers, batches: sparsest.Batches
) -> sparsest.Pruned:
    """Keep the largest weights."""
    scores = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    kept = sparsest.highest(scores, sparsest.target_of(experiment, len(scores)))
    masks = sparsest.by_layer(kept, [weight.shape for weight, _ in layers])
    return sparsest.Pruned(masks, sparsest.bias_masks(masks))


sparsest.register(sparsest.Method("largest", "before", sparsest.TO_TARGET), prune)
largest = sparsest.train("largest", dataset="two-moons", width=4, target_nnz=20, epochs=4)
step("a custom method", largest.df().weight_nnz[0])
