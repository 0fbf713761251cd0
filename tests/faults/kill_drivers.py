"""SIGKILL of the driver at random moments, with Ray on this machine, over one sweep.

    python -m tests.faults.kill_drivers FOLDER --kills 200

FOLDER is created. The last line is a report in JSON; the exit code is 0 if the rows are those of an
uninterrupted run and no process of a killed run is left.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.agreement import Witness, agreement
from tests.faults.driver import Driver, sparsest_run
from tests.faults.processes import is_busy, mark, seconds_until, started
from tests.faults.report import finish, quantiles
from tests.orchestrator.running import count_rows, rates, train, write_sweep
from tests.orchestrator.small_tasks import HOLD

WORKERS = 2

GRID = f'structure = ["2x2x1", "3x2x2"]\nmasks = "all"\n{rates(60)}'
"""Grid of the sweep: 25,920 experiments, more than two workers train between 200 kills."""

KEPT_BACK = 32
"""Minimum number of experiments trained after the last kill."""

PATIENCE_S = 300.0
"""Seconds after which a step counts as stuck, on a busy machine."""

START_S = 8.0
"""Seconds after a start in which kills of a starting driver come."""

STARTS = 0.3
"""Share of kills that come within `START_S`; the others come after new rows."""


def kill_drivers(folder: Path, kills: int, grid: str, minutes: float, seed: int) -> dict[str, Any]:
    """Kill the driver `kills` times or for some minutes, let the last one finish, and compare."""
    folder.mkdir(parents=True)
    draw = random.Random(seed)
    sweep = write_sweep(folder / "killed.toml", grid, base="epochs = 20")
    undisturbed = folder / "undisturbed"
    experiments = train([sweep], undisturbed).trained

    store = folder / "killed"
    driver = Driver(sparsest_run([sweep, "--workers", str(WORKERS)], store), store)
    # Holds the sweep back until the last kill, however fast this machine is.
    hold = folder / "hold"
    hold.write_text(str(experiments - KEPT_BACK))
    os.environ[HOLD] = str(hold)
    witness = Witness(driver.store)
    gone_s: list[float] = []
    most_left = 0
    rows_at_kills: list[int] = []
    start = time.monotonic()
    for number in range(kills):
        if time.monotonic() - start > 60 * minutes:
            break
        driver.start()
        if draw.random() < STARTS:
            time.sleep(draw.uniform(0, START_S))
        else:
            # Each kill gets a share of what is left, so that there is work until the last one.
            stored = count_rows(driver.store)
            left = experiments - KEPT_BACK - stored
            aim = stored + draw.uniform(0, 2) * left / (kills - number + 1)
            waited = seconds_until(
                lambda aim=aim: driver.code is not None or count_rows(driver.store) >= aim,  # type: ignore[misc]
                PATIENCE_S,
            )
            assert waited is not None, "no rows come"
            time.sleep(draw.uniform(0, 0.2))
        assert driver.code is None, driver.output.read_text()
        driver.kill()
        print(f"kill {number + 1}: {witness.look()} rows", file=sys.stderr, flush=True)
        rows_at_kills.append(witness.look())
        gone = seconds_until(lambda: not any(is_busy(process) for process in started()), PATIENCE_S)
        assert gone is not None, started()
        gone_s.append(gone)
        most_left = max(most_left, len(started()))
    hold.unlink()
    driver.start()
    code = driver.end(20 * PATIENCE_S)
    wall_s = time.monotonic() - start
    all_gone_s = seconds_until(lambda: not started(), PATIENCE_S)
    found = agreement(witness, undisturbed)
    return {
        "experiments": experiments,
        "kills": len(rows_at_kills),
        "kills_before_the_first_row": rows_at_kills.count(0),
        "kills_that_found_new_rows": len(set(rows_at_kills) - {0}),
        "starts": driver.starts,
        "last_exit_code": code,
        "wall_s": round(wall_s, 1),
        "busy_processes_gone_s": quantiles(gone_s),
        "most_idle_processes_left": most_left,
        "all_gone_s": all_gone_s and round(all_gone_s, 1),
        "left_behind": [process.name for process in started()],
        "agreement": found,
        "holds": found.holds and code == 0 and all_gone_s is not None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--grid", default=GRID, help="grid of the sweep file")
    parser.add_argument("--minutes", type=float, default=600.0, help="time of the last kill")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    mark()
    finish(kill_drivers(given.folder, given.kills, given.grid, given.minutes, given.seed))


if __name__ == "__main__":
    main()
