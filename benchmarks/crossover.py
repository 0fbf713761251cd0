"""The widths and densities at which matrix products become faster than the sparse kernel.

Processor time of one core per step of one network; both trainers alternate, from the same initial
network. The rule in `workers.cost.prefers_matrices` is fitted to this table.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.report import table, timed
from pruning.protocol import Snapshot
from pruning.segments import at_rest
from search.experiment import Experiment
from search.layers import count_kept
from search.process_state import standard_state
from workers.cost import prefers_matrices
from workers.datasets import load_dataset
from workers.dense import train_dense
from workers.initial import initial_network
from workers.sparse import SparseNetworks
from workers.start import masked
from workers.step_schedule import StepSchedule

WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256)
DENSITIES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)
STEPS = 40
TURNS = 3


def network_of(width: int, density: float) -> Snapshot:
    """Return a newly initialised network with random masks of the given density."""
    rng = np.random.default_rng(width)
    sizes = (2, width, width, width, 1)
    masks = [rng.random((n_out, n_in)) < density for n_in, n_out in pairwise(sizes)]
    biases = [np.ones(n_out, np.bool_) for n_out in sizes[1:]]
    layers = initial_network(Experiment(width=width))
    return masked(Snapshot(layers, at_rest(layers), masks, biases))


def run() -> None:
    """Print the microseconds per step of both trainers, and the one that the rule chooses."""
    dataset = load_dataset("cubist-spiral")
    rows = []
    for width in WIDTHS:
        for density in DENSITIES:
            network = network_of(width, density)
            edges = count_kept(network.weight_masks)
            schedule = StepSchedule(Experiment(width=width), dataset)
            sparse = SparseNetworks([network])

            in_kernel = partial(sparse.train, schedule, 0, STEPS)
            in_matrices = partial(train_dense, network, schedule, 0, STEPS)
            with standard_state():
                in_kernel()
                in_matrices()
                pairs = [(timed(in_kernel)[1], timed(in_matrices)[1]) for _ in range(TURNS)]
            kernel, matrices = (1e6 * min(times) / STEPS for times in zip(*pairs, strict=True))
            rule = "matrices" if prefers_matrices(network.weight_masks) else "kernel"
            rows.append([width, density, edges, kernel, matrices, kernel / matrices, rule])
    print("A step of one network of three hidden layers, microseconds")
    columns = {"width": "", "density": ".2f", "weights": ",", "kernel": ",.0f", "matrices": ",.0f"}
    print(table(columns | {"kernel / matrices": ".2f", "rule": ""}, rows))
