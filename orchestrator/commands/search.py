"""The command that searches for the sparsest network in two phases.

What a phase has chosen is recorded in the store. Everything else follows from the stored rows, so
that the same command resumes wherever it stopped.
"""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from orchestrator.commands.executors import DeviceChoice, ExecutorChoice, ExecutorOptions
from orchestrator.commands.options import (
    Address,
    AsJson,
    DeviceName,
    ExecutorName,
    Limit,
    NewStorePath,
    RootSeed,
    Workers,
    number,
    whole_number,
)
from orchestrator.commands.strategy import StrategyChoice, search_by_strategy
from orchestrator.commands.training import Training, TrainingOptions
from orchestrator.display.formatting import about_core_hours, counted
from orchestrator.display.network_summary import describe_choice
from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation, program
from orchestrator.planning.calibration import calibration
from orchestrator.planning.estimate import estimate
from orchestrator.planning.plan import PlannedStudy
from orchestrator.planning.space import parse_structure
from orchestrator.planning.targets import Targets
from orchestrator.run_store import RunStore
from orchestrator.search_phases import (
    choose_structures,
    phase_1_targets,
    phase_2_targets,
    sparsest_network,
    structures_of,
)
from orchestrator.stopping import exit_code
from search.datasets import dataset_named
from search.experiment import SCHEDULES, Experiment
from search.paper_grids import INPUTS
from search.strategies.catalogue import STRATEGIES
from search.structure import DEFAULT_DEPTH, MAX_DEPTH, Structure
from search.two_phases import LRS, SearchSettings, usual_max_width
from storage.log.search_entries import SearchChoice
from storage.reading.reader import StoreReader

_PAPER = Experiment()

ENUMERATE = "enumerate"
"""Name of the strategy that tries all masks, in the two phases of the paper."""

MAX_STRUCTURES = 64**3
"""Maximum number of structures in phase 1."""

MAX_CORE_HOURS = 24.0
"""Duration of a phase up to which it needs no permission."""

_T = TypeVar("_T")


class MasksChoice(StrEnum):
    """The masks of a structure to try."""

    all = "all"
    distinct = "distinct"


class ScheduleChoice(StrEnum):
    """The paper's schedules."""

    cosine = "cosine"
    step = "step"
    constant = "constant"


