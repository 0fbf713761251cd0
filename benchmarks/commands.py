"""How long the commands take that a person waits for."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.report import table

COMMANDS = {
    "plan paper, the machine's speed known": ["plan", "paper"],
    "list, all 485,838 lines": ["list", "paper"],
    "studies": ["studies"],
}


def run() -> None:
    """Prints wall-clock seconds of each command, the process's start included."""
    _seconds(["plan", "phase1"])
    rows = [[name, f"{_seconds(words):.2f}"] for name, words in COMMANDS.items()]
    print("## Commands\n")
    print(table(["command", "seconds"], rows))


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", *words], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start
