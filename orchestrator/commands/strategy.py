"""The command `search` with a strategy other than the enumeration of masks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from analysis.records.bounds import exhaustive_accuracies
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.search_summary import SearchSummary, searched
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation
from orchestrator.planning.space import parse_structure
from orchestrator.run_store import RunStore
from orchestrator.stopping import exit_code, resumable
from search.experiment import Experiment
from search.strategies.catalogue import EXHAUSTIVE, STRATEGIES, strategy_named
from search.structure import Structure
from storage.paths import published_folder


@dataclass(frozen=True)
class StrategyChoice:
    """A strategy with its options.

    Attributes:
        name: name of the strategy.
        target: accuracy to reach.
        core_hours: hours of training of one core; None if they were not given.
        structure: structure of the largest network; None if it was not given.
        depth: hidden layers of all structures to try; None if it was not given.
        base: experiment with the data set and the options of training.
        exhaustive: try every distinct network.
        from_published: leave out the numbers of weights that published searches have tried.
    """

    name: str
    target: float
    core_hours: float | None
    structure: str | None
    depth: int | None
    base: Experiment
    exhaustive: bool
    from_published: bool

    def experiment(self) -> Experiment:
        """Return the full training of the dense network of the structure.

        Raises:
            UserError: an option is missing or not valid.
        """
        if self.core_hours is None:
            raise UserError(f"--strategy {self.name} needs --core-hours H")
        if self.exhaustive and self.name in STRATEGIES and self.name not in EXHAUSTIVE:
            raise UserError(
                f"--masks distinct: {self.name} does not try all networks; allowed with: "
                f"{', '.join(EXHAUSTIVE)}"
            )
        if self.from_published and not self.exhaustive:
            raise UserError("--from-published is for --masks distinct; leave it out")
        if self.structure is not None and self.depth is None:
            structure = parse_structure(self.structure)
        elif self.exhaustive and self.depth is not None and self.structure is None:
            structure = Structure.uniform(1, self.depth)
        else:
            raise UserError(
                f"--strategy {self.name} needs --structure S, or --masks distinct with --depth N "
                "for all structures"
            )
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
    from orchestrator.strategy_search import StrategySearch

    base = choice.experiment()
    every = choice.structure is None
    above = 0
    if choice.from_published:
        tried = exhaustive_accuracies(published_folder(), searched(base, any_structure=every))
        above = max(tried, default=0)
    assert choice.core_hours is not None
    invocation = Invocation.current()
    console = plain_console(stderr=True)
    with RunStore(store, invocation.recorded, console) as opened, resumable():
        try:
            search = StrategySearch(
                strategy_named(choice.name),
                base,
                choice.target,
                3600 * choice.core_hours,
                executor,
                opened,
                choice.exhaustive,
                any_structure=every,
                above=above,
            )
        except ValueError as error:
            raise UserError(str(error)) from error
        found = search.run()
    if search.stopped_by is not None:
        console.print(
            f"stopped after {search.spent_s / 3600:.3f} of {choice.core_hours:g} core-hours; "
            f"resume with:\n  {invocation.to_train_all()}",
            soft_wrap=True,
        )
        raise typer.Exit(exit_code(search.stopped_by))
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
