"""The paper's theorem: almost surely, a random mask of k weights has no path as width grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np
import pyarrow as pa

from analysis.figures.chart import Axis, Chart, Selector, Series, View, Views
from analysis.figures.series import method_series
from analysis.random_masks import masks_without_path, simulated_without_path
from analysis.report.answers import Answer, Section, ask, grouped
from analysis.report.source import Source
from search.intervals import Interval, clopper_pearson
from search.structure import count_weights

WIDTHS = (3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256)
"""Widths of the paper."""

KEPT = (20, 30, 65)
"""Numbers of weights: near the sparsest networks, a middle one, and the paper's largest budget."""

TRIALS = 2000
"""Number of random masks for each width and number of weights."""

SEED = 20240704
"""Seed of the simulation."""


@dataclass(frozen=True)
class Simulated:
    """Random masks that keep some of the weights of a network with layers of one width.

    Attributes:
        weights: number of weights of the dense network.
        exact: probability that there is no path, by counting.
        without_path: number of simulated masks, of `TRIALS`, without a path.
    """

    width: int
    kept: int
    weights: int
    exact: float
    without_path: int

    @property
    def share(self) -> Interval:
        """Share of the simulated masks without a path, with its Clopper-Pearson interval."""
        return clopper_pearson(self.without_path, TRIALS)


@cache
def simulated() -> tuple[Simulated, ...]:
    """Count and simulate all widths and numbers of weights; the result is always the same."""
    results = []
    for width in WIDTHS:
        sizes = [2, width, width, width, 1]
        weights = count_weights(sizes)
        counts = masks_without_path(sizes, max(KEPT))
        for kept in KEPT:
            if kept <= weights:
                generator = np.random.default_rng([SEED, width, kept])
                hits = simulated_without_path(sizes, kept, TRIALS, generator)
                exact = counts[kept] / comb(weights, kept)
                results.append(Simulated(width, kept, weights, exact, hits))
    return tuple(results)


def section(source: Source) -> Section:
    """Return the section, with random masks and the masks of the algorithms."""
    masks = _answer()
    algorithms = ask(source, "without_path_by_budget", "Networks of the algorithms without a path")
    return Section(
        "random",
        "Random masks",
        "What would a random mask do?",
        (
            "The paper's theorem: if k of a network's weights are kept uniformly at random, the "
            "probability that no path leads from an input to the output tends to 1 as the width "
            "grows.",
            f"Lines are exact: the masks without a path are counted with integers. Markers are "
            f"simulated, {TRIALS:,} masks each (seed {SEED}), with Clopper-Pearson 95 % intervals.",
            "Choose a budget to compare the algorithms with a random mask.",
        ),
        (_chart(algorithms),),
        (masks, algorithms),
    )


def _answer() -> Answer:
    shares = {"simulated": "value", "low": "low", "high": "high"}
    rows = [
        {name: getattr(one, name) for name in ("kept", "width", "weights", "exact")}
        | {name: getattr(one.share, attribute) for name, attribute in shares.items()}
        for one in sorted(simulated(), key=lambda one: (one.kept, one.width))
    ]
    return Answer(
        "random-masks",
        "Probability that a random mask has no path",
        "",
        pa.Table.from_pylist(rows),
        method="Counted and simulated by analysis/random_masks.py, without stored rows.",
    )


def _chart(algorithms: Answer) -> Chart:
    styles = zip(KEPT, ("fewest", "after", "random"), strict=True)
    series = [one for kept, style in styles for one in _random(kept, style, f"{kept} weights")]
    views: Views = {("all three",): View(series)}
    budgets = grouped(algorithms.rows, "target_nnz")
    for kept in KEPT:
        series = method_series(
            budgets.get((kept,), []),
            "width",
            lambda row: row["without_path"] / row["networks"],
            lambda row: f"{row['networks']:,} networks",
        )
        views[(str(kept),)] = View([*_random(kept, "random", "random mask"), *series])
    return Chart(
        "random-masks",
        "Share of masks without a path from an input to the output, by width",
        "The share rises to 1 for every number of weights, later for more weights.",
        Axis("width", "doubling", ticks=[width for width in WIDTHS if width not in (5, 6, 7)]),
        Axis("share without a path", "percent", limits=(-0.02, 1.02)),
        views,
        ("random-masks", "without-path-by-budget"),
        (Selector("Weights that are kept"),),
    )


def _random(kept: int, style: str, name: str) -> list[Series]:
    masks = [one for one in simulated() if one.kept == kept]
    widths = [one.width for one in masks]
    return [
        Series(f"{name}, exact", style, widths, [one.exact for one in masks], "curve"),
        Series(
            f"{name}, simulated",
            style,
            widths,
            [one.share.value for one in masks],
            "points",
            [one.share.low for one in masks],
            [one.share.high for one in masks],
            notes=[f"{TRIALS:,} masks"] * len(masks),
        ),
    ]
