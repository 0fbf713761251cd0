"""Evolution at a fixed number of weights: swap a weight, retrain, keep the best networks.

The error is not monotone in what is removed, so a swap can help where no removal does (the argument
of O. Sieberling et al., EvoPress, 2025). A child has one weight less than its parent and another
one, which starts at zero. When a network reaches the target, a sixteenth of its weights is removed
and the swaps go on with the smaller network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from search.strategies.problem import Problem, Proposals, Trial
from search.strategies.random_masks import swapped

POPULATION = 4
"""Number of networks that survive a generation."""

CHILDREN = 16
"""Number of children of a generation."""

SHORT = 0.1
"""Length of a generation's training, relative to the full one."""

PORTION = 16
"""Fraction of the weights, 1 / PORTION, that is removed after a success; at least one is."""

FINE = 0.4
"""Learning rate of retraining, relative to that of the dense networks."""

PATIENCE = 12
"""Generations without success after which other initial weights are taken."""


def propose(problem: Problem) -> Proposals:
    """Propose networks; see `search.strategies.problem`."""
    random = problem.random("evolve")
    lr = FINE * problem.base.lr
    epochs = max(1, round(SHORT * problem.base.epochs))
    for start in count():
        dense = yield [
            problem.experiment(replicate=POPULATION * start + n) for n in range(POPULATION)
        ]
        population = _best(dense)
        failures = 0
        while population and failures < PATIENCE:
            best = population[0]
            if problem.reached(best):
                failures = 0
                removed = max(1, best.weights // PORTION)
                smaller = problem.shrink(best, POPULATION, removed)
                if not smaller:
                    break
                population = _best(
                    (
                        yield [
                            problem.experiment(masks, init=best.final, lr=lr, epochs=epochs)
                            for masks in smaller
                        ]
                    )
                )
            else:
                failures += 1
                parents = [population[n % len(population)] for n in range(CHILDREN)]
                children = yield [
                    problem.experiment(
                        swapped(problem, parent.experiment.masks, random),
                        init=parent.final,
                        lr=lr,
                        epochs=epochs,
                    )
                    for parent in parents
                ]
                population = _best([*population, *children])
            if population:
                best = population[0]
                full = yield [problem.experiment(best.experiment.masks, init=best.final, lr=lr)]
                population = _best([*full, *population])


def _best(trials: Sequence[Trial]) -> list[Trial]:
    """Return the networks that survive, the one with the least loss first."""
    usable = [trial for trial in trials if trial.usable]
    return sorted(usable, key=lambda trial: trial.loss)[:POPULATION]
