"""The problem that a search strategy gets, and its proposals.

A strategy is a generator function. It yields rounds of experiments and is sent their results:

    def small_networks(problem: Problem) -> Proposals:
        random = problem.random("small")
        while True:
            masks = [random_masks(problem, weights, random) for weights in range(9, 20)]
            trials = yield list(map(problem.experiment, masks))

It never ends: the search stops when its budget is spent. It must be deterministic, given the
problem and the results, with random numbers from `Problem.random` only. A search that resumes runs
the generator again from its start, on stored results, and so proposes the same experiments.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from random import Random
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.experiment import FRESH_INIT, Experiment
from search.lineage import RowInit
from search.masks.text import dense_mask, parse_mask

Masks = tuple[str, ...]
"""Masks of the first layers as text, the output layer included; the other layers are dense."""


@dataclass(frozen=True)
class Trial:
    """The result of an experiment.

    Attributes:
        experiment: the experiment.
        accuracy: fraction of all points classified correctly; 0 if the training diverged.
        loss: mean loss over all points; infinite if the training diverged.
        weights: number of nonzero weights; 0 if the training diverged.

    Example:
        >>> import sparsest
        >>> experiment = sparsest.Experiment(structure=(3, 2), epochs=2)
        >>> trial = sparsest.Trial(experiment, accuracy=0.9, loss=0.2, weights=14)
        >>> trial.usable, trial.final == f"row:{experiment.experiment_id}/final"
        (True, True)
    """

    experiment: Experiment
    accuracy: float
    loss: float
    weights: int

    @property
    def usable(self) -> bool:
        """Whether other networks can start from the trained weights."""
        return self.weights > 0 and isfinite(self.loss)

    @property
    def initial(self) -> str:
        """`Experiment.init` of an experiment with the same initial weights."""
        if self.experiment.init != FRESH_INIT:
            return self.experiment.init
        return str(RowInit(self.experiment.experiment_id, final=False))

    @property
    def final(self) -> str:
        """`Experiment.init` of an experiment that starts from the trained weights."""
        return str(RowInit(self.experiment.experiment_id, final=True))


def best_of(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return up to `count` usable networks, the one with the least loss first."""
    usable = [trial for trial in trials if trial.usable]
    return sorted(usable, key=lambda trial: trial.loss)[:count]


Proposals = Generator[Sequence[Experiment], Sequence[Trial], None]
"""Rounds of experiments; each is answered by their trials, in the same order."""


class Strategy(Protocol):
    """A search strategy; see the module."""

    def __call__(self, problem: Problem) -> Proposals:
        """Propose experiments without end."""


class Shrink(Protocol):
    """Removes weights from a trained network."""

    def __call__(self, trial: Trial, count: int, weights: int) -> list[Masks]:
        """Return masks of up to `count` smaller networks.

        Each lacks one neuron, or `weights` weights, and what is then on no path from an input to an
        output. They are ordered by the loss without retraining (`pruning.saliency`), the least
        first.
        """


@dataclass(frozen=True)
class Exhaustive:
    """Distinct networks that an exhaustive search tries.

    Attributes:
        any_structure: those of every structure with as many hidden layers, instead of one.
        skip: number of networks left out, the sparsest ones.
    """

    any_structure: bool = False
    skip: int = 0


@dataclass(frozen=True)
class Problem:
    """Search problem: the fewest weights that reach an accuracy.

    Attributes:
        base: full training of the dense network of the largest structure.
        shapes: (outputs, inputs) of the weight matrix of each layer of that network.
        target: accuracy to reach.
        shrink: removes weights from a trained network.
        exhaustive: try every distinct network instead of random ones; None for random ones.

    Example:
        >>> import sparsest
        >>> def rotate(problem: sparsest.Problem) -> sparsest.Proposals:
        ...     # Remove one weight at a time from one network after the other.
        ...     replicate = 0
        ...     while True:
        ...         (best,) = yield [problem.experiment(replicate=replicate)]
        ...         while problem.reached(best) and (smaller := problem.shrink(best, 1, 1)):
        ...             (best,) = yield [problem.experiment(smaller[0], init=best.final)]
        ...         replicate += 1
        >>> found = sparsest.search(
        ...     "3x2",
        ...     "runs/rotate",
        ...     core_hours=0.00001,
        ...     strategy=rotate,
        ...     dataset="two-moons",
        ...     target=0.6,
        ...     epochs=2,
        ... )
        >>> len(found) > 0
        True
    """

    base: Experiment
    shapes: Sequence[tuple[int, int]]
    target: float
    shrink: Shrink
    exhaustive: Exhaustive | None = None

    def experiment(self, masks: Masks = (), **changes: Any) -> Experiment:
        """Return an experiment with masks of the first layers and other changes of the base."""
        made = replace(self.base, **changes)
        kept = list(masks)
        while kept and "0" not in kept[-1]:
            # So that a network has one description, and no experiment is trained twice.
            kept.pop()
        return replace(made, masks=tuple(kept))

    def random(self, stream: str) -> Random:
        """Return a generator of random numbers, seeded by the base and the name of a stream."""
        return Random(self.base.seed(f"strategy/{stream}"))

    def reached(self, trial: Trial) -> bool:
        """Return whether a network reaches the target."""
        return trial.accuracy >= self.target

    @property
    def inputs(self) -> int:
        """Number of features of the data."""
        return self.shapes[0][1]

    @property
    def outputs(self) -> int:
        """Number of outputs of a network."""
        return self.shapes[-1][0]

    @property
    def weights(self) -> int:
        """Number of weights of the dense network."""
        return sum(n_out * n_in for n_out, n_in in self.shapes)

    def arrays(self, masks: Masks) -> list[NDArray[np.bool_]]:
        """Return the masks of all layers, bool [outputs, inputs] each."""
        dense = [dense_mask(*shape) for shape in self.shapes]
        return list(map(parse_mask, [*masks, *dense[len(masks) :]]))

    def count(self, experiment: Experiment) -> int:
        """Return the number of weights that the masks of an experiment keep."""
        dense = experiment.hidden.weights(self.inputs, self.outputs)
        return dense - sum(mask.count("0") for mask in experiment.masks)
