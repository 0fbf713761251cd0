"""Backward elimination as a beam: remove weights, retrain, keep the best networks.

A state is a trained network with its masks. Its children lack one neuron or a few weights, those
whose removal costs the least loss. All children of a beam are retrained shortly from their parent's
weights, and the ones with the least loss are kept. If none of them reaches the target, they are
trained in full. If one does, they are the next beam; otherwise half as many weights are removed
from the same beam. Where the removal of single weights fails, the beam continues from the networks
that failed, and restarts from other initial weights after `PATIENCE` failures in a row.

The choice by the loss after retraining is that of the method `elimination` (`pruning.elimination`),
which keeps one network instead of a beam.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from search.experiment import Experiment
from search.strategies.problem import Problem, Proposals, Trial, best_of

BEAM = 4
"""Number of networks in a beam."""

CHILDREN = 4
"""Number of children of a network."""

SHORT = 0.1
"""Length of a short retraining, relative to the full one."""

PORTION = 4
"""Fraction of the weights, 1 / PORTION, that a child lacks at first; it is halved after a failure
until it is a single weight."""

FINE = 0.4
"""Learning rate of retraining, relative to that of the dense networks."""

PATIENCE = 3
"""Consecutive failures with single weights after which the beam starts again."""


def propose(problem: Problem) -> Proposals:
    """Propose networks; see `search.strategies.problem`."""
    lr = FINE * problem.base.lr
    for start in count():
        replicates = range(BEAM * start, BEAM * (start + 1))
        dense = yield [problem.experiment(replicate=number) for number in replicates]
        beam = best_of(dense, BEAM)
        portion, failures = PORTION, 0
        while beam and failures < PATIENCE:
            removed = max(1, beam[0].weights // portion)
            children = _children(problem, beam, removed)
            if not children:
                break
            smaller = best_of((yield children), BEAM)
            if smaller and not any(map(problem.reached, smaller)):
                full = yield [
                    problem.experiment(one.experiment.masks, init=one.final, lr=lr)
                    for one in smaller
                ]
                smaller = best_of(full, BEAM)
            if any(map(problem.reached, smaller)):
                beam, failures = smaller, 0
            elif removed > 1:
                portion *= 2
            else:
                beam, failures = smaller, failures + 1


def _children(problem: Problem, beam: Sequence[Trial], removed: int) -> list[Experiment]:
    """Return the short retrainings of all children of a beam, each network once."""
    children = {}
    for trial in beam:
        for masks in problem.shrink(trial, CHILDREN, removed):
            child = problem.experiment(
                masks,
                init=trial.final,
                lr=FINE * problem.base.lr,
                epochs=max(1, round(SHORT * problem.base.epochs)),
            )
            children[child.experiment_id] = child
    return list(children.values())
