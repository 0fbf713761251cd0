"""The loop of a search: a strategy proposes experiments, and what is not stored is trained."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from analysis.records.bounds import tried_networks
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.inits import parent_inits
from orchestrator.planning.estimate import experiment_seconds
from orchestrator.planning.plan import make_plan
from orchestrator.plugins import packages_of
from orchestrator.run_store import RunStore
from orchestrator.sweep import Sweep
from orchestrator.tally import Tally
from pruning.elimination import sample_of
from pruning.smaller import smaller_networks
from search.catalogue import Selection
from search.distinct import check_listed
from search.experiment import Experiment
from search.grid import Table
from search.masks.text import mask_text
from search.strategies.problem import Exhaustive, Masks, Problem, Proposals, Strategy, Trial
from search.strategies.racing import Candidate, choose_candidates, race
from search.strategies.statement import Tried
from search.study import Study
from storage.paths import published_folder
from storage.reading.literals import sql_text
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
        base, target, exhaustive: as in `Problem`.
        core_s: seconds of training on a reference core after which the search ends
            (`orchestrator.planning.estimate.experiment_seconds`).
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
    exhaustive: Exhaustive | None = None
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
        if self.exhaustive and not self.exhaustive.any_structure:
            check_listed(self.base.hidden, dataset.features)
        problem = Problem(self.base, shapes, self.target, shrink, self.exhaustive)
        self.problem = problem
        self.tried = Tried(problem)

    def run(self) -> list[Candidate]:
        """Search until the budget is spent.

        Returns:
            The networks with the fewest weights that reached the target; the one whose training
            succeeds most often is first. Empty if none reached it.
        """
        with ExitStack() as self._stack:
            for trial in self._drive(self.strategy(self.problem), SEARCH_SHARE):
                self._note(trial)
            found = choose_candidates(self._sparsest)
            for _ in self._drive(race(self.problem, found), 1.0):
                pass
        return sorted(found, key=lambda one: -(one.success.low if one.success else 0.0))

    def _drive(self, rounds: Proposals, share: float) -> Iterator[Trial]:
        """Train rounds until a share of the budget is spent or the user stops; yield results."""
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
        planned = make_plan([Selection.of_study(study)], None)
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
            Sweep(
                [study],
                executor,
                {},
                self.store,
                packages=packages,
                accuracies=[self.target],
                tally=Tally(total=None),
            )
        )
        return self._sweep


def settings_of(base: Experiment, exhaustive: Exhaustive | None) -> dict[str, Any]:
    """Return the structure and the training of a search's experiments, for its report."""
    any_structure = exhaustive is not None and exhaustive.any_structure
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


def without_published(base: Experiment, exhaustive: Exhaustive) -> Exhaustive:
    """Leave out the networks that published searches with the same settings have tried."""
    tried = tried_networks(published_folder(), settings_of(base, exhaustive))
    return replace(exhaustive, skip=tried.networks)


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


MAX_ROWS = 20_000
"""Maximum number of rows that are kept in memory for the networks that start from them."""

_COLUMNS = ("experiment_id", "accuracy", "loss", "weight_nnz")


class SearchRows:
    """The results of one study by experiment id, and the latest rows, perhaps not yet committed."""

    def __init__(self, study: str, store: RunStore) -> None:
        self._store = store
        self._results: dict[str, tuple[float, float, int]] = {}
        self._latest: dict[str, tuple[pa.RecordBatch, int]] = {}
        if store.existing is not None:
            query = f"SELECT {', '.join(_COLUMNS)} FROM results WHERE study = {sql_text(study)}"
            self._note(store.reader.sql(query))

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows that have come back."""
        self._note(batch)
        names = batch.column("experiment_id").to_pylist()
        self._latest |= {name: (batch, position) for position, name in enumerate(names)}
        while len(self._latest) > MAX_ROWS:
            del self._latest[next(iter(self._latest))]

    def missing(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        """Return the experiments without a result, each once."""
        different = {experiment.experiment_id: experiment for experiment in experiments}
        return [one for name, one in different.items() if name not in self._results]

    def trials(self, experiments: Sequence[Experiment]) -> list[Trial]:
        """Return the results of experiments."""
        return [Trial(one, *self._results[one.experiment_id]) for one in experiments]

    def row(self, experiment_id: str) -> Mapping[str, Any]:
        """Return a row of the search."""
        if experiment_id not in self._latest:
            self._store.writer.commit()
            return self._store.reader.row(experiment_id)
        batch, position = self._latest[experiment_id]
        row: Mapping[str, Any] = batch.slice(position, 1).to_pylist()[0]
        return row

    def parents(self, study: Study) -> dict[str, Mapping[str, Any]]:
        """Return the rows in memory that a study starts from; the others can be read afterwards."""
        needed = {parent.experiment_id for parent in study.parents}
        if not needed <= self._latest.keys() and needed & self._results.keys():
            self._store.writer.commit()
        return {name: self.row(name) for name in needed & self._latest.keys()}

    def _note(self, rows: pa.RecordBatch | pa.Table) -> None:
        columns = (rows.column(name).to_pylist() for name in _COLUMNS)
        for name, accuracy, loss, weights in zip(*columns, strict=True):
            self._results[name] = (
                accuracy if accuracy is not None else 0.0,
                loss if loss is not None else math.inf,
                weights or 0,
            )
