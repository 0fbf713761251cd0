"""The project's own studies, which ask what the paper leaves open."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import product
from typing import Any

from search.datasets import dataset_named
from search.distinct import DistinctMasks
from search.experiment import SCHEDULES, Experiment
from search.grid import Chain, Grid, Product, Table, axis
from search.paper_grids import INPUTS, LRS, RANDOM_METHODS, RANDOM_TARGETS, RANDOM_WIDTHS
from search.structure import DEFAULT_DEPTH, Structure
from search.study import Study

ABLATION_DEPTHS = (1, 2, 3, 4, 5)
"""Numbers of hidden layers that the depth ablation compares."""

ABLATION_WIDTHS = (8, 16, 64)
"""Widths of three hidden layers whose numbers of weights the other depths match."""


MORE_METHODS = (
    "elimination", "neuron-elimination", "exchange", "lrr", "granet", "phew", "obs", "obs-gradual",
)  # fmt: skip
"""Methods of the project that prune to a number of weights."""

ADDED_METHODS = ("powerprop", "random")
"""Two others, which were added to `overparam-more` after it had been published."""

PENALTY_STRENGTHS = {
    "spred": (1e-4, 2e-4, 5e-4, 1e-3, 2e-3),
    "dwf": (2e-4, 5e-4, 2e-3, 5e-3, 1e-2),
    "str": (5e-4, 1e-3, 2e-3, 5e-3, 1e-2),
    "continuous": (2e-5, 5e-5, 2e-4, 5e-4, 1e-3),
    "l0": (3e-4, 6e-4, 1.2e-3, 2.5e-3, 5e-3),
    "group-lasso": (5e-5, 1e-4, 2e-4, 5e-4, 1e-3),
}
"""Strengths of the methods that have no target, in place of targets."""

WIDEST_IN_FULL = 64
"""Width up to which `overparam-more` has every target of the paper."""

EFFECTIVE_METHODS = ("snip", "grasp", "synflow", "iter-snip", "force", "prospr")
"""Methods of the paper that can count weights on a path."""


PLANE_TASKS = ("xor", "two-moons")
"""Data sets with two features whose small networks `tasks-search` enumerates."""

PLANE_TARGETS = (*range(7, 27), 30, 37, 44, 50)
"""Numbers of weights to prune to on `PLANE_TASKS`."""

REAL_TASKS = {
    "digits-odd": (10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100),
    "digits": (30, 40, 50, 60, 70, 80, 100, 120, 150, 200, 250, 300),
}
"""Data sets of measurements with a test split, and the numbers of weights to prune to."""

TASK_METHODS = ("elimination", "exchange", "lrr")
"""The project's methods in its studies of other tasks and depths."""

TASK_WIDTHS = (4, 8, 16)
"""Widths that the studies of other tasks prune from."""


def width_of_depth(depth: int, weights: int) -> int:
    """Return the width of equal hidden layers with the number of weights nearest to a given one.

    The dense network is one for the paper's data set. Of two widths it is the narrower one.
    """

    def size(width: int) -> int:
        return Structure.uniform(width, depth).weights(INPUTS)

    # The first width with at least as many weights, and the one before.
    wide = bisect_left(range(weights), weights, lo=1, key=size)
    return min((max(1, wide - 1), wide), key=lambda width: abs(size(width) - weights))


def _of_equal_size(widths: tuple[int, ...]) -> list[Structure]:
    """Return a network of each depth with about the weights of three layers of each width."""
    return [
        Structure.uniform(
            width_of_depth(depth, Structure.uniform(width, DEFAULT_DEPTH).weights(INPUTS)), depth
        )
        for width in widths
        for depth in ABLATION_DEPTHS
    ]


