"""All distinct networks of a search problem, the sparsest first, without a list of them.

Networks are distinct if no renaming of hidden neurons turns one into the other (`search.distinct`).
Each has a weight in every row and column of its hidden layers, and a dense output layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from search.distinct import DistinctMasks, check_listed
from search.experiment import Experiment
from search.strategies.problem import Problem
from search.structure import Structure


def sparsest_first(problem: Problem) -> Iterator[Experiment]:
    """Yield the full training of every network, of one structure or of all with its depth.

    `Problem.exhaustive` says which. With any structure it ends before the first number of weights
    at which a structure has too many networks (`search.distinct.check_listed`).
    """
    skip = 0 if problem.exhaustive is None else problem.exhaustive.skip
    yield from islice(_all(problem), skip, None)


def _all(problem: Problem) -> Iterator[Experiment]:
    most = None if _any_structure(problem) else problem.weights
    for weights in count(1):
        if most is not None and weights > most:
            return
        structures = list(_structures(problem, weights))
        if most is None and not all(_can_be_listed(problem, one) for one in structures):
            return
        for structure in structures:
            hidden = weights - problem.outputs * structure[-1]
            for masks in DistinctMasks(structure, problem.inputs).with_weights(hidden):
                yield problem.experiment(masks).with_structure(structure)


def count_networks(problem: Problem, weights: int) -> int:
    """Return the number of distinct networks with a number of weights; see `sparsest_first`."""
    total = 0
    for structure in _structures(problem, weights):
        counts = DistinctMasks(structure, problem.inputs).counts
        hidden = weights - problem.outputs * structure[-1]
        total += counts[hidden] if 0 <= hidden < len(counts) else 0
    return total


def _any_structure(problem: Problem) -> bool:
    return problem.exhaustive is not None and problem.exhaustive.any_structure


def _structures(problem: Problem, weights: int) -> Iterator[Structure]:
    """Yield the structures that may have networks with a number of weights, in order."""
    if not _any_structure(problem):
        yield problem.base.hidden
        return
    for neurons in _with_up_to(weights, len(problem.base.hidden), problem.inputs, problem.outputs):
        yield Structure(neurons)


def _with_up_to(weights: int, depth: int, inputs: int, outputs: int) -> Iterator[tuple[int, ...]]:
    """Yield the neurons of all hidden layers that up to `weights` weights can connect."""
    if depth == 0:
        if inputs * outputs <= weights:
            yield ()
        return
    for neurons in range(1, weights + 1):
        left = weights - max(inputs, neurons)
        if left <= 0:
            return
        for others in _with_up_to(left, depth - 1, neurons, outputs):
            yield (neurons, *others)


def _can_be_listed(problem: Problem, structure: Structure) -> bool:
    try:
        check_listed(structure, problem.inputs)
    except ValueError:
        return False
    return True
