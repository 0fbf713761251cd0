"""The claims about minima: who needs more weights than the search."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any

from analysis.intervals import Interval, minimum_difference, resampled_minimum
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.asking import ask, grouped, percent_name
from analysis.report.claims import Claim, Finding, above, in_words
from analysis.report.one_dataset import Source
from search.paper import TARGETS


def sparsest(reader: Source) -> Claim:
    """Whether an algorithm needs more weights than the search, from fresh initialisations."""
    trainings = ask(reader, "trainings", "Trainings from fresh initialisations")
    reached = ask(reader, "reached", "Networks that reach an accuracy, by weights")
    of_all = {
        (target, row["method"]): row["trainings"] for row in trainings.rows for target in TARGETS
    }
    return Claim(
        "sparsest",
        "Pruning does not find the sparsest networks; the search does.",
        "weights that an algorithm needs more than the search",
        "Agrees where the interval is above 0. It is that of a bootstrap over trainings, of the "
        "difference of two minima; infinite where a redraw reaches the accuracy with no network. A "
        "number below 0 is a network sparser than the search's best, whatever its interval.",
        _gaps(_by_method(grouped(reached.rows, "counted").get(("weights",), [])), of_all),
        (reached, trainings),
    )


def from_best_init(reader: Source) -> Claim:
    """Whether it needs more than the search from the search's best initialisation."""
    reached = ask(
        reader, "fixed_reached", "Networks from the best initialisation that reach its accuracy"
    )
    trainings = ask(reader, "fixed_trainings_by_target", "Trainings from the best initialisations")
    return Claim(
        "best-initialisation",
        "Pruning stays suboptimal even from the best initialisation and the best width.",
        "weights needed more than the search that found the initialisation, or began with it",
        "As for the first claim. An algorithm that reaches the accuracy with no network agrees.",
        _gaps(
            _by_method(reached.rows),
            {(row["target"], row["method"]): row["trainings"] for row in trainings.rows},
        ),
        (reached, trainings),
    )


def _by_method(reached: Sequence[dict[str, Any]]) -> dict[tuple[float, str], dict[int, int]]:
    return {
        (target, method): {row["nonzeros"]: row["networks"] for row in rows}
        for (target, method), rows in grouped(reached, "target", "method").items()
    }


def _gaps(
    counts: dict[tuple[float, str], dict[int, int]], trainings: dict[tuple[float, str], int]
) -> list[Finding]:
    """How many more weights each algorithm needs than the search, at each accuracy."""
    findings = []
    for target in TARGETS:
        if (target, SEARCH) not in counts:
            continue
        distributions = {
            method: resampled_minimum(counts.get((target, method), {}), number)
            for (at, method), number in trainings.items()
            if at == target
        }
        for method in in_order(set(distributions) - {SEARCH}):
            gap = minimum_difference(distributions[method], distributions[SEARCH])
            findings.append(
                Finding(
                    f"{name_of(method)}, {percent_name(target)}", _gap_in_words(gap), above(gap, 0)
                )
            )
    return findings


def _gap_in_words(gap: Interval) -> str:
    if isinf(gap.value):
        return "no network reaches it"
    return in_words(gap)
