"""The result of a search by a strategy, as lines for the user and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.display.formatting import counted
from orchestrator.invocation import program
from search.experiment import Experiment
from search.strategies.problem import Problem
from search.strategies.racing import Candidate
from search.strategies.statement import Statement


@dataclass(frozen=True)
class SearchSummary:
    """The result of a search.

    Attributes:
        problem: what was searched for.
        strategy: name of the strategy.
        found: networks with the fewest weights that reach the target, the winner first.
        experiments: number of experiments that were proposed.
        highest: highest accuracy of one of them.
        statements: what was tried, by number of weights; empty unless all networks were.
        trained: number of experiments that the command has trained.
        core_hours: hours of training of one core, stored before or not.
        folder: folder of the store.
    """

    problem: Problem
    strategy: str
    found: Sequence[Candidate]
    experiments: int
    highest: float
    statements: Sequence[Statement]
    trained: int
    core_hours: float
    folder: str

    def report(self) -> dict[str, Any]:
        """Return what `search --json` prints."""
        return {
            "strategy": self.strategy,
            "target": self.problem.target,
            **searched(self.problem.base, any_structure=self.problem.any_structure),
            "core_hours": round(self.core_hours, 5),
            "experiments": self.experiments,
            "trained": self.trained,
            "networks": [_as_json(one) for one in self.found],
            "tried": [asdict(one) | {"bound": one.bound} for one in self.statements],
        }

    def lines(self) -> Iterator[str]:
        """Yield the result line by line."""
        percent = f"{100 * self.problem.target:g} %"
        yield (
            f"{self.strategy}: {counted(self.experiments, 'training')} in {self.core_hours:.4f} "
            f"core-hours, {self.trained:,} of them now"
        )
        for one in self.statements:
            text = (
                f"  {one.weights} weights: {one.networks:,} of "
                f"{counted(one.distinct, 'distinct network')}, {one.restarts} restarts each, "
                f"highest accuracy {one.highest:.4f}"
            )
            if one.bound is not None:
                text += (
                    f"; the probability that one reaches {percent} is below {one.bound:.2g} with "
                    "95 % confidence"
                )
            yield text
        if not self.found:
            yield (
                f"no network reaches {percent}; the highest accuracy is {self.highest:.4f}. Try "
                "more --core-hours, a larger --structure, a lower --target or another --strategy"
            )
            return
        winner = self.found[0]
        yield (
            f"the sparsest network that reaches {percent} has "
            f"{counted(winner.trial.weights, 'weight')}, accuracy {winner.trial.accuracy:.4f}, "
            f"{winner.trial.experiment.hidden}, masks {' '.join(winner.trial.experiment.masks)}"
        )
        yield f"  {_success(winner)}"
        if len(self.found) > 1:
            others = counted(len(self.found) - 1, "other candidate")
            yield f"  {others} with as many weights: {program()} search ... --json lists them"
        yield (
            f'show all of it: {program()} query "SELECT * FROM results WHERE experiment_id = '
            f"'{winner.trial.experiment.experiment_id}'\" --format json --store "
            f"{shlex.quote(self.folder)}"
        )


def searched(base: Experiment, *, any_structure: bool) -> dict[str, Any]:
    """Return the structure and the training of a search's experiments, for its report.

    Args:
        base: as in `Problem`.
        any_structure: as in `Problem`.
    """
    return {
        "dataset": base.dataset,
        "structure": None if any_structure else str(base.hidden),
        "depth": len(base.hidden),
        "lr": base.lr,
        "schedule": base.schedule,
        "epochs": base.epochs,
        "batch_size": base.batch_size,
        "root_seed": base.root_seed,
    }


def _success(one: Candidate) -> str:
    success = one.success
    if success is None:
        return "how often its training succeeds was not measured: give more --core-hours"
    return (
        f"trained again from the same initial weights in other data orders, {one.hits} of "
        f"{counted(one.trials, 'training')} reach it: {100 * success.value:.0f} % "
        f"({100 * success.low:.0f} to {100 * success.high:.0f} %)"
    )


def _as_json(one: Candidate) -> dict[str, Any]:
    success = one.success
    return {
        "experiment_id": one.trial.experiment.experiment_id,
        "weights": one.trial.weights,
        "accuracy": one.trial.accuracy,
        "masks": list(one.trial.experiment.masks),
        "init": one.trial.experiment.init,
        "hits": one.hits,
        "trials": one.trials,
        "success": None if success is None else asdict(success),
    }
