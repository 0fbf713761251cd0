"""A sweep on several nodes while drivers, workers and nodes are killed at random.

    python -m tests.faults.storm FOLDER --minutes 20
    python -m tests.faults.storm FOLDER --in-turn --nodes 2

FOLDER is created. The sweep is first trained without faults by the inline executor; a store with
that result (`--undisturbed`) saves the time. After the given minutes the faults stop, and the sweep
is finished. With `--in-turn`, the faults do not come at random: each comes as soon as the run has
recovered from the one before, and the sweep is slow until the last one.
The last line is a report in JSON; the exit code is 0 if all rows are the same.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.executor import InlineExecutor
from tests.faults.agreement import Witness, agreement
from tests.faults.cluster import Nodes, prepare
from tests.faults.driver import Driver, sparsest_run
from tests.faults.raging import FINISH_S, Storm
from tests.faults.report import finish
from tests.faults.slow_sweep import hurry_file, slow_study, slow_sweep
from tests.faults.training import train
from tests.orchestrator.running import write_sweep

BASE = "epochs = 5"
GRID = """lr = [0.05, 0.1]
schedule = ["cosine", "step"]
structure = ["3x3x3"]
masks = "all"
"""
"""The sweep: 103,968 experiments, two thirds of phase2-95 with a tenth of its epochs."""

EXPERIMENTS = 1600
"""Experiments of the sweep with `--in-turn`; most are left when the faults are over."""

PAUSE_S = 0.4
"""Seconds that reading one of them takes until then."""


def storm(
    folder: Path, grid: str, undisturbed: Path | None, nodes_count: int, minutes: float, seed: int
) -> dict[str, Any]:
    """Run the sweep during a storm and compare its rows."""
    folder.mkdir(parents=True)
    sweep = write_sweep(folder / "storm.toml", grid, base=BASE)
    if undisturbed is None:
        undisturbed = folder / "undisturbed"
        faultless_run = Driver(
            sparsest_run([sweep, "--executor", "inline"], undisturbed, small_tasks=False),
            undisturbed,
        )
        faultless_run.start()
        assert faultless_run.end(FINISH_S) == 0, faultless_run.output.read_text()
    store = folder / "store"
    with Nodes(nodes_count, cpus=1) as nodes:
        words = ["--address", nodes.address, "--workers", str(nodes_count)]
        driver = Driver(sparsest_run([sweep, *words], store, small_tasks=False), store)
        raging = Storm(nodes, driver, Witness(store), random.Random(seed))
        return weather(raging, undisturbed, lambda: raging.rage(60 * minutes))


def storm_in_turn(folder: Path, nodes_count: int, seed: int) -> dict[str, Any]:
    """Run a slow sweep with every kind of fault in turn and compare its rows."""
    folder.mkdir(parents=True)
    undisturbed, store = folder / "undisturbed", folder / "store"
    train(InlineExecutor({}, "cpu"), slow_study(EXPERIMENTS, store), undisturbed, 1)
    with Nodes(nodes_count, cpus=1) as nodes:
        command = slow_sweep(store, EXPERIMENTS, nodes.address, nodes_count, PAUSE_S)
        driver = Driver(command, store)
        draw = random.Random(seed)
        raging = Storm(nodes, driver, Witness(store), draw, frozen_s=5.0, refill_s=1.0)

        def rage() -> None:
            raging.pass_in_turn()
            hurry_file(store).touch()

        return weather(raging, undisturbed, rage)


def weather(storm: Storm, undisturbed: Path, rage: Callable[[], None]) -> dict[str, Any]:
    """Run a storm, let the sweep end, and compare its rows."""
    start = time.monotonic()
    rage()
    raged_s = time.monotonic() - start
    stored_in_storm = storm.witness.look()
    code = storm.finish() if storm.driver.code is None else storm.driver.code
    wall_s = time.monotonic() - start
    found = agreement(storm.witness, undisturbed)
    return {
        "minutes": round(raged_s / 60, 1),
        "faults": dict(storm.done),
        "runs": storm.driver.starts,
        "runs_that_ended_by_themselves": storm.ends,
        "rows_in_the_storm": stored_in_storm,
        "minutes_in_all": round(wall_s / 60, 1),
        "last_exit_code": code,
        "agreement": found,
        "holds": found.holds and code == 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--grid", default=GRID, help="grid of the sweep file")
    parser.add_argument("--in-turn", action="store_true")
    parser.add_argument("--undisturbed", type=Path, help="store of the sweep without faults")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    prepare()
    if given.in_turn:
        finish(storm_in_turn(given.folder, given.nodes, given.seed))
    finish(
        storm(given.folder, given.grid, given.undisturbed, given.nodes, given.minutes, given.seed)
    )


if __name__ == "__main__":
    main()