def _depth_ablation() -> Grid:
    """Return the grid of pruning at each depth, from networks of comparable numbers of weights."""
    networks = _of_equal_size(ABLATION_WIDTHS)
    starts = tuple((*network.as_whole, target) for network in networks for target in RANDOM_TARGETS)
    return Product.of(
        axis("init_scheme", None, "kaiming"),
        axis("lr", 0.05, 0.1, 0.2),
        axis("schedule", *SCHEDULES),
        axis("method", *RANDOM_METHODS),
        Table(("structure", "width", "target_nnz"), starts),
    )


def _depth_more() -> Grid:
    """Return the grid of the project's methods at each depth, from the two smaller sizes."""
    starts = [
        (*network.as_whole, target)
        for network in _of_equal_size(ABLATION_WIDTHS[:2])
        for target in (20, 26, 34, 44, 60)
    ]
    return Product.of(
        _replicates(2),
        axis("lr", 0.02, 0.05),
        axis("method", *TASK_METHODS),
        Table(("structure", "width", "target_nnz"), tuple(starts)),
    )


def _overparam_more() -> Grid:
    """Return the paper's grid `overparam` with other methods and a fourth learning rate.

    The paper's rates come first. Wide networks have every third target. `ADDED_METHODS` are at the
    end, so that the numbers of the others stay the same.
    """
    methods = [
        *((method, ()) for method in MORE_METHODS),
        *((method, (("budget", "effective"),)) for method in EFFECTIVE_METHODS),
    ]
    sizes = [
        (width, target)
        for width in RANDOM_WIDTHS
        for target in (RANDOM_TARGETS if width <= WIDEST_IN_FULL else RANDOM_TARGETS[::3])
        if target < Structure.uniform(width).weights(INPUTS)
    ]
    parts = methods, [(method, ()) for method in ADDED_METHODS]
    return Chain.of(
        *(
            Product.of(
                axis("lr", 0.05, 0.1, 0.2, 0.02),
                axis("schedule", *SCHEDULES),
                Table(("method", "hyperparameters"), tuple(part)),
                Table(("width", "target_nnz"), tuple(sizes)),
            )
            for part in parts
        )
    )


def _penalties() -> Grid:
    """Return the grid of `overparam-more` with strengths of penalties in place of targets."""
    strengths = tuple(
        (method, (("strength", strength),))
        for method, choices in PENALTY_STRENGTHS.items()
        for strength in choices
    )
    return Product.of(
        axis("lr", 0.05, 0.1, 0.2, 0.02),
        axis("schedule", *SCHEDULES),
        Table(("method", "hyperparameters"), strengths),
        axis("width", *RANDOM_WIDTHS),
    )


def _sizes(dataset: str, targets: tuple[int, ...]) -> list[tuple[str, int, int]]:
    """Return data set, width and target of networks with more weights than the target."""
    spec = dataset_named(dataset)
    return [
        (dataset, width, target)
        for width, target in product(TASK_WIDTHS, targets)
        if target < Structure.uniform(width).weights(spec.features, spec.outputs)
    ]


def _tasks_prune() -> Grid:
    """Return the grid of the paper's methods on other tasks; twice where there are few targets."""
    plane = [(*size, 0) for task in PLANE_TASKS for size in _sizes(task, PLANE_TARGETS)]
    real = [
        (*size, replicate)
        for task, targets in REAL_TASKS.items()
        for size in _sizes(task, targets)
        for replicate in range(2)
    ]
    return Product.of(
        axis("lr", 0.05, 0.1, 0.2),
        axis("schedule", *SCHEDULES),
        axis("method", *RANDOM_METHODS),
        Table(("dataset", "width", "target_nnz", "replicate"), (*plane, *real)),
    )


def _tasks_more() -> Grid:
    """Return the grid of the project's methods on the tasks of `tasks-prune`.

    Exchange is left out on `digits`, where one of its trainings takes half a minute.
    """
    tasks = {task: PLANE_TARGETS for task in PLANE_TASKS} | REAL_TASKS
    starts = [
        (method, *size)
        for method in TASK_METHODS
        for task, targets in tasks.items()
        if (method, task) != ("exchange", "digits")
        for size in _sizes(task, targets)
    ]
    return Product.of(
        axis("lr", 0.05, 0.02, 0.1),
        Table(("method", "dataset", "width", "target_nnz"), tuple(starts)),
    )


