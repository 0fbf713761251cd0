"""The search that tries all masks, in two phases.

What a phase has chosen is recorded in the store. Everything else follows from the stored rows, so
that the same command resumes wherever it stopped.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.commands.executors import ExecutorOptions
from orchestrator.commands.training import Training
from orchestrator.display.formatting import about_core_hours, counted, percent
from orchestrator.display.network_summary import describe_choice
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation, show_row
from orchestrator.planning.calibration import calibration
from orchestrator.planning.estimate import estimate
from orchestrator.planning.targets import Targets
from orchestrator.run_store import RunStore
from orchestrator.search_phases import (
    choose_structures,
    phase_1_targets,
    phase_2_targets,
    sparsest_network,
)
from search.datasets import dataset_named
from search.paper_grids import INPUTS
from search.strategies.catalogue import STRATEGIES
from search.structure import Structure
from search.two_phases import SearchSettings
from storage.log.init_entries import SearchChoice
from storage.reading.reader import StoreReader


@dataclass
class Enumeration:
    """A search of all masks in progress.

    Attributes:
        limit: maximum number of experiments to train; None for all.
        max_core_hours: duration of a phase that is allowed, unless the number of experiments is
            limited.
        trained: experiments that this command has trained.
        left: experiments that are left of the current phase.
        outcome: "finished"; "interrupted" by the user; "limited" if the limit was reached.
        stopped_by: the signal with which the user interrupted it.
        structures: choice of phase 1; None before.
        network: choice of phase 2; None before.
    """

    settings: SearchSettings
    executor: ExecutorOptions
    invocation: Invocation
    limit: int | None
    max_core_hours: float
    store: RunStore
    trained: int = 0
    left: int = 0
    outcome: str = "finished"
    stopped_by: signal.Signals | None = None
    structures: SearchChoice | None = field(default=None, init=False)
    network: SearchChoice | None = field(default=None, init=False)

    def run(self, *, again: bool) -> None:
        """Do what is left of both phases; with `again`, choose the structures again.

        Raises `UserError` if no network reaches the target, or a phase takes too long.
        """
        inputs = dataset_named(self.settings.dataset).features
        if inputs > INPUTS:
            self.store.print(
                f"every mask keeps a weight of each of the {inputs} inputs of "
                f"{self.settings.dataset}: networks that ignore an input are not tried"
            )
        if self.settings.structure is not None:
            self._find_sparsest([self.settings.structure])
            return
        # Settings that phase 2 refuses are refused before phase 1 is trained.
        phase_2_targets(self.settings, [Structure.uniform(1, self.settings.depth)])
        if not again and self.store.existing is not None:
            key = (self.settings.describe(1), 1)
            self.structures = self.store.reader.state.searches.get(key)
        if self.structures is None:
            targets = phase_1_targets(self.settings)
            if not self._train(1, targets):
                return
            self.structures = self._choose(
                lambda reader: choose_structures(self.settings, targets, reader)
            )
        else:
            chosen = self.structures.chosen
            self.store.print(f"chosen before, on {chosen} (--again chooses again):")
        self.store.print(*describe_choice(self.structures))
        networks = self.structures.networks
        self._find_sparsest([Structure.parse(network.structure) for network in networks])

    def _find_sparsest(self, structures: Sequence[Structure]) -> None:
        """Train phase 2 and choose the sparsest network."""
        try:
            targets = phase_2_targets(self.settings, structures)
        except UserError as error:
            raise UserError(
                f"{error}\nThese networks are too many to enumerate. Search some of them instead, "
                f"within a budget: --strategy {' or '.join(STRATEGIES)} --structure "
                f"{structures[0]} --core-hours H"
            ) from error
        if not self._train(2, targets):
            return
        self.network = self._choose(
            lambda reader: sparsest_network(self.settings, structures, reader)
        )

    def report(self) -> dict[str, Any]:
        """Return what `search --json` prints."""
        phases = {"phase_1": self.structures, "phase_2": self.network}
        return {
            "outcome": self.outcome,
            "trained": self.trained,
            "left": self.left,
            "settings": asdict(self.settings),
            **{
                phase: None if choice is None else choice.model_dump(mode="json")
                for phase, choice in phases.items()
            },
        }

    def print_network(self) -> None:
        """Print the network that was found."""
        assert self.network is not None
        (network,) = self.network.networks
        command = show_row(network.experiment_id, self.store.folder)
        print_line(*describe_choice(self.network), f"show all of it: {command}", *self._advice())

    def _advice(self) -> list[str]:
        """Return what to try if no mask is smaller than the dense networks."""
        if self.structures is None or self.network is None:
            return []
        (network,) = self.network.networks
        if network.model_nnz < min(dense.model_nnz for dense in self.structures.networks):
            return []
        return [
            f"no network with fewer weights than the dense ones reaches "
            f"{percent(self.settings.target)}: try more structures (--structures "
            f"{self.settings.structures + 2}), a lower --target, more learning rates (--lr), or "
            "another --root-seed"
        ]

    def _choose(self, choose: Callable[[StoreReader], SearchChoice]) -> SearchChoice:
        """Make a choice and record it, unless the same one is recorded."""
        reader = self.store.reader
        choice = choose(reader)
        before = reader.state.searches.get((choice.settings, choice.phase))
        if before is not None and before.model_copy(update={"chosen": choice.chosen}) == choice:
            return before
        self.store.writer.publish(choice)
        return choice

    def _train(self, phase: int, targets: Targets) -> bool:
        """Train what is left of a phase; return whether all of it is stored."""
        invocation, limit = self.invocation, self.limit
        rest = None if limit is None else limit - self.trained
        accuracies = [self.settings.target]
        training = Training(targets, self.store, self.executor, limit=rest, accuracies=accuracies)
        wanted = sum(len(item.wanted) for item in training.planned)
        self.left = sum(len(item.remaining) for item in training.planned)
        names = ", ".join(item.study.name for item in training.planned)
        stored = f"{wanted - self.left:,} stored"
        progress = f"phase {phase}: {counted(wanted, 'network')} ({names}), {stored}"
        if not self.left:
            self.store.print(progress)
            return True
        speed, planned = calibration(), training.planned
        hours = sum(estimate(p.study, p.remaining, speed).core_hours for p in planned)
        self.store.print(f"{progress}, {self.left:,} to train: {about_core_hours(hours)} here")
        if limit is None and hours > self.max_core_hours:
            raise UserError(self._too_long(phase, hours))
        if rest == 0:
            self.outcome = "limited"
            resume = invocation.to_train_all()
            self.store.print(f"the limit of {limit:,} is reached; resume with:\n  {resume}")
            return False
        result = training.run()
        self.trained += result.trained
        self.left = result.left
        self.store.print(*result.lines(self.store, invocation, self.trained))
        if result.stopped_by is not None:
            self.outcome = "interrupted"
            self.stopped_by = result.stopped_by
            if not result.left:
                resume = invocation.to_resume(self.trained)
                self.store.print(f"stopped after this phase; resume with:\n  {resume}")
        elif result.left:
            self.outcome = "limited"
        return self.outcome == "finished"

    def _too_long(self, phase: int, hours: float) -> str:
        """Return the message for a phase that takes longer than allowed."""
        settings = self.settings
        advice = {
            "fewer --structures": settings.structures > 1,
            "--masks distinct": settings.masks != "distinct",
            "one --lr": len(settings.lrs) > 1,
            "one --schedule": len(settings.schedules) > 1,
            "a lower --target": True,
        }
        less = [option for option, helps in advice.items() if helps]
        return (
            f"phase {phase} takes {about_core_hours(hours)}, more than the allowed "
            f"{self.max_core_hours:g}, and was not started. Give --max-core-hours "
            f"{hours + 1:.0f} to train it all, --limit N to train a part, or ask for less "
            f"({', '.join(less)})"
        )
