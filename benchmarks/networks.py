"""Time to read stored networks and to evaluate them on new points."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import sparsest
from benchmarks.report import table, timed

NETWORKS = 1000
POINTS = 1000
TARGET_S = 2.0
"""Processor time, in seconds, that both together should take at most."""


def run() -> None:
    """Print the seconds of reading networks from a store and of computing their logits."""
    sweep = {
        "name": "networks",
        "replicates": NETWORKS,
        "base": {"epochs": 1},
        "grid": {"structure": ["7x3x3"]},
    }
    points = np.random.default_rng(0).normal(size=(POINTS, 2))
    with (
        TemporaryDirectory() as folder,
        sparsest.run(sweep, Path(folder) / "store", executor="inline") as store,
    ):
        networks, read_s = timed(partial(store.networks, "FROM results"))
    logits, evaluate_s = timed(partial(networks.logits, points))
    print(f"## {len(logits):,} networks 7x3x3 on {POINTS:,} points, processor time\n")
    columns = {"reading, s": ".2f", "logits, s": ".2f", "both, s": ".2f", "target, s": ""}
    print(table(columns, [[read_s, evaluate_s, read_s + evaluate_s, TARGET_S]]))
