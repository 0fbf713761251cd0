"""The loop of a search: a strategy proposes experiments, and what is not stored is trained."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
from rich.console import Console

from orchestrator.commands.executors import ExecutorChoice, ExecutorOptions
from orchestrator.inits import parent_inits
from orchestrator.invocation import Invocation
from orchestrator.planning.plan import PlannedStudy
from orchestrator.plugins import packages_of
from orchestrator.run_store import RunStore
from orchestrator.sweep import Sweep, SweepOrder
from pruning.elimination import sample_of
from pruning.smaller import smaller_networks
from search.experiment import Experiment
from search.grid import Table
from search.indices import IndexSet
from search.strategies.halving import check_exhaustive
from search.strategies.problem import Masks, Problem, Strategy, Trial, texts
from search.strategies.racing import Candidate, candidates, race, standings
from search.strategies.statement import Tried
from search.study import Study
from storage.reading.literals import sql_text
from workers.datasets import load_dataset
from workers.train import train_batch
from workers.trained import stored_layers

SEARCH_SHARE = 0.8
"""Fraction of the budget after which no more networks are searched for. The rest measures how often
the training of the sparsest ones succeeds."""

MAX_IDLE_ROUNDS = 100
"""Number of consecutive rounds without a new experiment after which a search ends."""

_COLUMNS = ("experiment_id", "accuracy", "loss", "weight_nnz", "train_ms")

Result = tuple[float, float, int, float]
"""Accuracy, loss, weights and seconds of a training; see `Trial`."""

MAX_ROWS = 20_000
"""Maximum number of rows that are kept in memory for the networks that start from them."""

RowOf = Callable[[str], Mapping[str, Any]]

Rounds = Generator[Sequence[Experiment], Sequence[Trial], None]


@dataclass(frozen=True)
class SearchOptions:
    """Options of a search.

    Attributes:
        core_s: seconds of training, of one core, after which it ends.
        executor: the executor to use.
        invocation: the command.
    """

    core_s: float
    executor: ExecutorOptions
    invocation: Invocation


@dataclass
class StrategySearch:
    """A search in progress.

    Attributes:
        strategy: proposes the experiments.
        base: full training of the dense network of the largest structure.
        target: accuracy to reach.
        exhaustive: try every distinct network of the structure.
        options: options of the search.
        store: the store.
        console: for messages.
        problem: the search problem.
        experiments: number of experiments proposed so far, stored before or not.
        highest: highest accuracy of one of them.
        improvements: (spent_s, weights) whenever a sparser network reached the target.
        tried: what was tried, by number of weights; counted only if `exhaustive`.
        trained: number of experiments that this command has trained.
        spent_s: seconds of training of one core, stored before or not.
        rows: the latest rows that this command has trained, by id.
    """

    strategy: Strategy
    base: Experiment
    target: float
    exhaustive: bool
    options: SearchOptions
    store: RunStore
    console: Console
    problem: Problem = field(init=False)
    experiments: int = field(default=0, init=False)
    highest: float = field(default=0.0, init=False)
    improvements: list[tuple[float, int]] = field(default_factory=list, init=False)
    tried: Tried = field(init=False)
    trained: int = field(default=0, init=False)
    spent_s: float = field(default=0.0, init=False)
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False)
    _results_by_id: dict[str, Result] = field(default_factory=dict, init=False)
    _sparsest: list[Trial] = field(default_factory=list, init=False)
    _seen: set[str] = field(default_factory=set, init=False)
    _sweep: Sweep | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.problem = problem_for(
            self.base, self.target, exhaustive=self.exhaustive, row=self._row
        )
        self.tried = Tried(self.problem)

    def run(self) -> list[Candidate]:
        """Search until the budget is spent.

        Returns:
            The networks with the fewest weights that reached the target; the one whose training
            succeeds most often is first. Empty if none reached it.

        Raises:
            UserError: nothing can be trained here.
            Interrupted: the user stopped the search.
        """
        self._results_by_id = self._stored()
        entered: list[Candidate] = []
        replicates: list[Trial] = []
        stopped: Interrupted | None = None
        with ExitStack() as stack:
            self._stack = stack
            try:
                for trial in self._drive(self.strategy(self.problem), SEARCH_SHARE):
                    self._note(trial)
                entered = candidates(self._sparsest)
                replicates.extend(self._drive(race(self.problem, entered), 1.0))
            except Interrupted as error:  # the sweep ends in order
                stopped = error
        if stopped is not None:
            raise stopped
        return standings(self.problem, entered, replicates)

    def _drive(self, rounds: Rounds, share: float) -> Iterator[Trial]:
        """Train rounds of experiments until they end or a share of the budget is spent.

        Yields:
            The results, each once.
        """
        experiments = next(rounds, None)
        idle = 0
        budget_s = share * self.options.core_s
        while experiments is not None and self.spent_s < budget_s and idle < MAX_IDLE_ROUNDS:
            idle += 1
            trials = self._results(experiments)
            for trial in trials:
                if trial.experiment.experiment_id not in self._seen:
                    self._seen.add(trial.experiment.experiment_id)
                    self.spent_s += self.cost_s(trial)
                    self.experiments += 1
                    idle = 0
                    yield trial
            try:
                experiments = rounds.send(trials)
            except StopIteration:
                return

    def cost_s(self, trial: Trial) -> float:
        """Return what a training takes from the budget, in seconds."""
        return trial.core_s

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

    def _results(self, experiments: Sequence[Experiment]) -> list[Trial]:
        """Return the trials of experiments, after training those that are not stored."""
        different = {experiment.experiment_id: experiment for experiment in experiments}
        missing = [one for name, one in different.items() if name not in self._results_by_id]
        if missing:
            self._train(missing)
        return [
            Trial(experiment, *self._results_by_id[experiment.experiment_id])
            for experiment in experiments
        ]

    def _train(self, experiments: Sequence[Experiment]) -> None:
        study = study_of(experiments)
        everything = IndexSet.from_range(range(len(study)))
        planned = [PlannedStudy(study, everything, IndexSet(), IndexSet(), everything)]
        needed = {parent.experiment_id for parent in study.parents}
        if any(name in self._results_by_id and name not in self.rows for name in needed):
            # They were trained so long ago that the memory does not have them any more.
            self.store.writer.commit()
        parents = parent_inits(planned, self.store, self.rows)
        sweep = self._sweep or self._begin(study)
        left = max(0.0, 1 - self.spent_s / self.options.core_s)
        batches: list[pa.RecordBatch] = []
        sweep.train(planned, parents=parents, work_left=left, keep=batches)
        self.trained = sweep.tally.trained
        for batch in batches:
            self._results_by_id |= _results_of(batch)
            self.rows |= {row["experiment_id"]: row for row in batch.to_pylist()}
        while len(self.rows) > MAX_ROWS:
            del self.rows[next(iter(self.rows))]
        if sweep.stop.received is not None:
            raise Interrupted(sweep.stop.received)

    def _row(self, experiment_id: str) -> Mapping[str, Any]:
        """Return the row of an experiment of the search."""
        if experiment_id not in self.rows:
            self.store.writer.commit()
            self.rows[experiment_id] = self.store.reader.row(experiment_id)
        return self.rows[experiment_id]

    def _stored(self) -> dict[str, Result]:
        """Return the stored results of the strategy's study."""
        if self.store.existing is None:
            return {}
        study = sql_text(self.problem.base.study)
        query = f"SELECT {', '.join(_COLUMNS)} FROM results WHERE study = {study}"
        return _results_of(self.store.reader.sql(query))

    def _begin(self, study: Study) -> Sweep:
        packages = packages_of([study])
        order = SweepOrder(
            command=self.options.invocation.recorded,
            studies=[study.name],
            root_seed=self.problem.base.root_seed,
            sweep_files={},
            packages=packages,
        )
        left_s = self.options.core_s - self.spent_s
        executor = self.options.executor.resolved(left_s, packages.keys())
        if executor.choice is ExecutorChoice.inline:
            # Compiles, so that the time of training does not include it; Ray's workers do likewise.
            smallest = (1,) * len(self.base.hidden)
            train_batch([replace(self.base, structure=smallest, epochs=1)])
        self._sweep = self._stack.enter_context(
            Sweep(order, executor, {}, self.store, self.console)
        )
        return self._sweep


