"""Run benchmarks by name; without names, all of them."""

from __future__ import annotations

import argparse
from pkgutil import resolve_name

BENCHMARKS = {
    "kernel": "kernel:run",
    "classes": "kernel:run_classes",
    "living": "living:run",
    "networks": "stores:run_networks",
    "crossover": "crossover:run",
    "share": "share:run",
    "replicates": "share:run_replicates",
    "prunability": "share:run_prunability",
    "sweep": "stores:run_sweep",
    "scale": "scale:run",
    "compaction": "stores:run_compaction",
    "commands": "commands:run",
    "paper": "paper:run",
    "strategies": "strategies:run",
}
"""Name -> module and function."""


def main() -> None:
    """Run the named benchmarks in sequence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; allowed: {', '.join(BENCHMARKS)}")
    for number, name in enumerate(names):
        if number:
            print()
        resolve_name(f"benchmarks.{BENCHMARKS[name]}")()


if __name__ == "__main__":
    main()
