"""What a search has not found: how many networks of each size were tried, and how often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
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


def statements(problem: Problem, trials: Sequence[Trial]) -> list[Statement]:
    """Return what was tried, by number of weights, the fewest first."""
    restarts: dict[int, Counter[Masks]] = defaultdict(Counter)
    full: Counter[int] = Counter()
    reached: Counter[int] = Counter()
    counts: dict[Masks, int] = {}
    for trial in trials:
        masks = trial.experiment.masks
        if masks not in counts:
            counts[masks] = problem.count(masks)
        weights = counts[masks]
        restarts[weights][masks] += trial.experiment.init == FRESH_INIT
        full[weights] += trial.experiment.epochs == problem.base.epochs
        reached[weights] += problem.reached(trial)
    return [
        Statement(n, len(tried), min(tried.values()), full[n], reached[n])
        for n, tried in sorted(restarts.items())
    ]
