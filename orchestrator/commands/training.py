"""Training of a command's experiments, as one sweep of the store or as two.

There are two if a stored initialisation has to be chosen (`orchestrator.inits`): first the
search that it is chosen from, then everything else.
"""

from __future__ import annotations

import logging
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.formatting import counted, human_seconds
from orchestrator.display.network_summary import init_origin
from orchestrator.display.store_summary import fewest_weights
from orchestrator.inits import (
    SEARCHES,
    combined,
    find_init,
    parent_inits,
    refuse_choice,
    require_searches,
)
from orchestrator.invocation import Invocation, program
from orchestrator.planning.estimate import reference_seconds
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import Targets, init_names, left_out, with_inits
from orchestrator.plugins import packages_of
from orchestrator.run_store import RunStore
from orchestrator.stopping import resumable
from orchestrator.sweep import Sweep
from search.layers import StoredInit
from search.paper_sizes import TARGETS
from search.parts import Shard
from storage.log.entries import Status
from storage.status_files import record_planned

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        trained: number of rows received, including failed ones.
        train_s: seconds of all workers that were spent on training.
        left: wanted experiments that are not stored.
        wall_s: seconds from the first task to the last, without starting up.
        stopped_by: the signal with which the user stopped it, perhaps when everything was done.
    """

    trained: int = 0
    train_s: float = 0.0
    left: int = 0
    wall_s: float = 0.0
    workers: int = 0
    stopped_by: signal.Signals | None = None

    @property
    def outcome(self) -> Literal["finished", "interrupted"]:
        """Outcome: "interrupted" if the user stopped the run before everything was stored."""
        return "interrupted" if self.stopped_by is not None and self.left else "finished"

    @property
    def training_share(self) -> float:
        """Share of the workers' time that went into training."""
        return self.train_s / (self.wall_s * self.workers) if self.wall_s else 0.0

    def summary(self, store: RunStore) -> dict[str, Any]:
        """Return what `run --json` prints."""
        fewest = fewest_weights(store.reader)
        return {
            "outcome": self.outcome,
            "trained": self.trained,
            "left": self.left,
            "wall_seconds": round(self.wall_s, 3),
            "workers": self.workers,
            "train_seconds": round(self.train_s, 3),
            "training_share": round(self.training_share, 4),
            "best": {str(target): weights for target, weights in fewest.by_target.items()},
            "store": str(store.folder),
        }

    def lines(self, store: RunStore, invocation: Invocation, trained: int) -> Iterator[str]:
        """Yield the result and what to do next, given the experiments trained in all runs."""
        if not self.trained and not self.left:
            yield "nothing to train: everything asked for is stored"
            return
        yield (
            f"{self.outcome}: {self.trained:,} trained in {human_seconds(self.wall_s)} by "
            f"{counted(self.workers, 'worker')}; {100 * self.training_share:.0f} % of their "
            "time was training"
        )
        if self.trained:
            yield (
                f'ask the store: {program()} query "SELECT status, count(*) FROM results GROUP BY '
                f'status" --store {shlex.quote(str(store.folder))}'
            )
        if self.left:
            interrupted = self.outcome == "interrupted"
            resume = invocation.to_resume(trained) if interrupted else invocation.to_train_all()
            yield f"left: {counted(self.left, 'experiment')}; resume with:\n  {resume}"


