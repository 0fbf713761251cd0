"""CPU and wall-clock time of the commands that users wait for, start-up included."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import table

RUNS = 3
"""Runs of each command; the fastest counts."""

SWEEP = """
name = "small"
[base]
epochs = 1
[grid]
structure = ["1x1x1"]
lr = [0.01, 0.02]
"""

TARGETS_S = {
    "--version": 0.25,
    "--help": 0.25,
    "studies": 0.5,
    "list phase1 | head": 0.5,
    "list paper": None,
    "status --store STORE": 0.5,
    "plan paper": 0.8,
    "query 'SELECT count(*) FROM results' --store STORE": 0.8,
}
"""Command -> CPU seconds that it should take at most; None for no target. The machine's speed is
measured before, and the store holds two rows."""


def run() -> None:
    """Print a table of CPU and wall-clock seconds per command."""
    with TemporaryDirectory() as folder:
        store, sweep = Path(folder) / "store", Path(folder) / "small.toml"
        sweep.write_text(SWEEP)
        training = f"run {sweep} --store {store} --executor inline --device cpu"
        for command in ("plan phase1", training):
            _seconds(command)
        rows = []
        for command, target in TARGETS_S.items():
            times = [_seconds(command.replace("STORE", str(store))) for _ in range(RUNS)]
            cpu_s, wall_s = map(min, zip(*times, strict=True))
            rows.append([command, cpu_s, target, wall_s])
    print("## Commands\n")
    columns = {"command": "", "CPU seconds": ".2f", "target": "", "wall-clock seconds": ".2f"}
    print(table(columns, rows))


def _seconds(command: str) -> tuple[float, float]:
    """Return the CPU and wall-clock seconds of a command."""
    # Otherwise every start would compile this project's modules.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        f"{sys.executable} -m sparsest {command}",
        shell=True,
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s, wall_s
