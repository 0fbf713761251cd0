"""The command `search` with a strategy other than the enumeration of masks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import ROUND_CEILING, Context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.console import plain_console, print_unwrapped
from orchestrator.display.formatting import counted, percent
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from orchestrator.invocation import Invocation, show_row
from orchestrator.planning.space import parse_structure
from orchestrator.run_store import RunStore
from orchestrator.stopping import exit_code, resumable
from search.experiment import Experiment
from search.lineage import RowInit
from search.strategies.catalogue import check_exhaustive, strategy_named
from search.strategies.problem import Exhaustive
from search.strategies.racing import Candidate
from search.structure import Structure

if TYPE_CHECKING:
    from orchestrator.strategy_search import StrategySearch


def search_by_strategy(
    training: Experiment,
    store: Path,
    executor: ExecutorOptions,
    *,
    strategy: str,
    target: float,
    core_hours: float,
    structure: str | None,
    depth: int | None,
    distinct: bool,
    from_published: bool,
    as_json: bool,
) -> None:
    """Search for sparse networks with a strategy, and print what was found.

    The arguments are the options of the command `search`. The experiment `training` has its data
    set and options of training; `distinct` is to try every distinct network.
    """
    from orchestrator.strategy_search import StrategySearch, without_published

    if distinct:
        with user_errors("--masks distinct: "):
            check_exhaustive(strategy)
    if from_published and not distinct:
        raise UserError("--from-published is for --masks distinct; leave it out")
    if structure is not None and depth is None:
        largest = parse_structure(structure)
    elif distinct and depth is not None and structure is None:
        largest = Structure.uniform(1, depth)
    else:
        raise UserError(
            f"--strategy {strategy} needs --structure S, or --masks distinct with --depth N for "
            "all structures"
        )
    base = training.with_structure(largest)
    exhaustive = Exhaustive(any_structure=structure is None) if distinct else None
    if exhaustive and from_published:
        exhaustive = without_published(base, exhaustive)
    invocation = Invocation.current()
    console = plain_console(stderr=True)
    with RunStore(store, invocation.recorded, console) as opened, resumable():
        with user_errors():
            search = StrategySearch(
                strategy_named(strategy),
                base,
                target,
                3600 * core_hours,
                executor,
                opened,
                exhaustive,
            )
        found = search.run()
    if search.stopped_by is not None:
        print_unwrapped(
            console,
            f"stopped after {search.spent_s / 3600:.3f} of {core_hours:g} core-hours; resume "
            f"with:\n  {invocation.to_train_all()}",
        )
        raise typer.Exit(exit_code(search.stopped_by))
    if as_json:
        print(json.dumps({"strategy": strategy} | _report(search, found)))
    else:
        print_line(*_lines(search, strategy, found, store))


def _report(search: StrategySearch, found: Sequence[Candidate]) -> dict[str, Any]:
    """Return what `search --json` prints."""
    from orchestrator.strategy_search import settings_of

    return {
        "target": search.target,
        **settings_of(search.base, search.exhaustive),
        "skipped": search.exhaustive.skip if search.exhaustive else 0,
        "core_hours": round(search.spent_s / 3600, 5),
        "experiments": search.experiments,
        "trained": search.trained,
        "networks": [
            {
                "experiment_id": one.trial.experiment.experiment_id,
                "weights": one.trial.weights,
                "accuracy": one.trial.accuracy,
                "masks": list(one.trial.experiment.masks),
                "init": one.trial.experiment.init,
                "hits": one.hits,
                "trials": one.trials,
                "success": None if one.success is None else asdict(one.success),
            }
            for one in found
        ],
        "tried": [asdict(one) | {"bound": one.max_success} for one in search.tried.statements()],
    }


def _lines(
    search: StrategySearch, name: str, found: Sequence[Candidate], store: Path
) -> Iterator[str]:
    """Yield the result line by line."""
    reached = percent(search.target)
    yield (
        f"{name}: {counted(search.experiments, 'training')} of {search.spent_s / 3600:.4f} "
        f"estimated core-hours, {search.trained:,} of them now"
    )
    for one in search.tried.statements():
        text = (
            f"  {counted(one.weights, 'weight')}: {one.networks:,} of "
            f"{counted(one.distinct, 'distinct network')}, {counted(one.restarts, 'restart')} "
            f"each, highest accuracy {one.highest:.4f}"
        )
        if one.max_success is not None:
            text += (
                f"; the probability that a restart of one given network reaches {reached} is below "
                f"{_rounded_up(one.max_success)} with 95 % confidence"
            )
        yield text
    if not found and search.exhaustive and search.exhaustive.skip and not search.experiments:
        yield (
            f"published searches have tried all {counted(search.exhaustive.skip, 'network')}; "
            "another --root-seed gives other initialisations"
        )
        return
    if not found:
        yield (
            f"no network reaches {reached}; the highest accuracy is {search.highest:.4f}. Try "
            "more --core-hours, a larger --structure, a lower --target or another --strategy"
        )
        return
    winner = found[0]
    masks = " ".join(winner.trial.experiment.masks)
    yield (
        f"the sparsest network that reaches {reached} has "
        f"{counted(winner.trial.weights, 'weight')}, accuracy {winner.trial.accuracy:.4f}, "
        f"structure {winner.trial.experiment.hidden}, {f'masks {masks}' if masks else 'dense'}"
    )
    yield f"  {_success(winner)}"
    if len(found) > 1:
        others = counted(len(found) - 1, "other candidate")
        yield f"  {others} with equally many weights: the same command with --json lists them"
    yield f"show all of it: {show_row(winner.trial.experiment.experiment_id, store)}"


def _rounded_up(probability: float) -> str:
    """Return a number above 0 with two digits, at least as great."""
    return f"{Context(prec=2, rounding=ROUND_CEILING).create_decimal(probability):f}"


def _success(one: Candidate) -> str:
    success = one.success
    if success is None:
        return "how often its training succeeds was not measured: give more --core-hours"
    parent = RowInit.parse(one.trial.initial)
    start = "trained weights of its parent" if parent and parent.final else "same initial weights"
    return (
        f"trained again from the {start} in other data orders, {one.hits} of "
        f"{counted(one.trials, 'training')} reach it: {100 * success.value:.0f} % "
        f"({100 * success.low:.0f} to {100 * success.high:.0f} %)"
    )
