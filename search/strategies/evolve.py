"""Evolution at a fixed number of weights: swap a weight, retrain, keep the best networks.

The error is not monotone in what is removed, so a swap can help where no removal does (the argument
of O. Sieberling et al., EvoPress, 2025). A child has one weight
less than its parent and another one, which starts at zero. When a network reaches the target, some
of its weights are removed, and the swaps continue with the smaller network. After `PATIENCE`
generations without success half as many weights are removed from the last network that succeeded;
if it was a single one, other initial weights are taken.
"""

from __future__ import annotations

from itertools import count

from search.strategies.eliminate import FINE, PORTION, SHORT
from search.strategies.problem import Problem, Proposals, Trial, best_of
from search.strategies.random_masks import swapped

POPULATION = 4
"""Number of networks that survive a generation."""

CHILDREN = 16
"""Number of children of a generation."""

PATIENCE = 6
"""Consecutive generations of swaps without success after which fewer weights are removed."""


def propose(problem: Problem) -> Proposals:
    """Propose networks; see `search.strategies.problem`."""
    random = problem.random("evolve")
    lr = FINE * problem.base.lr
    epochs = max(1, round(SHORT * problem.base.epochs))
    for start in count():
        replicates = range(POPULATION * start, POPULATION * (start + 1))
        dense = yield [problem.experiment(replicate=n) for n in replicates]
        population = best_of(dense, POPULATION)
        portion, removed, failures = PORTION, 1, 0
        succeeded: list[Trial] = []
        while population:
            best = population[0]
            if problem.reached(best):
                succeeded, failures = population, 0
                removed = max(1, best.weights // portion)
                masks = problem.shrink(best, POPULATION, removed)
                parents = [best] * len(masks)
            elif failures < PATIENCE:
                failures += 1
                parents = [population[n % len(population)] for n in range(CHILDREN)]
                masks = [swapped(problem, one.experiment.masks, random) for one in parents]
            elif removed > 1 and succeeded:
                portion *= 2
                population = succeeded
                continue
            else:
                break
            children = yield [
                problem.experiment(one, init=parent.final, lr=lr, epochs=epochs)
                for one, parent in zip(masks, parents, strict=True)
            ]
            population = best_of(
                children if failures == 0 else [*population, *children], POPULATION
            )
            full = [
                problem.experiment(one.experiment.masks, init=one.final, lr=lr)
                for one in population[:1]
                if not problem.reached(one)
            ]
            if full:
                population = best_of([*(yield full), *population], POPULATION)