def _tasks_search() -> Grid:
    """Return the grid of the search on other tasks.

    Everywhere it has the dense structures up to 8x8x8. On `PLANE_TASKS` it has every distinct
    network of every structure up to 3x3x3. On `REAL_TASKS` there are far too many masks to
    enumerate, so it has random ones whose weights are all on a path.
    """
    dense = axis("structure", *map(Structure, product(range(1, 9), repeat=3)))
    masks = Chain(
        tuple(DistinctMasks(Structure(s), INPUTS) for s in product(range(1, 4), repeat=3))
    )
    sizes = [size for task, targets in REAL_TASKS.items() for size in _sizes(task, targets)]
    random = Product.of(
        axis("method", "random"),
        axis("hyperparameters", (("budget", "effective"),)),
        _replicates(35),
        Table(("dataset", "width", "target_nnz"), tuple(sizes)),
    )
    return Product.of(
        axis("lr", *LRS),
        axis("schedule", *SCHEDULES),
        Chain.of(
            Product.of(axis("dataset", *PLANE_TASKS, *REAL_TASKS), dense),
            Product.of(axis("dataset", *PLANE_TASKS), masks),
            random,
        ),
    )


def _elimination_ablation() -> Grid:
    """Return the grid that changes one hyperparameter of elimination at a time, and compares.

    The other methods are those whose ideas elimination could use: regrowth (exchange), second-order
    saliencies (obs), restarts of the learning rate (lrr), removal of neurons first, and magnitudes.
    """
    changes: tuple[tuple[str, Any], ...] = (
        *(("candidates", count) for count in (1, 2, 12)),
        *(("exact_below", weights) for weights in (35, 50, 140)),
        *(("dense", epochs) for epochs in (0.0, 1.0)),
        *(("shrink", epochs) for epochs in (0.3, 2.4)),
        *(("retrain", epochs) for epochs in (0.02, 0.2)),
        *(("fine", factor) for factor in (0.2, 1.0)),
    )
    variants = (
        ("elimination", ()),
        *(("elimination", (change,)) for change in changes),
        ("neuron-elimination", ()),
        *(("neuron-elimination", (("weights_below", weights),)) for weights in (30, 70)),
        ("exchange", (("rounds", 0),)),
        *((method, ()) for method in ("exchange", "obs", "obs-gradual", "lrr", "gmp")),
    )
    return Product.of(
        _replicates(50),
        axis("target_nnz", 20, 34),
        Table(("method", "hyperparameters"), variants),
    )


def _to_accuracy() -> Grid:
    """Return the grid of the methods that prune as far as an accuracy is kept."""
    attempts = (("attempts", 3),)
    methods = (
        ("elimination", 0.02, ()),
        *((name, 0.05, settings) for name in ("gmp", "lrr") for settings in ((), attempts)),
    )
    return Product.of(
        _replicates(25),
        axis("width", 7, 16),
        axis("target_accuracy", 0.95, 0.995),
        Table(("method", "lr", "hyperparameters"), methods),
    )


def _replicates(count: int) -> Grid:
    return axis("replicate", *range(count))


_EXCHANGE = Experiment(method="exchange", lr=0.02)

