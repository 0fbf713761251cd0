"""A worker's time by part, for a typical task of the search, and that of some other tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel import Case, experiments
from benchmarks.report import table, timed
from pruning.connectivity import effective_mask
from pruning.functional_sparsity import FunctionalSparsity
from pruning.masks import explicit_masks
from search.catalogue import resolve
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.fast import train_fast, train_networks
from workers.initial import starting_network
from workers.kernel.compiled import compiled
from workers.kernel.measure import evaluate_networks
from workers.kernel.packing import pack, topology
from workers.kernel.points import gather, packed_points
from workers.kernel.simd import STRIPE, aligned_zeros
from workers.orders import permutation
from workers.prunability import prunability
from workers.train import train_batch

GROUP = 16
"""Number of networks that share a data order in a task of about 1,000 experiments."""

COUNTED = {"phase1": 200, "phase2-95": 1_000, "phase2-995": 1_000}
"""Study -> number of experiments sampled, evenly spread."""


@compiled
def _gathers(table, features, order, scale, rows):  # type: ignore[no-untyped-def]
    """Gather the batches of 50 epochs."""
    for _ in range(50):
        for step in range(390):
            gather(table, features, order, step * 128, 128, scale, rows)


def run() -> None:
    """Print the milliseconds per network, for 16 masked 7x3x3 networks of one data order."""
    dataset = load_dataset("cubist-spiral")
    study = resolve("phase2-995")[0].study
    group = experiments(Case((7, 3, 3)))[:GROUP]
    masked = [study[index] for index in study.sample(GROUP)]
    order = np.empty(len(dataset), np.uint32)
    batch = np.float32(1 / 128)
    rows = aligned_zeros((dataset.features + 2) * STRIPE)

    def shuffles() -> None:
        for epoch in range(50):
            permutation(1, epoch, order)

    def gathers() -> None:
        _gathers(packed_points(dataset), dataset.features, order, batch, rows)

    masks = [explicit_masks(experiment, 2) for experiment in masked]
    trained = [
        (effective_mask([weight for weight, _ in network.layers]), network.active_points)
        for network in train_fast(masked, dataset, {})
    ]

    def functional_sparsity() -> None:
        for effective, active_points in trained:
            FunctionalSparsity.of(effective, active_points, len(dataset))

    networks = pack([topology(m) for m in masks], [starting_network(e, {}) for e in group])

    def setting_up() -> None:
        shapes = [topology(explicit_masks(experiment, 2)) for experiment in masked]
        pack(shapes, [starting_network(experiment, {}) for experiment in masked])

    def kernel() -> None:
        # Copies, since the time depends on the number of dead neurons.
        parameters, velocities = networks.parameters, networks.velocities
        train_networks(
            networks._replace(parameters=_copy(parameters), velocities=_copy(velocities)),
            group,
            dataset,
        )

    def making_experiments() -> None:
        for index in study.sample(GROUP):
            assert study[index].experiment_id

    train_batch(masked)
    parts: dict[str, Callable[[], object]] = {
        "making the experiments and their ids": making_experiments,
        "initial weights and edge lists": setting_up,
        "50 shuffles": shuffles,
        "19,500 gathers": gathers,
        "training, with shuffles and gathers": kernel,
        "evaluation on all points, with active neurons": partial(
            evaluate_networks, networks, dataset
        ),
        "live and folded weights": functional_sparsity,
    }
    lines = [[name, _best_ms(work) / GROUP] for name, work in parts.items()]
    print("## A worker's time: ms per network, 16 masked 7x3x3 networks of phase2-995\n")
    print(table({"part": "", "ms": ".3f"}, lines))


def run_replicates() -> None:
    """Compare replicates of one network, which share no data order, with different networks.

    In a task of 1,056 different networks, 16.5 share each of the 64 data orders on average. A
    replicate has its data order to itself, since replicates that start from one stored
    initialisation would otherwise be the same training, so each pays for its shuffle and gathers.
    """
    replicates = [Experiment(structure=(7, 3, 3), replicate=number) for number in range(GROUP)]
    candidates = experiments(Case((7, 3, 3)))
    stream = candidates[0].order_stream
    different = [e for e in candidates if e.order_stream == stream][:GROUP]
    pairs = [
        tuple(_best_ms(partial(train_batch, group), 1) / GROUP for group in (replicates, different))
        for _ in range(5)
    ]
    alone, shared = (min(times) for times in zip(*pairs, strict=True))
    print(f"## Replicates: ms per 7x3x3 network, {GROUP} networks in a task\n")
    rows = [["replicates of one network", f"{alone:.1f}"], ["different networks", f"{shared:.1f}"]]
    print(table(["networks", "ms"], [*rows, ["ratio", f"{alone / shared:.2f}"]]))


def run_prunability() -> None:
    """Print the milliseconds per network of training and of counting."""
    dataset = load_dataset("cubist-spiral")
    lines = []
    for name, number in COUNTED.items():
        study = resolve(name)[0].study
        experiments = [study[index] for index in study.sample(number)]
        train_fast(experiments[:1], dataset, {})  # the first call compiles
        trained, train_s = timed(partial(train_fast, experiments, dataset, {}))
        prunability(trained, dataset)  # the first call compiles
        counts, count_s = timed(partial(prunability, trained, dataset))
        counted = sum(count.own is not None for count in counts)
        per_network = 1000 * train_s / number, 1000 * count_s / number
        lines.append([name, number, counted, *per_network, count_s / train_s])
    print("## Counting prunable weights: ms per network\n")
    columns = {"study": "", "networks": ",", "counted": ",", "training": ".2f", "counting": ".2f"}
    print(table(columns | {"share": ".1%"}, lines))


def _copy(values: NDArray[np.float32]) -> NDArray[np.float32]:
    copy = aligned_zeros(len(values))
    copy[:] = values
    return copy


def _best_ms(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the shortest time of some rounds, in milliseconds."""
    return 1000 * min(timed(work)[1] for _ in range(rounds))
