"""The plot of proven, known and found numbers of weights, and drawings of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Final

from matplotlib.figure import Figure

from analysis.drawing.figure import draw
from analysis.figures.chart import Axis, Series, View, untitled
from analysis.figures.matplotlib_figure import matplotlib_figure
from analysis.figures.series import accuracy_from, front_view
from analysis.methods import styles_for
from analysis.network import Network
from analysis.records.bounds import of_three_layers, proven_bounds, tried_networks
from analysis.records.known import Known, records
from analysis.store import open_published
from analysis.tables import pareto
from search.paper_sizes import PAPER_SIZES
from storage.paths import published_folder

LEAST_ACCURACY: Final = 0.78
"""Lower end of the accuracy axis."""

MOST_WEIGHTS: Final = 61
"""Right end of the weights axis."""

STUDIES: Final = (
    *PAPER_SIZES,
    *("elimination", "exchange-records"),
    *("tasks-prune", "tasks-search", "tasks-more"),
)
"""Studies whose best networks are shown. None has two variants of a method on one data set."""


def records_figure(known: Sequence[Known], dataset: str) -> Figure:
    """Plot accuracy against weights: what is impossible or was not reached, the best, and methods.

    The best known networks are those of `known`, which are measured, and of the methods. The
    methods' lines are those of `analysis.tables.pareto` for the published results of `STUDIES`;
    none if these have no rows of the data set. A StoreError (`storage.errors`) if there are no
    published results.
    """
    with open_published(studies=STUDIES) as published:
        known_there = published.sql("SELECT DISTINCT dataset FROM results").arrow()
        has_rows = dataset in known_there["dataset"].to_pylist()
        best = pareto(published, target=0.5, dataset=dataset).arrow() if has_rows else None
    rows = best.to_pylist() if best else []
    front = [row for row in rows if row["weight_nnz"] <= MOST_WEIGHTS]
    there = [one for one in known if one.dataset == dataset]
    best_known = _best(
        [
            *((one.counts["weights"], min(one.accuracy.values())) for one in there),
            *((row["weight_nnz"], row["accuracy"]) for row in front),
        ]
    )
    areas = [
        _not_found(tried_networks(published_folder(), of_three_layers(dataset)).highest),
        _impossible(proven_bounds(published_folder(), dataset)),
    ]
    view = View(
        [
            *(area for area in areas if area.x),
            Series(
                "best known",
                "record",
                [weights for weights, _ in best_known],
                [accuracy for _, accuracy in best_known],
                "steps",
            ),
            *front_view(front).series,
        ]
    )
    accuracy = accuracy_from(LEAST_ACCURACY)
    chart = untitled(Axis("nonzero weights", limits=(2, MOST_WEIGHTS)), accuracy, view)
    return matplotlib_figure(chart, styles_for({row["method"] for row in rows}))


def record_drawing(known: Sequence[Known], dataset: str, accuracies: Sequence[Fraction]) -> Figure:
    """Draw the records of weights at some accuracies; LookupError if there is none at one."""
    holders = {
        one.accuracy: one.holder
        for one in records(known)
        if one.dataset == dataset and one.count == "weights"
    }
    networks = []
    for accuracy in accuracies:
        if accuracy not in holders:
            listed = ", ".join(f"{float(one):g}" for one in holders) or "none"
            raise LookupError(f"no record of {dataset} at {float(accuracy):g}; there are: {listed}")
        layers = holders[accuracy].layers
        network = Network(layers, [weight != 0 for weight, _ in layers])
        network.dataset = dataset
        networks.append(network)
    return draw(*networks)


def _best(networks: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the (weights, accuracy) that no other network with as few weights exceeds."""
    best: list[tuple[int, float]] = []
    for weights, accuracy in sorted(networks, key=lambda one: (one[0], -one[1])):
        if weights <= MOST_WEIGHTS and (not best or accuracy > best[-1][1]):
            best.append((weights, accuracy))
    return best


def _impossible(bounds: Mapping[Fraction, int]) -> Series:
    """Return the area of accuracies that no network with a number of weights reaches."""
    lowest = {
        weights: min(float(target) for target, bound in bounds.items() if bound > weights)
        for weights in range(max(bounds.values(), default=0))
    }
    return _area("proven impossible", "guide", lowest)


def _not_found(highest: Mapping[int, float]) -> Series:
    """Return the area of accuracies that no network reached in an exhaustive search."""
    weights = sorted(highest)
    lowest = dict(zip(weights, accumulate((highest[n] for n in weights), max), strict=True))
    return _area("not reached in an exhaustive search, 3 hidden layers", "fewest", lowest)


def _area(name: str, style: str, lowest: Mapping[int, float]) -> Series:
    """Return the area above an accuracy at each number of weights."""
    x = [weights + side for weights in lowest for side in (-0.5, 0.5)]
    low = [value for value in lowest.values() for _ in range(2)]
    return Series(name, style, x, low, "band", low=low, high=[1.0] * len(x))