class Interrupted(Exception):  # noqa: N818 - states the condition
    """The user stopped a search; the same command resumes it.

    Attributes:
        signal: the signal.
    """

    def __init__(self, received: signal.Signals) -> None:
        super().__init__(received)
        self.signal = received


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


def problem_for(base: Experiment, target: float, *, exhaustive: bool, row: RowOf) -> Problem:
    """Return what is searched for.

    Args:
        base: full training of the dense network of the largest structure.
        target: accuracy to reach.
        exhaustive: try every distinct network of the structure.
        row: function that returns the row of an experiment by its id.

    Raises:
        ValueError: there is no such data set, or the structure has too many networks to try all.
    """
    dataset = load_dataset(base.dataset)
    sample = sample_of(dataset.points, dataset.labels)

    def shrink(trial: Trial, count: int, weights: int) -> list[Masks]:
        layers = stored_layers(row(trial.experiment.experiment_id))
        masks = problem.arrays(trial.experiment.masks)
        return [texts(one) for one in smaller_networks(layers, masks, sample, count, weights)]

    shapes = base.hidden.shapes(dataset.features, dataset.outputs)
    problem = Problem(base, shapes, target, exhaustive, shrink)
    if exhaustive:
        check_exhaustive(problem)
    return problem


def _results_of(rows: pa.RecordBatch | pa.Table) -> dict[str, Result]:
    """Return (accuracy, loss, weights, core_s) of `Trial` by experiment_id."""
    columns = (rows.column(name).to_pylist() for name in _COLUMNS)
    return {
        name: (
            accuracy if accuracy is not None else 0.0,
            loss if loss is not None else math.inf,
            weights or 0,
            train_ms / 1000,
        )
        for name, accuracy, loss, weights, train_ms in zip(*columns, strict=True)
    }
