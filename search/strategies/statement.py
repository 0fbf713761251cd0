"""Numbers of networks that a search tried without success, by their number of weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from search.experiment import FRESH_INIT
from search.intervals import LEVEL
from search.strategies.every_network import count_networks
from search.strategies.halving import RESTARTS
from search.strategies.problem import Masks, Problem, Trial

NetworkKey = tuple[tuple[int, ...], Masks]
"""Structure and masks."""


@dataclass(frozen=True)
class Statement:
    """The networks with a number of weights that were tried.

    Attributes:
        weights: number of weights that the masks keep.
        networks: number of different networks tried, each up to a training of full length.
        distinct: number of distinct networks that there are.
        restarts: smallest number of initialisations of one of those tried, with the short trainings
            of successive halving.
        full: number of trainings of full length.
        reached: number of trainings that reach the target.
        highest: highest accuracy of a training.
    """

    weights: int
    networks: int
    distinct: int
    restarts: int
    full: int
    reached: int
    highest: float

    @property
    def max_success(self) -> float | None:
        """Upper end of the one-sided 95 % interval of each network's probability of success.

        The probability is that of one restart under the procedure. None if one reached the target.
        """
        if self.reached:
            return None
        return float(1 - (1 - LEVEL) ** (1 / self.restarts))


class Tried:
    """Counts what was tried in a search."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._fresh: Counter[NetworkKey] = Counter()
        self._full: dict[int, Counter[NetworkKey]] = defaultdict(Counter)
        self._reached: Counter[int] = Counter()
        self._highest: dict[int, float] = defaultdict(float)

    def add(self, trial: Trial) -> None:
        """Count a training."""
        experiment = trial.experiment
        weights = self._problem.count(experiment)
        network = (experiment.hidden, experiment.masks)
        self._fresh[network] += experiment.init == FRESH_INIT
        if experiment.epochs == self._problem.base.epochs:
            self._full[weights][network] += 1
        self._reached[weights] += self._problem.reached(trial)
        self._highest[weights] = max(self._highest[weights], trial.accuracy)

    def statements(self) -> list[Statement]:
        """Return what was tried, by number of weights, the fewest first."""
        return [
            Statement(
                weights,
                len(full),
                count_networks(self._problem, weights),
                min(min(self._fresh[one], RESTARTS * n) for one, n in full.items()),
                full.total(),
                self._reached[weights],
                self._highest[weights],
            )
            for weights, full in sorted(self._full.items())
        ]