PROJECT_STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        # 55,890 = 2 schemes x 3 lrs x 3 schedules x 9 methods x 15 networks x 23 targets
        Study(
            "depth-ablation",
            "nine pruning algorithms at depths 1 to 5, from 152, 560 or 8,384 weights or nearly so",
            _depth_ablation(),
        ),
        # 600 = 2 replicates x 2 lrs x 3 methods x 10 networks x 5 targets
        Study(
            "depth-more",
            "elimination, exchange and learning-rate rewinding at depths 1 to 5",
            _depth_more(),
        ),
        # 2,000 = 200 replicates x 5 widths x 2 targets
        Study(
            "exchange",
            "how often exchange reaches the paper's sparsest networks, at five widths",
            Product.of(
                _replicates(200), axis("width", 7, 16, 32, 64, 256), axis("target_nnz", 20, 34)
            ),
            _EXCHANGE,
        ),
        # 312 = 24 replicates x 13 targets
        Study(
            "exchange-records",
            "exchange with 100 rounds, from width 7 to 13 to 25 weights",
            Product.of(_replicates(24), axis("target_nnz", *range(13, 26))),
            replace(_EXCHANGE, width=7, hyperparameters=(("rounds", 100),)),
        ),
        # 1,600 = 100 replicates x 2 lrs x 4 methods and widths x 2 targets
        Study(
            "equal-training",
            "GMP and LTH with at least as many edge updates as exchange, at widths 16 and 32",
            Product.of(
                _replicates(100),
                axis("lr", 0.02, 0.05),
                Table(
                    ("method", "width", "epochs"),
                    (("gmp", 16, 480), ("gmp", 32, 180), ("lth", 16, 75), ("lth", 32, 50)),
                ),
                # One more than the weights that these trainings leave.
                axis("target_nnz", 21, 35),
            ),
        ),
        # 2,000 = 200 replicates x 2 initialisations x 5 targets
        Study(
            "exchange-bench",
            "exchange from the best initialisations of the search, at width 7",
            Product.of(
                _replicates(200),
                Table(
                    ("init", "target_nnz"),
                    (
                        *(("bench-95", target) for target in range(14, 19)),
                        *(("bench-995", target) for target in range(22, 27)),
                    ),
                ),
            ),
            replace(_EXCHANGE, width=7),
        ),
        # 1,600 = 200 replicates x 4 widths x 2 targets
        Study(
            "elimination",
            "how often elimination reaches the paper's sparsest networks, at four widths",
            Product.of(_replicates(200), axis("width", 7, 16, 32, 64), axis("target_nnz", 20, 34)),
            Experiment(method="elimination", lr=0.02),
        ),
        # 2,400 = 50 replicates x 2 targets x 24 variants
        Study(
            "elimination-ablation",
            "which part of elimination matters, at width 16, and methods of related ideas",
            _elimination_ablation(),
            Experiment(method="elimination", lr=0.02, width=16),
        ),
        # 500 = 25 replicates x 2 widths x 2 accuracies x 5 methods
        Study(
            "to-accuracy",
            "elimination, GMP and learning-rate rewinding as far as an accuracy is kept",
            _to_accuracy(),
        ),
        # 39,168 = 4 lrs x 3 schedules x 16 methods x 204 sizes
        Study(
            "overparam-more",
            "ten more pruning algorithms, and six of the paper's with effective budgets",
            _overparam_more(),
        ),
        # 3,960 = 4 lrs x 3 schedules x 6 methods x 5 strengths x 11 widths
        Study(
            "penalties",
            "six methods that find their number of weights, at five strengths of their penalties",
            _penalties(),
        ),
        # 23,004 = 3 lrs x 3 schedules x 9 methods x 284 sizes and replicates
        Study(
            "tasks-prune",
            "nine pruning algorithms on xor, two moons and handwritten digits",
            _tasks_prune(),
        ),
        # 244,572 = 2 lrs x 3 schedules x (2,048 dense + 2 x 18,097 distinct + 2,520 random)
        Study(
            "tasks-search",
            "the search on these tasks: dense structures, then distinct or random masks",
            _tasks_search(),
        ),
        # 1,800 = 3 lrs x (3 methods x 212 sizes - 36 of exchange on digits)
        Study(
            "tasks-more",
            "elimination, exchange and learning-rate rewinding on these tasks",
            _tasks_more(),
        ),
    )
}
"""The project's studies by name. Their names do not depend on what other studies there are, and
their grids must not change: published rows refer to their digests."""