@dataclass
class Training:
    """The experiments of a command that are not stored, and their training.

    Making one raises `UserError` if a plug-in or an initialisation is unavailable, and `StoreError`
    if the store cannot be used.

    Attributes:
        targets: the experiments, of one root seed.
        given: initialisations from files, by name.
        limit: maximum number of experiments to train; None for all.
        curves: measure every training after each epoch too.
        accuracies: accuracies at which the progress shows the fewest weights.
        retry: statuses of stored rows whose experiments are trained again.
        shard: the part that this machine trains; None if it trains everything.
    """

    targets: Targets
    store: RunStore
    executor: ExecutorOptions
    given: Mapping[str, StoredInit] = field(default_factory=dict)
    limit: int | None = None
    curves: bool = False
    accuracies: Sequence[float] = TARGETS
    retry: tuple[Status, ...] = ()
    shard: Shard | None = None
    planned: list[PlannedStudy] = field(init=False)

    def __post_init__(self) -> None:
        targets, store = self.targets, self.store
        self._packages = packages_of(selection.study for selection in targets)
        self._inits = combined(store.inits, self.given)
        self._to_choose = [name for name in init_names(targets) if name not in self._inits]
        if self._to_choose:
            if self.shard is not None:
                refuse_choice(self._to_choose, targets, self.shard)
            require_searches(self._to_choose, targets, store.existing)
        if self.retry:
            rows = counted(store.writer.retry(self.retry), "row")
            named = " or ".join(self.retry)
            self.store.print(f"{rows} with status {named}: trained again, like what is not stored")
        self.planned = self._plan()
        self._parents = parent_inits(self.planned, store)

    def run(self) -> RunResult:
        """Train what is not stored; a `UserError` if that is impossible here, or no longer."""
        result = RunResult(left=_left(self.planned))
        with resumable():
            self._record_plan()
            self._print_plan()
            if not result.left:
                return result
            for init in self.given.values():
                self.store.writer.record_init(init.name, init.digest, init.layers)
            if self._to_choose:
                result = self._train_searches(result)
                if result.stopped_by or result.trained == self.limit:
                    return result
                self._choose_inits()
                self.planned = self._plan()
                self._record_plan()
            return self._sweep(self.planned, result)

    def _print_plan(self) -> None:
        """Print what is planned, stored and to be trained."""
        for item in self.planned:
            self.store.print(
                f"{item.study.name}: {len(item.wanted):,} planned, {len(item.stored):,} stored, "
                f"{len(item.remaining):,} to train"
            )
        self.store.print(*left_out(self.targets))
        left, limit = _left(self.planned), self.limit
        if limit is not None and limit < left:
            self.store.print(f"this run trains {limit:,} of {left:,} (--limit)")

    def _plan(self) -> list[PlannedStudy]:
        targets = with_inits(self.targets, self._inits)
        return make_plan(targets, self.store.existing)

    def _record_plan(self) -> None:
        """Record for `status` how many experiments of each version of a study are wanted."""
        wanted, edited = {}, {}
        for item in self.planned:
            wanted[item.study.digest] = len(item.wanted) - len(item.stored_before_edit)
            if item.stored_before_edit:
                edited[item.study.name] = item.study.digest
        stored = self.store.reader.state.studies if edited else {}
        superseded = [
            digest for digest, study in stored.items() if edited.get(study.name, digest) != digest
        ]
        record_planned(self.store.writer.paths, wanted, superseded)

    def _train_searches(self, result: RunResult) -> RunResult:
        """Train what is missing of the searches from which initialisations are chosen."""
        names = {SEARCHES[name].study for name in self._to_choose}
        searches = [item for item in self.planned if item.study.name in names and item.remaining]
        if not searches:
            return result
        named = " and ".join(item.study.name for item in searches)
        self.store.print(f"first {named}: other studies start from the best network of it")
        return self._sweep(searches, result)

    def _choose_inits(self) -> None:
        """Choose missing initialisations for good, and print them."""
        reader, root_seed = self.store.reader, self.targets[0].study.base.root_seed
        for name in self._to_choose:
            init, found = find_init(name, root_seed, reader)
            self.store.writer.record_init(init.name, init.digest, init.layers, found)
            self._inits[name] = init
            message = f"{name} of this store is now {init.digest}, {init_origin(found)}"
            self.store.print(message)
            logger.info("%s", message)

    def _sweep(self, planned: list[PlannedStudy], before: RunResult) -> RunResult:
        """Train as one sweep of the store; return the result with that of the sweep before."""
        limit = None if self.limit is None else self.limit - before.trained
        core_s = reference_seconds(planned, limit)
        sweep = Sweep(
            [item.study for item in planned],
            self.executor.resolved(core_s, self._packages.keys()),
            {init.token: init for init in self._inits.values()},
            self.store,
            packages=self._packages,
            skipped=sum(len(item.stored) for item in planned),
            curves=self.curves,
            accuracies=self.accuracies,
        )
        with sweep:
            sweep.train(planned, limit, self._parents)
        return RunResult(
            before.trained + sweep.tally.trained,
            before.train_s + sweep.tally.train_s,
            before.left - sweep.tally.trained,
            before.wall_s + sweep.wall_s,
            sweep.workers,
            sweep.stop.received,
        )


def _left(planned: Sequence[PlannedStudy]) -> int:
    return sum(len(item.remaining) for item in planned)
