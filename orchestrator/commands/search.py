"""The command that searches for the sparsest network, by enumeration or another strategy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

import typer

from orchestrator.commands import options
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.commands.strategy import search_by_strategy
from orchestrator.display.console import plain_console
from orchestrator.errors import UserError, user_errors
from orchestrator.invocation import Invocation
from orchestrator.planning.space import parse_structure
from orchestrator.run_store import RunStore
from orchestrator.stopping import exit_code
from search.datasets import dataset_named
from search.experiment import SCHEDULES, Experiment
from search.paper_grids import LRS
from search.strategies.catalogue import STRATEGIES
from search.structure import DEFAULT_DEPTH, MAX_DEPTH
from search.two_phases import SearchSettings, usual_max_width

_PAPER = Experiment()

ENUMERATE = "enumerate"
"""Name of the strategy that tries all masks, in the two phases of the paper."""

MAX_STRUCTURES = 64**3
"""Maximum number of structures in phase 1."""

MAX_CORE_HOURS = 24.0
"""Duration of a phase up to which it needs no permission."""

_T = TypeVar("_T")


MasksChoice = Literal["all", "distinct"]
ScheduleChoice = StrEnum("ScheduleChoice", ["cosine", "step", "constant"])


def search(
    store: options.NewStorePath,
    target: Annotated[
        float,
        options.number("Accuracy to reach, such as 0.95.", "A", excluding_zero=True, maximum=1),
    ],
    strategy: Annotated[
        str,
        options.option(
            "NAME",
            "Strategy: enumerate (the two phases of the paper), halving, eliminate, evolve, "
            "or one of a plug-in.",
        ),
    ] = ENUMERATE,
    core_hours: Annotated[
        float | None,
        options.number(
            "Budget of a strategy other than enumerate: estimated hours of training on a "
            "reference core, without start-up and saliencies. 80 % are for the search, the rest "
            "for measuring how often its networks succeed. A round is finished before the search "
            "ends: up to 4,096 trainings with --masks distinct.",
            "H",
            excluding_zero=True,
        ),
    ] = None,
    dataset: Annotated[
        str, options.option("NAME", "Data set (`sparsest datasets` lists them), or file:PATH.")
    ] = _PAPER.dataset,
    depth: Annotated[
        int | None,
        options.whole_number(
            f"Hidden layers in phase 1 [default: {DEFAULT_DEPTH}]. With --strategy halving and "
            "--masks distinct, those of all structures to try.",
            maximum=MAX_DEPTH,
        ),
    ] = None,
    max_width: Annotated[
        int | None,
        options.whole_number(
            "Neurons of the widest hidden layer in phase 1 [default: 16; 8 at depth 4, 5 at depth "
            "5, so that there are up to 4,096 structures]",
            maximum=64,
        ),
    ] = None,
    structure: Annotated[
        str | None,
        options.option(
            "S",
            "Structure of phase 2, such as 5x4, of any depth; without phase 1. For another "
            "--strategy, the structure of the largest network.",
        ),
    ] = None,
    structures: Annotated[
        int | None,
        options.whole_number(
            "Number of structures, the smallest first, whose masks are tried [default: 1]"
        ),
    ] = None,
    masks: Annotated[
        MasksChoice,
        typer.Option(
            help="Masks to try: all, or one of each network that is distinct up to the order of "
            "its hidden neurons."
        ),
    ] = "all",
    lr: Annotated[
        list[float] | None,
        options.number(
            "Learning rate; repeatable [default: 0.05 and 0.1; for another --strategy 0.05]",
            "X",
            excluding_zero=True,
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
    epochs: Annotated[int, options.whole_number("Epochs of a training.")] = _PAPER.epochs,
    batch_size: Annotated[int, options.whole_number("Points in a step.")] = _PAPER.batch_size,
    replicates: Annotated[
        int,
        options.whole_number("Trainings of each network under each learning rate and schedule."),
    ] = 1,
    from_published: Annotated[
        bool,
        options.flag(
            "--from-published",
            "With --masks distinct and a strategy: leave out every network that searches of "
            "the published results have tried.",
        ),
    ] = False,
    again: Annotated[
        bool, options.flag("--again", "Choose the structures again, from what is stored now.")
    ] = False,
    max_core_hours: Annotated[
        float | None,
        options.number(
            f"Refuse to start a phase that takes longer [default: {MAX_CORE_HOURS:g}]", "H"
        ),
    ] = None,
    limit: options.Limit = None,
    workers: options.Workers = None,
    executor: options.ExecutorName = "auto",
    address: options.Address = None,
    device: options.DeviceName = "auto",
    root_seed: options.RootSeed = 0,
    as_json: options.AsJson = False,
) -> None:
    """Search for the sparsest network that reaches an accuracy. The same command resumes.

    Strategy enumerate: phase 1 trains every dense structure, phase 2 every mask of the smallest
    structures that reach the accuracy, or of --structure. Stored experiments are not trained again,
    and the choice of phase 1 is kept for the same options.

    The other strategies propose networks of one structure until --core-hours are spent. Then they
    tell how often the training of the sparsest network succeeds. An enumeration has a result only
    when a phase is complete: instead of --core-hours, --limit trains a part of it.
    """
    with user_errors("--dataset: "):
        dataset = dataset_named(dataset).name  # that of a file has its digest
    if strategy != ENUMERATE:
        _refuse(
            f"is for --strategy {ENUMERATE}; leave it out",
            {
                "--max-width": max_width is not None,
                "--structures": structures is not None,
                "--replicates": replicates != 1,
                "--max-core-hours": max_core_hours is not None,
                "--limit": limit is not None,
                "--again": again,
            },
        )
        if core_hours is None:
            raise UserError(f"--strategy {strategy} needs --core-hours H")
        training = Experiment(
            study=f"search-{strategy}",
            dataset=dataset,
            epochs=epochs,
            batch_size=batch_size,
            lr=_only("--lr", lr, _PAPER.lr),
            schedule=_only("--schedule", schedule, ScheduleChoice.cosine).value,
            root_seed=root_seed,
        )
        search_by_strategy(
            training,
            store,
            ExecutorOptions.of(executor, workers, device, address),
            strategy=strategy,
            target=target,
            core_hours=core_hours,
            structure=structure,
            depth=depth,
            distinct=masks == "distinct",
            from_published=from_published,
            as_json=as_json,
        )
        return
    if from_published:
        raise UserError("--from-published is for --strategy halving; leave it out")
    if core_hours is not None:
        raise UserError(
            f"--core-hours needs --strategy {', '.join(STRATEGIES)} or a plug-in's. Of an "
            "enumeration, --limit N trains a part"
        )
    if structure is not None:
        _refuse(
            "is about phase 1, which --structure leaves out: give one",
            {
                "--depth": depth is not None,
                "--max-width": max_width is not None,
                "--structures": structures is not None,
                "--again": again,
            },
        )
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
    # Imported here, and so numba: `--help` does without.
    from orchestrator.commands.enumeration import Enumeration

    executors = ExecutorOptions.of(executor, workers, device, address)
    invocation = Invocation.current()
    with RunStore(store, invocation.recorded, plain_console(stderr=True)) as opened:
        allowed = MAX_CORE_HOURS if max_core_hours is None else max_core_hours
        two_phases = Enumeration(settings, executors, invocation, limit, allowed, opened)
        two_phases.run(again=again)
    if as_json:
        print(json.dumps(two_phases.report()))
    elif two_phases.network is not None:
        two_phases.print_network()
    if two_phases.stopped_by is not None:
        raise typer.Exit(exit_code(two_phases.stopped_by))


def _refuse(reason: str, is_given: Mapping[str, bool]) -> None:
    """Refuse the first option that is given."""
    for option, given in is_given.items():
        if given:
            raise UserError(f"{option} {reason}")


def _only(option: str, values: list[_T] | None, default: _T) -> _T:
    """Return the only value of a repeatable option."""
    if values is not None and len(values) > 1:
        raise UserError(f"{option}: a strategy other than {ENUMERATE} takes one value")
    return values[0] if values else default
