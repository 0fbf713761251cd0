"""The loop of a search: a strategy proposes experiments, and what is not stored is trained."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pyarrow as pa

from orchestrator.commands.executors import ExecutorOptions
from orchestrator.inits import parent_inits
from orchestrator.planning.estimate import experiment_seconds
from orchestrator.planning.plan import PlannedStudy
from orchestrator.plugins import packages_of
from orchestrator.run_store import RunStore
from orchestrator.search_rows import SearchRows
from orchestrator.sweep import Sweep
from pruning.elimination import sample_of
from pruning.smaller import smaller_networks
from search.experiment import Experiment
from search.grid import Table
from search.indices import IndexSet
from search.masks.text import mask_text
from search.strategies.every_network import check_exhaustive
from search.strategies.problem import Masks, Problem, Proposals, Strategy, Trial
from search.strategies.racing import Candidate, candidates, race, standings
from search.strategies.statement import Tried
from search.study import Study
from workers.datasets import load_dataset
from workers.train import train_batch
from workers.trained import stored_layers

SEARCH_SHARE = 0.8
"""Fraction of the budget after which no more networks are searched for. The rest measures how often
the training of the sparsest ones succeeds."""

MAX_IDLE_ROUNDS = 100
"""Number of consecutive rounds without a new experiment after which a search ends."""


@dataclass
class StrategySearch:
    """A search in progress.

    What it trains follows from its strategy, problem and budget alone: neither the executor nor the
    speed of the machine decides.

    Raises:
        ValueError: there is no such data set, or the structure has too many networks to try all.

    Attributes:
        strategy: proposes the experiments.
        base: full training of the dense network of the largest structure.
        target: accuracy to reach.
        core_s: seconds of training on a reference core after which the search ends
            (`orchestrator.planning.estimate.experiment_seconds`).
        executor: the executor to use.
        store: the store.
        exhaustive: try every distinct network of the structure.
        any_structure: if exhaustive, try those of every structure with as many hidden layers.
        above: if exhaustive, leave out the networks with up to this number of weights.
        problem: the search problem.
        rows: the results so far.
        stopped_by: the signal by which the user has stopped the search; None if it was not.
        experiments: number of experiments proposed so far, stored before or not.
        highest: highest accuracy of one of them.
        improvements: (spent_s, weights) whenever a sparser network reached the target.
        tried: what was tried, by number of weights; counted only if the problem is exhaustive.
        trained: number of experiments that this command has trained.
        spent_s: seconds of training on a reference core, stored before or not.
    """

    strategy: Strategy
    base: Experiment
    target: float
    core_s: float
    executor: ExecutorOptions
    store: RunStore
    exhaustive: bool = False
    any_structure: bool = False
    above: int = 0
    problem: Problem = field(init=False)
    rows: SearchRows = field(init=False)
    stopped_by: signal.Signals | None = field(default=None, init=False)
    experiments: int = field(default=0, init=False)
    highest: float = field(default=0.0, init=False)
    improvements: list[tuple[float, int]] = field(default_factory=list, init=False)
    tried: Tried = field(init=False)
    trained: int = field(default=0, init=False)
    spent_s: float = field(default=0.0, init=False)
    _sparsest: list[Trial] = field(default_factory=list, init=False)
    _seen: set[str] = field(default_factory=set, init=False)
    _sweep: Sweep | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.rows = SearchRows(self.base.study, self.store)
        self.problem = self._problem()
        self.tried = Tried(self.problem)

    def _problem(self) -> Problem:
        """Return what is searched for.

        Raises:
            ValueError: there is no such data set, or the structure has too many networks to try
                all.
        """
        dataset = load_dataset(self.base.dataset)
        sample = sample_of(dataset.points, dataset.labels)

        def shrink(trial: Trial, count: int, weights: int) -> list[Masks]:
            layers = stored_layers(self.rows.row(trial.experiment.experiment_id))
            masks = problem.arrays(trial.experiment.masks)
            return [
                tuple(map(mask_text, one))
                for one in smaller_networks(layers, masks, sample, count, weights)
            ]

        shapes = self.base.hidden.shapes(dataset.features, dataset.outputs)
        problem = Problem(
            self.base,
            shapes,
            self.target,
            self.exhaustive,
            shrink,
            self.any_structure,
            self.above,
        )
        if self.exhaustive:
            check_exhaustive(problem)
        return problem

    def run(self) -> list[Candidate]:
        """Search until the budget is spent.

        Returns:
            The networks with the fewest weights that reached the target; the one whose training
            succeeds most often is first. Empty if none reached it.

        Raises:
            UserError: nothing can be trained here.
        """
        with ExitStack() as self._stack:
            for trial in self._drive(self.strategy(self.problem), SEARCH_SHARE):
                self._note(trial)
            entered = candidates(self._sparsest)
            replicates = list(self._drive(race(self.problem, entered), 1.0))
        return standings(self.problem, entered, replicates)

    def _drive(self, rounds: Proposals, share: float) -> Iterator[Trial]:
        """Train rounds of experiments until a share of the budget is spent or the user stops it.

        Yields:
            The results, each once.
        """
        experiments = next(rounds, None)
        idle = 0
        budget_s = share * self.core_s
        while experiments is not None and self.spent_s < budget_s and idle < MAX_IDLE_ROUNDS:
            idle += 1
            missing = self.rows.missing(experiments)
            if missing:
                self._train(missing)
            if self.stopped_by is not None:
                return
            trials = self.rows.trials(experiments)
            for trial in trials:
                if trial.experiment.experiment_id not in self._seen:
                    self._seen.add(trial.experiment.experiment_id)
                    self.spent_s += experiment_seconds(trial.experiment)
                    self.experiments += 1
                    idle = 0
                    yield trial
            try:
                experiments = rounds.send(trials)
            except StopIteration:
                return

    def _note(self, trial: Trial) -> None:
        """Keep what the search has to know of a result."""
        self.highest = max(self.highest, trial.accuracy)
        if self.exhaustive:
            self.tried.add(trial)
        if not self.problem.reached(trial):
            return
        fewest = self.improvements[-1][1] if self.improvements else math.inf
        if trial.weights < fewest:
            self.improvements.append((self.spent_s, trial.weights))
            self._sparsest = []
        if trial.weights <= fewest:
            self._sparsest.append(trial)

    def _train(self, experiments: Sequence[Experiment]) -> None:
        study = study_of(experiments)
        everything = IndexSet.from_range(range(len(study)))
        planned = [PlannedStudy(study, everything, IndexSet(), IndexSet(), everything)]
        parents = parent_inits(planned, self.store, self.rows.parents(study))
        sweep = self._sweep or self._begin(study)
        left = max(0.0, 1 - self.spent_s / self.core_s)
        batches: list[pa.RecordBatch] = []
        sweep.train(planned, parents=parents, work_left=left, keep=batches)
        self.trained = sweep.tally.trained
        for batch in batches:
            self.rows.add(batch)
        self.stopped_by = sweep.stop.received

    def _begin(self, study: Study) -> Sweep:
        packages = packages_of([study])
        left_s = self.core_s - self.spent_s
        executor = self.executor.resolved(left_s, packages.keys())
        if executor.choice == "inline":
            # Compiles, so that the time of training does not include it; Ray's workers do likewise.
            smallest = (1,) * len(self.base.hidden)
            train_batch([replace(self.base, structure=smallest, epochs=1)])
        self._sweep = self._stack.enter_context(
            Sweep([study], executor, {}, self.store, packages=packages)
        )
        return self._sweep


def study_of(experiments: Sequence[Experiment]) -> Study:
    """Return different experiments of one study as a study with a table of them."""
    base = experiments[0]
    specs = [experiment.specification() for experiment in experiments]
    varying = tuple(
        name for name, value in specs[0].items() if any(spec[name] != value for spec in specs)
    )
    rows = tuple(tuple(spec[name] for name in varying) for spec in specs)
    return Study(
        base.study, "experiments that a search strategy proposed", Table(varying, rows), base
    )
