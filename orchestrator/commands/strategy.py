"""The command `search` with a strategy other than the enumeration of masks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.search_summary import SearchSummary
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation
from orchestrator.planning.space import parse_structure
from orchestrator.run_store import RunStore
from orchestrator.stopping import exit_code, resumable
from search.experiment import Experiment
from search.strategies.catalogue import EXHAUSTIVE, STRATEGIES, strategy_named


@dataclass(frozen=True)
class StrategyChoice:
    """A strategy with its options.

    Attributes:
        name: name of the strategy.
        target: accuracy to reach.
        core_hours: hours of training of one core; None if they were not given.
        structure: structure of the largest network; None if it was not given.
        base: experiment with the data set and the options of training.
        exhaustive: try every distinct network.
    """

    name: str
    target: float
    core_hours: float | None
    structure: str | None
    base: Experiment
    exhaustive: bool

    def experiment(self) -> Experiment:
        """Return the full training of the dense network of the structure.

        Raises:
            UserError: an option is missing or not valid.
        """
        if self.structure is None or self.core_hours is None:
            missing = "--structure S" if self.structure is None else "--core-hours H"
            raise UserError(f"--strategy {self.name} needs {missing}")
        if self.exhaustive and self.name in STRATEGIES and self.name not in EXHAUSTIVE:
            raise UserError(
                f"--masks distinct: {self.name} does not try all networks; allowed with: "
                f"{', '.join(EXHAUSTIVE)}"
            )
        structure = parse_structure(self.structure)
        return replace(
            self.base,
            study=f"search-{self.name}",
            structure=tuple(structure),
            width=max(Experiment().width, *structure),
        )


def search_by_strategy(
    choice: StrategyChoice, store: Path, executor: ExecutorOptions, *, as_json: bool
) -> None:
    """Search for sparse networks with a strategy, and print what was found.

    Raises:
        UserError: an option is not valid, or nothing can be trained here.
    """
    # Imported here: the trainers take seconds to import, and the other strategy does not need them.
    from orchestrator.strategy_search import Interrupted, SearchOptions, StrategySearch

    base = choice.experiment()
    assert choice.core_hours is not None
    invocation = Invocation.current()
    console = plain_console(stderr=True)
    options = SearchOptions(3600 * choice.core_hours, executor, invocation)
    with RunStore(store, invocation.recorded, console) as opened, resumable():
        try:
            search = StrategySearch(
                strategy_named(choice.name),
                base,
                choice.target,
                choice.exhaustive,
                options,
                opened,
                console,
            )
        except ValueError as error:
            raise UserError(str(error)) from error
        try:
            found = search.run()
        except Interrupted as stop:
            console.print(
                f"stopped after {search.spent_s / 3600:.3f} of {choice.core_hours:g} core-hours; "
                f"resume with:\n  {invocation.to_train_all()}",
                soft_wrap=True,
            )
            raise typer.Exit(exit_code(stop.signal)) from None
    summary = SearchSummary(
        search.problem,
        choice.name,
        found,
        search.experiments,
        search.highest,
        search.tried.statements(),
        search.trained,
        search.spent_s / 3600,
        str(store),
    )
    if as_json:
        print(json.dumps(summary.report()))
        return
    for line in summary.lines():
        print_line(line)
