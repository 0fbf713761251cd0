"""Fewest weights that each search strategy finds at 95 % of the Cubist Spiral, by training time.

Times are the budget of `sparsest search`: those of a reference core, which do not depend on this
machine or its load, without what a strategy computes.

python -m benchmarks strategies
python -m benchmarks.strategies --core-minutes 10 --target 0.995 eliminate
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.report import table
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.run_store import RunStore
from orchestrator.strategy_search import StrategySearch
from search.experiment import Experiment
from search.strategies.catalogue import STRATEGIES, strategy_named
from search.strategies.racing import Candidate
from search.structure import Structure

CORE_MINUTES = 0.2
"""Minutes of training in each run."""

RUNS = 5
"""Number of runs of each strategy, with root seeds from 0."""

SHARES = (0.1, 0.3, 0.8)
"""Fractions of the budget after which the fewest weights are shown; after the last one the networks
that were found are trained again."""


def run() -> None:
    """Print the table of all built-in strategies, from 7x7x7 at 95 %."""
    _print(list(STRATEGIES), "7x7x7", 0.95, CORE_MINUTES, RUNS)


def _print(
    names: Sequence[str], structure: str, target: float, core_minutes: float, runs: int
) -> None:
    budget_s = 60 * core_minutes
    rows = []
    for name in names:
        searches = [_search(name, structure, target, budget_s, seed) for seed in range(runs)]
        fewest = []
        for share in SHARES:
            in_time = [
                [weights for spent_s, weights in search.improvements if spent_s <= share * budget_s]
                for search, _ in searches
            ]
            fewest.append(_range([found[-1] if found else None for found in in_time]))
        trained = _range([search.experiments for search, _ in searches])
        winners = [found[0] for _, found in searches if found and found[0].trials]
        hits = ", ".join(f"{one.hits} of {one.trials}" for one in winners)
        rows.append([name, trained, *fewest, hits])
    print(f"{structure}, {100 * target:g} %, {runs} runs: median (least to greatest)\n")
    titles = [f"weights after {share * budget_s:.0f} s" for share in SHARES]
    print(table(["strategy", "trainings", *titles, "success of each run's network"], rows))


def _search(
    name: str, structure: str, target: float, budget_s: float, seed: int
) -> tuple[StrategySearch, list[Candidate]]:
    training = Experiment(study=f"search-{name}", root_seed=seed)
    base = training.with_structure(Structure.parse(structure))
    inline = ExecutorOptions("inline")
    console = Console(stderr=True, quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        with RunStore(Path(folder) / "store", "benchmark", console) as store:
            search = StrategySearch(strategy_named(name), base, target, budget_s, inline, store)
            found = search.run()
        return search, found


def _range(values: Sequence[int | None]) -> str:
    """Return the median and the range; runs without a value count as infinitely many."""
    numbers = sorted(float("inf") if value is None else value for value in values)
    middle, low, high = (
        f"{number:,g}" if number != float("inf") else "none"
        for number in (median(numbers), numbers[0], numbers[-1])
    )
    return f"{middle} ({low} to {high})"


def main() -> None:
    """Run strategies with options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strategies", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="STRATEGY", default=list(STRATEGIES))
    parser.add_argument("--structure", default="7x7x7")
    parser.add_argument("--target", type=float, default=0.95)
    parser.add_argument("--core-minutes", type=float, default=CORE_MINUTES)
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args()
    _print(given.names, given.structure, given.target, given.core_minutes, given.runs)


if __name__ == "__main__":
    main()
