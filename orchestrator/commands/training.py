"""Training of a command's experiments, as one sweep of the store or as two.

There are two if a stored initialisation has to be chosen (`orchestrator.best_init`): first the
search that it is chosen from, then everything else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.best_init import SEARCHES, find_init, refuse_choice, require_searches
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.commands.run_result import RunResult
from orchestrator.display.formatting import counted
from orchestrator.display.network_summary import init_origin
from orchestrator.inits import combined, parent_inits
from orchestrator.invocation import Invocation
from orchestrator.planning.estimate import reference_seconds
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import Targets, with_inits
from orchestrator.plugins import packages_of
from orchestrator.run_store import RunStore
from orchestrator.stopping import resumable
from orchestrator.sweep import Sweep
from search.layers import StoredInit
from search.shards import Shard
from storage.log.entries import Status
from storage.status_files import record_planned

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training command.

    Attributes:
        executor: the executor to use.
        root_seed: root seed of all random numbers.
        limit: maximum number of experiments to train; None for all.
        invocation: the command.
        curves: measure every training after each epoch too.
        retry: statuses of stored rows whose experiments are trained again.
        shard: the part that this machine trains; None if it trains everything.
    """

    executor: ExecutorOptions
    root_seed: int
    limit: int | None
    invocation: Invocation
    curves: bool = False
    retry: tuple[Status, ...] = ()
    shard: Shard | None = None


class Training:
    """The experiments of a command that are not stored, and their training.

    Attributes:
        planned: the plan.

    Raises:
        UserError: a plug-in or an initialisation is unavailable.
        StoreError: the store cannot be used.
    """

    def __init__(
        self,
        targets: Targets,
        given: Mapping[str, StoredInit],
        options: TrainingOptions,
        store: RunStore,
    ) -> None:
        self._targets = targets
        self._given = given
        self._options = options
        self._store = store
        self._console = store.console
        self._packages = packages_of(selection.study for selection in targets.selections)
        self._inits = combined(store.inits, given)
        self._to_choose = [name for name in targets.init_names if name not in self._inits]
        if self._to_choose:
            selections = targets.selections
            if options.shard is not None:
                refuse_choice(self._to_choose, selections, options.shard)
            require_searches(self._to_choose, selections, store.existing, options.root_seed)
        if options.retry:
            rows = counted(store.writer.retry(options.retry), "row")
            named = " or ".join(options.retry)
            store.console.print(
                f"{rows} with status {named}: trained again, like what is not stored"
            )
        self.planned = self._plan()
        self._parents = parent_inits(self.planned, store)

    def run(self) -> RunResult:
        """Train what is not stored.

        Raises:
            UserError: an initialisation cannot be chosen, or nothing can be trained here.
            StoreError: the store cannot be used.
        """
        result = RunResult(left=_left(self.planned))
        with resumable():
            self._record_plan()
            self._print_plan()
            if not result.left:
                return result
            for init in self._given.values():
                self._store.writer.record_init(init.name, init.digest, init.layers)
            if self._to_choose:
                result = self._train_searches(result)
                if result.stopped_by or result.tally.trained == self._options.limit:
                    return result
                self._choose_inits()
                self.planned = self._plan()
                self._record_plan()
            return self._sweep(self.planned, result)

    def _print_plan(self) -> None:
        """Print what is planned, stored and to be trained."""
        for item in self.planned:
            self._console.print(
                f"{item.study.name}: {len(item.wanted):,} planned, {len(item.stored):,} stored, "
                f"{len(item.remaining):,} to train"
            )
        for note in self._targets.left_out:
            self._console.print(note, soft_wrap=True)
        left, limit = _left(self.planned), self._options.limit
        if limit is not None and limit < left:
            self._console.print(f"this run trains {limit:,} of {left:,} (--limit)")

    def _plan(self) -> list[PlannedStudy]:
        targets = with_inits(self._targets, self._inits)
        return make_plan(targets.selections, self._store.existing)

    def _record_plan(self) -> None:
        """Record for `status` how many experiments of each version of a study are wanted."""
        wanted, edited = {}, {}
        for item in self.planned:
            wanted[item.study.digest] = len(item.wanted) - len(item.stored_before_edit)
            if item.stored_before_edit:
                edited[item.study.name] = item.study.digest
        stored = self._store.reader.state.studies if edited else {}
        superseded = [
            digest for digest, study in stored.items() if edited.get(study.name, digest) != digest
        ]
        record_planned(self._store.writer.paths, wanted, superseded)

    def _train_searches(self, result: RunResult) -> RunResult:
        """Train what is missing of the searches from which initialisations are chosen."""
        names = {SEARCHES[name].study for name in self._to_choose}
        searches = [item for item in self.planned if item.study.name in names and item.remaining]
        if not searches:
            return result
        named = " and ".join(item.study.name for item in searches)
        self._console.print(f"first {named}: other studies start from the best network of it")
        return self._sweep(searches, result)

    def _choose_inits(self) -> None:
        """Choose missing initialisations for good, and print them."""
        reader = self._store.reader
        for name in self._to_choose:
            init, found = find_init(name, self._options.root_seed, reader)
            self._store.writer.record_init(init.name, init.digest, init.layers, found)
            self._inits[name] = init
            message = f"{name} of this store is now {init.digest}, {init_origin(found)}"
            self._console.print(message, soft_wrap=True)
            logger.info("%s", message)

    def _sweep(self, planned: list[PlannedStudy], before: RunResult) -> RunResult:
        """Train as one sweep of the store, under a progress display.

        Returns:
            The result together with that of the sweep before.
        """
        options = self._options
        limit = None if options.limit is None else options.limit - before.tally.trained
        inits = {init.token: init for init in self._inits.values()}
        core_s = reference_seconds(planned, limit)
        executor = options.executor.resolved(core_s, self._packages.keys())
        sweep = Sweep(
            [item.study for item in planned],
            executor,
            inits,
            self._store,
            packages=self._packages,
            skipped=sum(len(item.stored) for item in planned),
            curves=options.curves,
        )
        with sweep:
            sweep.train(planned, limit, self._parents)
        return RunResult(
            before.tally + sweep.tally,
            before.left - sweep.tally.trained,
            before.wall_s + sweep.wall_s,
            sweep.workers,
            sweep.stop.received,
        )


def _left(planned: Sequence[PlannedStudy]) -> int:
    return sum(len(item.remaining) for item in planned)