def search(
    store: NewStorePath,
    target: Annotated[
        float,
        typer.Option(
            metavar="A",
            parser=number(0, 1, excluding_minimum=True),
            help="Accuracy to reach, such as 0.95.",
        ),
    ],
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Strategy: enumerate (the two phases of the paper), halving, eliminate, evolve, "
            "or one of a plug-in.",
        ),
    ] = ENUMERATE,
    core_hours: Annotated[
        float | None,
        typer.Option(
            metavar="H",
            parser=number(0, excluding_minimum=True),
            help="Hours of training on one core after which a strategy other than enumerate ends.",
        ),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Data set (`sparsest datasets` lists them), or file:PATH."
        ),
    ] = _PAPER.dataset,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number(1, MAX_DEPTH),
            help=f"Hidden layers in phase 1 [default: {DEFAULT_DEPTH}]",
        ),
    ] = None,
    max_width: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number(1, 64),
            help="Neurons of the widest hidden layer in phase 1 [default: 16; 8 at depth 4, 5 at "
            "depth 5, so that there are up to 4,096 structures]",
        ),
    ] = None,
    structure: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="Structure of phase 2, such as 5x4, of any depth; without phase 1. For another "
            "--strategy, the structure of the largest network.",
        ),
    ] = None,
    structures: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number(1),
            help="Number of structures, the smallest first, whose masks are tried [default: 1]",
        ),
    ] = None,
    masks: Annotated[
        MasksChoice,
        typer.Option(
            help="Masks to try: all, or one of each network that is distinct up to the order of "
            "its hidden neurons."
        ),
    ] = MasksChoice.all,
    lr: Annotated[
        list[float] | None,
        typer.Option(
            metavar="X",
            help="Learning rate; repeatable [default: 0.05 and 0.1; for another --strategy 0.05]",
        ),
    ] = None,
    schedule: Annotated[
        list[ScheduleChoice] | None,
        typer.Option(
            metavar=f"<{'|'.join(ScheduleChoice)}>",
            help="Schedule of the learning rate; repeatable [default: all three; for another "
            "--strategy cosine]",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(metavar="N", parser=whole_number(1), help="Epochs of a training.")
    ] = _PAPER.epochs,
    batch_size: Annotated[
        int, typer.Option(metavar="N", parser=whole_number(1), help="Points in a step.")
    ] = _PAPER.batch_size,
    replicates: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number(1),
            help="Trainings of each network under each learning rate and schedule.",
        ),
    ] = 1,
    again: Annotated[
        bool,
        typer.Option("--again", help="Choose the structures again, from what is stored now."),
    ] = False,
    max_core_hours: Annotated[
        float,
        typer.Option(
            metavar="H", parser=number(0), help="Refuse to start a phase that takes longer."
        ),
    ] = MAX_CORE_HOURS,
    limit: Limit = None,
    workers: Workers = None,
    executor: ExecutorName = ExecutorChoice.auto,
    address: Address = None,
    device: DeviceName = DeviceChoice.auto,
    root_seed: RootSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Search for the sparsest network that reaches an accuracy. The same command resumes.

    Strategy enumerate: phase 1 trains every dense structure, phase 2 every mask of the smallest
    structures that reach the accuracy, or of --structure. Stored experiments are not trained again,
    and the choice of phase 1 is kept for the same options.

    The other strategies propose networks of one structure until --core-hours are spent. Then they
    tell how often the training of the sparsest network succeeds.
    """
    try:
        dataset = dataset_named(dataset).name  # that of a file has its digest
    except ValueError as error:
        raise UserError(f"--dataset: {error}") from error
    if strategy != ENUMERATE:
        given = {
            "--depth": depth is not None,
            "--max-width": max_width is not None,
            "--structures": structures is not None,
            "--replicates": replicates != 1,
            "--limit": limit is not None,
            "--again": again,
        }
        for option in (name for name, is_given in given.items() if is_given):
            raise UserError(f"{option} is for --strategy {ENUMERATE}; leave it out")
        base = Experiment(
            dataset=dataset,
            epochs=epochs,
            batch_size=batch_size,
            lr=_only("--lr", lr, _PAPER.lr),
            schedule=_only("--schedule", schedule, ScheduleChoice.cosine).value,
            root_seed=root_seed,
        )
        every = masks is MasksChoice.distinct
        choice = StrategyChoice(strategy, target, core_hours, structure, base, exhaustive=every)
        executors = ExecutorOptions.of(executor, workers, device, address)
        search_by_strategy(choice, store, executors, as_json=as_json)
        return
    if core_hours is not None:
        raise UserError(f"--core-hours needs --strategy {', '.join(STRATEGIES)} or a plug-in's")
    of_phase_1 = {"--depth": depth, "--max-width": max_width, "--structures": structures}
    unused = [name for name, value in of_phase_1.items() if value is not None]
    if structure is not None and unused:
        raise UserError(f"{unused[0]} is about phase 1, which --structure leaves out: give one")
    layers = depth or DEFAULT_DEPTH
    widest = max_width or usual_max_width(layers)
    if widest**layers > MAX_STRUCTURES:
        raise UserError(
            f"--depth {layers} with --max-width {widest} has too many structures; allowed: "
            f"{MAX_STRUCTURES:,}, such as --max-width {usual_max_width(layers)}, or --structure S "
            "for a single one"
        )
    settings = SearchSettings(
        target=target,
        max_width=widest,
        lrs=tuple(sorted(set(lr))) if lr else LRS,
        schedules=tuple(name for name in SCHEDULES if not schedule or name in schedule),
        structures=structures or 1,
        masks=masks,
        root_seed=root_seed,
        dataset=dataset,
        depth=layers,
        structure=None if structure is None else parse_structure(structure),
        epochs=epochs,
        batch_size=batch_size,
        replicates=replicates,
    )
    options = TrainingOptions(
        executor=ExecutorOptions.of(executor, workers, device, address),
        root_seed=root_seed,
        limit=limit,
        invocation=Invocation.current(),
    )
    console = plain_console(stderr=True)
    with RunStore(store, options.invocation.recorded, console) as opened:
        two_phases = Search(settings, options, max_core_hours, opened, console)
        two_phases.run(again=again)
    if as_json:
        print(json.dumps(two_phases.report()))
    elif two_phases.network is not None:
        two_phases.print_network(plain_console())
    if two_phases.stopped_by is not None:
        raise typer.Exit(exit_code(two_phases.stopped_by))


def _only(option: str, values: list[_T] | None, default: _T) -> _T:
    """Return the only value of a repeatable option."""
    if values is not None and len(values) > 1:
        raise UserError(f"{option}: a strategy other than {ENUMERATE} takes one value")
    return values[0] if values else default


@dataclass
class Search:
    """A search in progress.

    Attributes:
        settings: the search.
        options: options of the training.
        max_core_hours: duration of a phase that is allowed, unless the number of experiments is
            limited.
        store: the store.
        console: for messages.
        trained: experiments that this command has trained.
        left: experiments that are left of the current phase.
        outcome: "finished"; "interrupted" by the user; "limited" if the limit was reached.
        stopped_by: the signal with which the user interrupted it.
        structures: choice of phase 1; None before.
        network: choice of phase 2; None before.
    """

    settings: SearchSettings
    options: TrainingOptions
    max_core_hours: float
    store: RunStore
    console: Console
    trained: int = 0
    left: int = 0
    outcome: str = "finished"
    stopped_by: signal.Signals | None = None
    structures: SearchChoice | None = field(default=None, init=False)
    network: SearchChoice | None = field(default=None, init=False)

    def run(self, *, again: bool) -> None:
        """Do what is left of both phases.

        Args:
            again: choose the structures again, even if they were chosen before.

        Raises:
            UserError: no network reaches the target, or a phase takes too long.
        """
        inputs = dataset_named(self.settings.dataset).features
        if inputs > INPUTS:
            self._print(
                f"every mask keeps a weight of each of the {inputs} inputs of "
                f"{self.settings.dataset}: networks that ignore an input are not tried"
            )
        if self.settings.structure is not None:
            self._find_sparsest([self.settings.structure])
            return
        # Settings that phase 2 refuses are refused before phase 1 is trained.
        phase_2_targets(self.settings, [Structure.uniform(1, self.settings.depth)])
        self.structures = None if again else self._chosen_before()
        if self.structures is None:
            targets = phase_1_targets(self.settings)
            if not self._train(1, targets):
                return
            self.structures = self._choose(
                lambda reader: choose_structures(self.settings, targets, reader)
            )
        else:
            chosen = self.structures.chosen
            self._print(f"chosen before, on {chosen} (--again chooses again):")
        self._print(*describe_choice(self.structures))
        self._find_sparsest(structures_of(self.structures))

    def _find_sparsest(self, structures: Sequence[Structure]) -> None:
        """Train phase 2 and choose the sparsest network.

        Raises:
            UserError: the structures have too many masks, or no network reaches the target.
        """
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

    def print_network(self, console: Console) -> None:
        """Print the network that was found."""
        assert self.network is not None
        (network,) = self.network.networks
        lines = [
            *describe_choice(self.network),
            f'show all of it: {program()} query "SELECT * FROM results WHERE experiment_id = '
            f"'{network.experiment_id}'\" --format json --store "
            f"{shlex.quote(str(self.store.folder))}",
            *self._advice(),
        ]
        for line in lines:
            console.print(line, soft_wrap=True)

    def _advice(self) -> list[str]:
        """Return what to try if no mask is smaller than the dense networks."""
        if self.structures is None or self.network is None:
            return []
        (network,) = self.network.networks
        if network.model_nnz < min(dense.model_nnz for dense in self.structures.networks):
            return []
        return [
            f"no network with fewer weights than the dense ones reaches "
            f"{100 * self.settings.target:g} %: try more structures (--structures "
            f"{self.settings.structures + 2}), a lower --target, more learning rates (--lr), or "
            "another --root-seed"
        ]

    def _chosen_before(self) -> SearchChoice | None:
        if self.store.existing is None:
            return None
        return self.store.reader.searches.get((self.settings.describe(1), 1))

    def _choose(self, choose: Callable[[StoreReader], SearchChoice]) -> SearchChoice:
        """Make a choice and record it, unless the same one is recorded."""
        reader = self.store.reader
        choice = choose(reader)
        before = reader.searches.get((choice.settings, choice.phase))
        if before is not None and before.model_copy(update={"chosen": choice.chosen}) == choice:
            return before
        self.store.writer.record_search(choice)
        return choice

    def _train(self, phase: int, targets: Targets) -> bool:
        """Train what is left of a phase; return whether all of it is stored."""
        invocation, limit = self.options.invocation, self.options.limit
        rest = None if limit is None else limit - self.trained
        training = Training(
            targets, {}, replace(self.options, limit=rest), self.store, self.console
        )
        wanted = sum(len(item.wanted) for item in training.planned)
        self.left = sum(len(item.remaining) for item in training.planned)
        names = ", ".join(item.study.name for item in training.planned)
        stored = f"{wanted - self.left:,} stored"
        progress = f"phase {phase}: {counted(wanted, 'network')} ({names}), {stored}"
        if not self.left:
            self._print(progress)
            return True
        hours = _core_hours(training.planned)
        self._print(f"{progress}, {self.left:,} to train: {about_core_hours(hours)} here")
        if limit is None and hours > self.max_core_hours:
            raise UserError(self._too_long(phase, hours))
        if rest == 0:
            self.outcome = "limited"
            resume = invocation.to_train_all()
            self._print(f"the limit of {limit:,} is reached; resume with:\n  {resume}")
            return False
        result = training.run()
        self.trained += result.tally.trained
        self.left = result.left
        result.print_summary(self.console, self.store, invocation, self.trained)
        if result.stopped_by is not None:
            self.outcome = "interrupted"
            self.stopped_by = result.stopped_by
            if not result.left:
                resume = invocation.to_resume(self.trained)
                self._print(f"stopped after this phase; resume with:\n  {resume}")
        elif result.left:
            self.outcome = "limited"
        return self.outcome == "finished"

    def _too_long(self, phase: int, hours: float) -> str:
        """Return the message for a phase that takes longer than allowed."""
        less = ["a lower --target"]
        if len(self.settings.schedules) > 1:
            less.insert(0, "one --schedule")
        if len(self.settings.lrs) > 1:
            less.insert(0, "one --lr")
        if self.settings.masks != MasksChoice.distinct:
            less.insert(0, "--masks distinct")
        if self.settings.structures > 1:
            less.insert(0, "fewer --structures")
        return (
            f"phase {phase} takes {about_core_hours(hours)}, more than the allowed "
            f"{self.max_core_hours:g}, and was not started. Give --max-core-hours "
            f"{hours + 1:.0f} to train it all, --limit N to train a part, or ask for less "
            f"({', '.join(less)})"
        )

    def _print(self, *lines: str) -> None:
        for line in lines:
            self.console.print(line, soft_wrap=True)


def _core_hours(planned: Sequence[PlannedStudy]) -> float:
    """Return the hours of one core of this machine for what is left."""
    speed = calibration()
    return sum(estimate(item.study, item.remaining, speed).core_hours for item in planned)
