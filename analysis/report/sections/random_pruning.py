"""The paper's theorem: a random mask of k weights has no path, almost surely, as width grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np
import pyarrow as pa

from analysis.intervals import wilson
from analysis.methods import in_order, name_of
from analysis.random_masks import (
    masks_without_path,
    number_of_weights,
    simulated_without_path,
)
from analysis.report.asking import Answer, ask, grouped
from analysis.report.chart import Axis, Chart, Selector, Series, View, Views
from analysis.report.one_dataset import Source
from analysis.report.section import Section

WIDTHS = (3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256)
"""The paper's."""

KEPT = (20, 30, 65)
"""Budgets: near the sparsest networks, a middle one, and the paper's largest."""

TRIALS = 2000
"""Random masks for each width and budget."""

SEED = 20240704
"""Of the simulation."""


@dataclass(frozen=True)
class Simulated:
    """Random masks of one width and budget.

    Attributes:
        width: of each hidden layer.
        kept: weights.
        weights: of the dense network.
        exact: probability that there is no path, by counting.
        trials: masks that were drawn.
        without_path: of these.
    """

    width: int
    kept: int
    weights: int
    exact: float
    trials: int
    without_path: int


@cache
def simulated() -> tuple[Simulated, ...]:
    """Counts and simulates for all widths and budgets that fit; the same every time."""
    found = []
    for width in WIDTHS:
        sizes = [2, width, width, width, 1]
        weights = number_of_weights(sizes)
        counts = masks_without_path(sizes, max(KEPT))
        for kept in KEPT:
            if kept > weights:
                continue
            generator = np.random.default_rng([SEED, width, kept])
            hits = simulated_without_path(sizes, kept, TRIALS, generator)
            exact = counts[kept] / comb(weights, kept)
            found.append(Simulated(width, kept, weights, exact, TRIALS, hits))
    return tuple(found)


def section(reader: Source) -> Section:
    """Simulates, and asks how often the algorithms leave no path."""
    masks = _answer()
    algorithms = ask(
        reader, "without_path_by_budget", "Networks of the algorithms without any path"
    )
    return Section(
        "random",
        "Random masks",
        "What would a random mask do?",
        (
            "The paper's theorem: where k of a network's weights are kept uniformly at random, the "
            "probability that no path leads from an input to the output tends to 1 as the width "
            "grows.",
            f"Lines are exact: masks without a path are counted with integers. Markers are "
            f"simulated, {TRIALS:,} masks each (seed {SEED}), with Wilson's 95 % intervals.",
            "Choose a budget to see the algorithms beside the random mask.",
        ),
        (_chart(algorithms),),
        (masks, algorithms),
    )


def _answer() -> Answer:
    rows = []
    for one in simulated():
        share = wilson(one.without_path, one.trials)
        rows.append(
            {
                "kept": one.kept,
                "width": one.width,
                "weights": one.weights,
                "exact": one.exact,
                "simulated": share.value,
                "low": share.low,
                "high": share.high,
            }
        )
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: (row["kept"], row["width"])))
    return Answer(
        "random-masks",
        "Probability that a random mask has no path",
        "",
        table,
        how="Counted and simulated by analysis/random_masks.py; no stored row is used.",
    )


_ALL = "all three"


def _chart(algorithms: Answer) -> Chart:
    styles = dict(zip(KEPT, ("fewest", "after", "random"), strict=True))
    views: Views = {
        (_ALL,): View(
            [one for kept in KEPT for one in _random(kept, styles[kept], f"{kept} weights")]
        )
    }
    budgets = grouped(algorithms.rows, "target_nnz")
    for kept in KEPT:
        methods = grouped(budgets.get((kept,), []), "method")
        series = [
            Series(
                name_of(method),
                method,
                [row["width"] for row in methods[(method,)]],
                [row["without_path"] / row["networks"] for row in methods[(method,)]],
                notes=[f"{row['networks']} networks" for row in methods[(method,)]],
            )
            for method in in_order({method for (method,) in methods})
        ]
        views[(str(kept),)] = View([*_random(kept, "random", "random mask"), *series])
    return Chart(
        "random-masks",
        "Share of masks without any path from an input to the output, by width",
        "Every line of random masks rises to 1; with more weights it does so later.",
        Axis("width", "doubling", ticks=[w for w in WIDTHS if w not in (5, 6, 7)]),
        Axis("share without a path", "percent", limits=(-0.02, 1.02)),
        views,
        ("random-masks", "without-path-by-budget"),
        (Selector("Weights that are kept", [_ALL, *map(str, KEPT)], _ALL),),
    )


def _random(kept: int, style: str, called: str) -> list[Series]:
    ours = [one for one in simulated() if one.kept == kept]
    shares = [wilson(one.without_path, one.trials) for one in ours]
    widths = [one.width for one in ours]
    return [
        Series(f"{called}, exact", style, widths, [one.exact for one in ours], "curve"),
        Series(
            f"{called}, simulated",
            style,
            widths,
            [share.value for share in shares],
            "points",
            [share.low for share in shares],
            [share.high for share in shares],
            notes=[f"of {one.trials:,} masks" for one in ours],
        ),
    ]
