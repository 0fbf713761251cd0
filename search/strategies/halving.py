"""Successive halving: many short trainings, and longer ones of the best.

Source: K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and hyperparameter
optimization, 2016; the rungs are those of L. Li et al., Hyperband, 2018. Every rung trains from the
same initial weights again, with the full learning-rate schedule of its length.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import count, islice

from search.experiment import Experiment
from search.strategies.every_network import sparsest_first
from search.strategies.problem import Problem, Proposals, Trial
from search.strategies.random_masks import random_masks

ETA = 3
"""The best of this number of trainings continues to the next rung."""

RUNGS = 4
"""Number of rungs; the last has the epochs of the base, each one before a third of the next."""

BRACKET = 81
"""Number of random networks in a bracket."""

PORTION = 4
"""Fraction of the weights, 1 / PORTION, by which the next random networks are smaller."""

RESTARTS = 27
"""Number of initialisations of each network in a pass over all distinct ones."""

ROUND = 4096
"""Number of experiments of a first rung that are proposed together."""


def propose(problem: Problem) -> Proposals:
    """Propose networks; see `search.strategies.problem`."""
    if problem.exhaustive:
        yield from _all_networks(problem)
    else:
        yield from _random_networks(problem)


def _all_networks(problem: Problem) -> Proposals:
    """Pass over all distinct networks, the sparsest first, with new initialisations each time."""
    for repetition in count():
        restarts = range(RESTARTS * repetition, RESTARTS * (repetition + 1))
        networks = sparsest_first(problem)
        some = list(islice(networks, ROUND // RESTARTS))
        if not some:
            return
        while some:
            yield from halved(
                problem,
                [[replace(network, replicate=number) for number in restarts] for network in some],
            )
            some = list(islice(networks, ROUND // RESTARTS))


def _random_networks(problem: Problem) -> Proposals:
    """Try random networks with fewer weights than the sparsest so far.

    The number of weights falls in steps of a quarter, or half the last step after a bracket without
    success.
    """
    random = problem.random("halving")
    fewest = problem.weights + 1
    least = len(problem.shapes) + problem.shapes[-1][0] - 1
    step, whole = 1, 0
    while True:
        weights = max(least, fewest - step)
        # The whole network has no other masks, so its next brackets have other initialisations.
        first = 0
        if weights == problem.weights:
            first, whole = BRACKET * whole, whole + 1
        bracket = [
            problem.experiment(random_masks(problem, weights, random), replicate=first + n)
            for n in range(BRACKET)
        ]
        trained = yield from halved(problem, [bracket])
        reached = [trial.weights for trial in trained if problem.reached(trial)]
        if reached and min(reached) < fewest:
            fewest = min(reached)
            step = max(1, fewest // PORTION)
        else:
            step = max(1, step // 2)


def halved(
    problem: Problem, groups: Sequence[Sequence[Experiment]]
) -> Generator[Sequence[Experiment], Sequence[Trial], list[Trial]]:
    """Train groups from fresh initialisations with successive halving; return the last rung."""
    lengths = [max(1, round(problem.base.epochs / ETA**n)) for n in reversed(range(RUNGS))]
    rung: list[list[Experiment]] = [
        [replace(one, epochs=lengths[0]) for one in group] for group in groups
    ]
    for length in lengths[1:]:
        results = iter((yield [experiment for group in rung for experiment in group]))
        best = [_best([next(results) for _ in group]) for group in rung]
        rung = [
            [
                replace(
                    trial.experiment,
                    init=trial.initial,
                    epochs=length,
                    replicate=problem.base.replicate,
                )
                for trial in group
            ]
            for group in best
        ]
    return list((yield [experiment for group in rung for experiment in group]))


def _best(trials: Sequence[Trial]) -> list[Trial]:
    """Return the third of the trials with the least loss."""
    return sorted(trials, key=lambda trial: trial.loss)[: max(1, len(trials) // ETA)]
