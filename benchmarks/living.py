"""Shares of living neurons and edges: the work that `workers.kernel.programs` does not skip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import table
from search.catalogue import resolve
from search.experiment import Experiment
from search.structure import Structure
from workers.datasets import Dataset, load_dataset
from workers.fast import train_networks
from workers.kernel.compiled import compiled
from workers.kernel.packing import PackedNetworks
from workers.kernel.passes import forward
from workers.kernel.points import gather
from workers.kernel.programs import ALIVE
from workers.kernel.sgd import scratch
from workers.sparse import SparseNetworks
from workers.start import start_of

NETWORKS = 64
"""Number of networks of each dense structure, and of each study, evenly spread over it."""

BATCHES = 4
"""Number of batches examined after each epoch."""

STRUCTURES = ((3, 3, 3), (7, 3, 3))
STUDIES = ("phase1", "phase2-95", "phase2-995")


@compiled
def _write_programs(networks, g, memory):  # type: ignore[no-untyped-def]
    """Write a network's programs for the first gathered batch."""
    forward(networks, g, 0, memory, True)


def run() -> None:
    """Print shares of neurons and edges, averaged over whole trainings."""
    dataset = load_dataset("cubist-spiral")
    groups = {
        "dense " + str(Structure(structure)): [
            Experiment(structure=structure, lr=0.05 + n / 1_000_000) for n in range(NETWORKS)
        ]
        for structure in STRUCTURES
    }
    for name in STUDIES:
        study = resolve(name)[0].study
        groups[name] = [study[index] for index in study.sample(NETWORKS)]
    lines = [[name, *_shares(experiments, dataset)] for name, experiments in groups.items()]
    print("## Living neurons and edges, averaged over whole trainings\n")
    shares = ["neurons alive", "neurons that reach the output"]
    shares += ["edges in the forward pass", "edges in the backward pass"]
    print(table({"networks": "", **dict.fromkeys(shares, ".0%")}, lines))


def _shares(experiments: Sequence[Experiment], dataset: Dataset) -> NDArray[np.float64]:
    """Return float64 [4], the share for each column; the networks are trained one by one."""
    sums = np.zeros((4, 2))
    draw = np.random.default_rng(0)
    for experiment in experiments:
        networks = SparseNetworks([start_of(experiment, dataset, {})]).packed

        def count(networks: PackedNetworks = networks, experiment: Experiment = experiment) -> None:
            sums[:] += _counted(networks, experiment.batch_size, dataset, draw)

        train_networks(networks, [experiment], dataset, after_epoch=count)
    return sums[:, 0] / sums[:, 1]


def _counted(
    networks: PackedNetworks, batch_size: int, dataset: Dataset, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Return float64 [4, 2]: count and total for each column, summed over a few batches."""
    hidden, edges = int(networks.hidden[0]), int(networks.edges[0])
    memory = scratch(networks, dataset, batch_size)
    counts = np.zeros((4, 2))
    for _ in range(BATCHES):
        order = draw.integers(0, len(dataset), batch_size).astype(np.uint32)
        one = np.float32(1)
        gather(memory.table, dataset.features, order, 0, batch_size, one, memory.batches)
        _write_programs(networks, 0, memory)
        counts += [
            ((memory.programs.alive[:hidden] == ALIVE).sum(), hidden),
            (memory.programs.reaches_output[:hidden].sum(), hidden),
            (memory.programs.in_count[: hidden + 1].sum(), edges),
            (memory.programs.out_count[: hidden + dataset.features].sum(), edges),
        ]
    return counts
