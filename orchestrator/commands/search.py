"""The command that searches for the sparsest network by itself, in two phases."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from orchestrator.commands.executors import (
    DeviceChoice,
    ExecutorChoice,
    check_workers,
    chosen_devices,
)
from orchestrator.commands.options import (
    Address,
    AsJson,
    DeviceName,
    ExecutorName,
    Limit,
    NewStorePath,
    RootSeed,
    Workers,
)
from orchestrator.commands.searching import Search
from orchestrator.commands.training import TrainingOptions
from orchestrator.damage import quarantine_damaged
from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation, program
from orchestrator.search_choice import explain
from orchestrator.stopping import exit_code
from search.experiment import SCHEDULES
from search.two_phases import LRS, PAPER_WIDTH, SearchSettings
from storage.log.search_entries import SearchChoice

MOST_CORE_HOURS = 24.0
"""A phase that would take longer is not begun unless its user says so."""


class MasksChoice(StrEnum):
    """Which masks of a structure are tried."""

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
        float, typer.Option(metavar="A", help="Accuracy to be reached, such as 0.95.")
    ],
    max_width: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Neurons of the widest hidden layer.")
    ] = PAPER_WIDTH,
    structures: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the smallest to try masks of.")
    ] = 1,
    masks: Annotated[
        MasksChoice,
        typer.Option(help="Every mask, or one of each network that differs in more than names."),
    ] = MasksChoice.all,
    lr: Annotated[
        list[float] | None,
        typer.Option(metavar="X", help="Learning rate; repeatable [default: 0.05 and 0.1]"),
    ] = None,
    schedule: Annotated[
        list[ScheduleChoice] | None,
        typer.Option(help="Of the learning rate; repeatable [default: all three]"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Choose the structures anew, from what is stored now.")
    ] = False,
    max_core_hours: Annotated[
        float,
        typer.Option(metavar="H", min=0.0, help="Begin no phase that would take longer."),
    ] = MOST_CORE_HOURS,
    limit: Limit = None,
    workers: Workers = None,
    executor: ExecutorName = ExecutorChoice.ray,
    address: Address = None,
    device: DeviceName = DeviceChoice.auto,
    root_seed: RootSeed = 0,
    as_json: AsJson = False,
) -> None:
    """Search for the sparsest network that reaches an accuracy. The same command again goes on.

    Phase 1 trains every dense structure, phase 2 every mask of the smallest structures that reach
    the accuracy. What is stored is not trained again, and what was chosen after phase 1 stays
    chosen for these options.
    """
    if not 0 < target <= 1:
        raise UserError(f"--target {target}: an accuracy is above 0 and at most 1, such as 0.95")
    settings = SearchSettings(
        target=target,
        max_width=max_width,
        lrs=tuple(sorted(set(lr))) if lr else LRS,
        schedules=tuple(name for name in SCHEDULES if not schedule or name in schedule),
        structures=structures,
        masks=masks,
        root_seed=root_seed,
    )
    check_workers(executor, workers, address)
    options = TrainingOptions(
        store=store,
        executor=executor,
        workers=workers,
        devices=chosen_devices(device, executor, address),
        address=address,
        root_seed=root_seed,
        limit=limit,
        invocation=Invocation.current(),
    )
    console = plain_console(stderr=True)
    quarantine_damaged(store, options.invocation.recorded, console)
    found = Search(settings, options, max_core_hours, console)
    found.run(again=again)
    if as_json:
        print(json.dumps(_report(found)))
    elif found.network is not None:
        _tell(found, found.network)
    if found.stopped_by is not None:
        raise typer.Exit(exit_code(found.stopped_by))


def _report(found: Search) -> dict[str, Any]:
    """What `search --json` prints."""
    structures = None if found.structures is None else found.structures.model_dump(mode="json")
    network = None if found.network is None else found.network.model_dump(mode="json")
    return {
        "outcome": found.outcome,
        "trained": found.trained,
        "left": found.left,
        "settings": asdict(found.settings),
        "phase_1": structures,
        "phase_2": network,
    }


def _tell(found: Search, choice: SearchChoice) -> None:
    """The network that was found, on standard output: it is what was asked for."""
    console = plain_console()
    (network,) = choice.networks
    for line in explain(choice):
        console.print(line, soft_wrap=True)
    console.print(
        f'look at it: {program()} query "SELECT * FROM results WHERE experiment_id = '
        f"'{network.experiment_id}'\" --format json --store {found.options.store}",
        soft_wrap=True,
    )
    advice = found.advice()
    if advice is not None:
        console.print(advice, soft_wrap=True)
