"""The two phases of a search, one after the other: train, choose, train, tell.

What a phase has chosen is recorded in the store. Everything else follows from what is stored, so
the same command goes on wherever it stopped.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rich.console import Console

from orchestrator.commands.run_result import RunResult
from orchestrator.commands.training import TrainingOptions, train_targets
from orchestrator.display.formatting import about_core_hours, counted
from orchestrator.errors import UserError
from orchestrator.planning.targets import Targets
from orchestrator.search_choice import (
    choose_structures,
    explain,
    sparsest_network,
    structures_of,
)
from orchestrator.search_phases import (
    core_hours,
    phase_1_targets,
    phase_2_targets,
    planned_against,
)
from search.structure import Structure
from search.two_phases import SearchSettings
from storage.log.search_entries import SearchChoice
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.editor import StoreEditor


@dataclass
class Search:
    """A search while it runs.

    Attributes:
        settings: what is searched for.
        options: how to train.
        max_core_hours: a phase that would take longer is not begun, unless the number of
            experiments is limited.
        console: where to tell how it goes.
        trained: experiments that this command has trained.
        left: experiments that are left of the phase that it is in.
        outcome: "finished"; "interrupted" by its user; "limited" where the limit was reached.
        stopped_by: the signal with which its user interrupted it; None where nobody did.
        structures: what phase 1 chose; None before.
        network: what phase 2 chose; None before.
    """

    settings: SearchSettings
    options: TrainingOptions
    max_core_hours: float
    console: Console
    trained: int = 0
    left: int = 0
    outcome: str = "finished"
    stopped_by: signal.Signals | None = None
    structures: SearchChoice | None = field(default=None, init=False)
    network: SearchChoice | None = field(default=None, init=False)

    def run(self, *, again: bool) -> None:
        """Does what is left of both phases.

        Args:
            again: choose the structures anew, whatever was chosen before.

        Raises:
            UserError: no network reaches the target, or a phase is too long.
        """
        # What phase 2 would refuse is refused before phase 1 has cost anything.
        phase_2_targets(self.settings, [Structure((1, 1, 1))])
        self.structures = None if again else self._chosen_before()
        if self.structures is None:
            targets = phase_1_targets(self.settings)
            if not self._train(1, targets):
                return
            self.structures = self._choose(
                lambda reader: choose_structures(self.settings, targets, reader)
            )
        else:
            self._say(f"chosen before, on {self.structures.chosen} (--again chooses anew):")
        self._say(*explain(self.structures))
        structures = structures_of(self.structures)
        if not self._train(2, phase_2_targets(self.settings, structures)):
            return
        self.network = self._choose(
            lambda reader: sparsest_network(self.settings, structures, reader)
        )

    def advice(self) -> str | None:
        """What to try where masks have gained nothing; None where they have."""
        if self.structures is None or self.network is None:
            return None
        (network,) = self.network.networks
        if network.model_nnz < min(dense.model_nnz for dense in self.structures.networks):
            return None
        return (
            f"no network with fewer weights than the dense ones reaches "
            f"{100 * self.settings.target:g} %: try more structures (--structures "
            f"{self.settings.structures + 2}), a lower --target, more learning rates (--lr), or "
            "another --root-seed"
        )

    def _chosen_before(self) -> SearchChoice | None:
        if not StorePaths.of(self.options.store).marker.exists():
            return None
        with StoreReader(self.options.store) as reader:
            return reader.searches.get((self.settings.describe(1), 1))

    def _choose(self, choose: Callable[[StoreReader], SearchChoice]) -> SearchChoice:
        """Makes a choice and records it; or the one that was recorded last, if it is the same."""
        with StoreReader(self.options.store) as reader:
            choice = choose(reader)
            before = reader.searches.get((choice.settings, choice.phase))
        if before is not None and before.model_copy(update={"chosen": choice.chosen}) == choice:
            return before
        with StoreEditor(self.options.store, command=self.options.invocation.recorded) as editor:
            editor.record_search(choice)
        return choice

    def _train(self, phase: int, targets: Targets) -> bool:
        """Trains what is left of a phase, and says before what that is; whether all is stored."""
        planned = planned_against(targets, self.options.store)
        wanted = sum(len(item.wanted) for item in planned)
        self.left = sum(len(item.remaining) for item in planned)
        hours = core_hours(planned)
        said = (
            f"phase {phase}: {counted(wanted, 'network')} "
            f"({', '.join(item.study.name for item in planned)}), {wanted - self.left:,} stored"
        )
        if not self.left:
            self._say(said)
            return True
        self._say(f"{said}, {self.left:,} to train: {about_core_hours(hours)} here")
        limit = self.options.limit
        if limit is None and hours > self.max_core_hours:
            raise UserError(
                f"phase {phase} would take {about_core_hours(hours)}, more than the "
                f"{self.max_core_hours:g} allowed; nothing of it was begun. Say --max-core-hours "
                f"{hours + 1:.0f} to train it all, --limit N to train a part, or ask for less "
                "(--masks distinct, one --lr, one --schedule, a lower --target)"
            )
        if limit is not None and limit == self.trained:
            self.outcome = "limited"
            resume = self.options.invocation.to_train_all()
            self._say(f"the limit of {limit:,} is reached; resume with:\n  {resume}")
            return False
        options = replace(self.options, limit=None if limit is None else limit - self.trained)
        result = train_targets(targets, {}, options, self.console)
        return self._ended(result)

    def _ended(self, result: RunResult) -> bool:
        self.trained += result.tally.trained
        resume = result.resume_command(self.options.invocation, self.trained)
        result.print_summary(self.console, self.options.store, resume)
        self.left = result.left
        if result.stopped_by is not None:
            self.outcome = "interrupted"
            self.stopped_by = result.stopped_by
            if not result.left:
                resume = self.options.invocation.to_resume(self.trained)
                self._say(f"stopped after this phase; resume with:\n  {resume}")
        elif result.left:
            self.outcome = "limited"
        return self.outcome == "finished"

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.console.print(line, soft_wrap=True)
