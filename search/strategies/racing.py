"""Racing: estimate how often trainings of the best networks reach the target.

Training is noisy, so one success says little. Candidates are trained again from the same initial
weights in other data orders. All get the same number of replicates, which doubles from round to
round; a candidate drops out when the upper end of its Clopper-Pearson interval is below the lower
end of another one's (successive elimination: E. Even-Dar, S. Mannor and Y. Mansour, 2006). The
training that made it a candidate does not count, because it was selected.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from search.experiment import Experiment
from search.intervals import Interval, clopper_pearson
from search.strategies.problem import Masks, Problem, Trial

CANDIDATES = 8
"""Maximum number of candidates."""

FIRST = 8
"""Number of replicates of each candidate in the first round."""

MOST = 64
"""Maximum number of replicates of a candidate."""


@dataclass(frozen=True)
class Candidate:
    """A network that reached the target.

    Attributes:
        trial: the training that reached it.
        hits: number of replicates that reach the target too.
        trials: number of replicates.
    """

    trial: Trial
    hits: int = 0
    trials: int = 0

    @property
    def success(self) -> Interval | None:
        """Probability that a training reaches the target; None without replicates."""
        return clopper_pearson(self.hits, self.trials) if self.trials else None

    def add(self, hits: int, trials: int) -> Candidate:
        """Return the candidate with more replicates."""
        return replace(self, hits=self.hits + hits, trials=self.trials + trials)


def choose_candidates(reached: Sequence[Trial]) -> list[Candidate]:
    """Return networks that reach the target, with equally many weights, the most accurate first.

    Of trainings of the same masks from the same initial weights, the most accurate is taken.
    """
    best = sorted(reached, key=lambda trial: (-trial.accuracy, trial.experiment.experiment_id))
    different: dict[tuple[Masks, str], Trial] = {}
    for trial in best:
        different.setdefault((trial.experiment.masks, trial.initial), trial)
    return [Candidate(trial) for trial in different.values()][:CANDIDATES]


def race(
    problem: Problem, candidates: list[Candidate]
) -> Generator[Sequence[Experiment], Sequence[Trial], None]:
    """Propose the replicates of candidates that have none yet; see the module.

    After each round, the replicates are counted in the candidates of the list.
    """
    alive, done = list(range(len(candidates))), 0
    while alive and done < MOST:
        more = max(FIRST, done)
        trials = [candidates[i].trial for i in alive]
        results = iter((yield [replicate(one, done + n) for one in trials for n in range(more)]))
        for i in alive:
            hits = sum(problem.reached(next(results)) for _ in range(more))
            candidates[i] = candidates[i].add(hits, more)
        done += more
        success = {i: clopper_pearson(candidates[i].hits, done) for i in alive}
        lowest = max(interval.low for interval in success.values())
        alive = [i for i in alive if success[i].high >= lowest]


def replicate(trial: Trial, number: int) -> Experiment:
    """Return the replicate of a number from 0: the same initial weights in another data order.

    The training's own number is skipped.
    """
    return replace(
        trial.experiment, init=trial.initial, replicate=trial.experiment.replicate + 1 + number
    )
