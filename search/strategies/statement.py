"""Numbers of networks that a search tried without success, by their number of weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from search.experiment import FRESH_INIT
from search.intervals import LEVEL
from search.strategies.problem import Masks, Problem, Trial


@dataclass(frozen=True)
class Statement:
    """The networks with a number of weights that were tried.

    Attributes:
        weights: number of weights that the masks keep.
        networks: number of different masks.
        restarts: smallest number of initialisations of one of them, with the short trainings of
            successive halving.
        full: number of trainings of full length.
        reached: number of trainings that reach the target.
    """

    weights: int
    networks: int
    restarts: int
    full: int
    reached: int

    @property
    def bound(self) -> float | None:
        """Upper end of the one-sided 95 % interval of each network's probability of success.

        The probability is that of one restart under the procedure. None if one reached the target.
        """
        if self.reached or not self.restarts:
            return None
        return float(1 - (1 - LEVEL) ** (1 / self.restarts))


class Tried:
    """Counts what was tried.

    Args:
        problem: the search problem.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._counts: dict[Masks, int] = {}
        self._restarts: dict[int, Counter[Masks]] = defaultdict(Counter)
        self._full: Counter[int] = Counter()
        self._reached: Counter[int] = Counter()

    def add(self, trial: Trial) -> None:
        """Count a training."""
        masks = trial.experiment.masks
        if masks not in self._counts:
            self._counts[masks] = self._problem.count(masks)
        weights = self._counts[masks]
        self._restarts[weights][masks] += trial.experiment.init == FRESH_INIT
        self._full[weights] += trial.experiment.epochs == self._problem.base.epochs
        self._reached[weights] += self._problem.reached(trial)

    def statements(self) -> list[Statement]:
        """Return what was tried, by number of weights, the fewest first."""
        return [
            Statement(n, len(tried), min(tried.values()), self._full[n], self._reached[n])
            for n, tried in sorted(self._restarts.items())
        ]
