"""Backward elimination as a beam: remove weights, retrain, keep the best networks.

A state is a trained network with its masks. Its children lack one neuron or a few weights, those
whose removal costs the least loss. All children of a beam are retrained shortly from their parent's
weights, and the ones with the least loss are the next beam. If none of them reaches the target, and
they are sparser than the sparsest so far, they are trained in full. After `PATIENCE` numbers of
weights without success the beam starts again from other initial weights.

The choice by the loss after retraining is that of the method `elimination` (`pruning.elimination`),
which keeps one network instead of a beam.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from search.experiment import Experiment
from search.strategies.problem import Problem, Proposals, Trial

BEAM = 4
"""Number of networks in a beam."""

CHILDREN = 4
"""Number of children of a network."""

SHORT = 0.1
"""Length of a short retraining, relative to the full one."""

PORTION = 16
"""A child lacks this fraction of the weights, 1 / PORTION, and at least one."""

FINE = 0.4
"""Learning rate of retraining, relative to that of the dense networks."""

PATIENCE = 3
"""Numbers of weights without success after which the beam starts again."""


def propose(problem: Problem) -> Proposals:
    """Propose networks; see `search.strategies.problem`."""
    fewest = problem.weights + 1
    for start in count():
        replicates = range(BEAM * start, BEAM * (start + 1))
        beam = yield [problem.experiment(replicate=number) for number in replicates]
        failures = 0
        while failures < PATIENCE:
            children = _children(problem, beam)
            if not children:
                break
            beam = _best((yield children))
            full = [_full(problem, one) for one in beam if one.weights < fewest]
            if full and not any(map(problem.reached, beam)):
                beam = _best((yield full))
                failures += 1
            reached = [one.weights for one in beam if problem.reached(one)]
            if reached:
                fewest = min(fewest, *reached)
                failures = 0


def _children(problem: Problem, beam: Sequence[Trial]) -> list[Experiment]:
    """Return the short retrainings of all children of a beam, each network once."""
    children = {}
    for trial in _best(beam):
        for masks in problem.shrink(trial, CHILDREN, max(1, trial.weights // PORTION)):
            child = problem.experiment(
                masks,
                init=trial.final,
                lr=FINE * problem.base.lr,
                epochs=max(1, round(SHORT * problem.base.epochs)),
            )
            children[child.experiment_id] = child
    return list(children.values())


def _full(problem: Problem, trial: Trial) -> Experiment:
    return problem.experiment(trial.experiment.masks, init=trial.final, lr=FINE * problem.base.lr)


def _best(trials: Sequence[Trial]) -> list[Trial]:
    """Return the networks of the next beam, the one with the least loss first."""
    usable = [trial for trial in trials if trial.usable]
    return sorted(usable, key=lambda trial: trial.loss)[:BEAM]
