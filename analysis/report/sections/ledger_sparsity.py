"""The claims that pruning misses the sparsest networks.

They are about existence. One network as sparse as the search's sparsest one refutes such a claim
for an algorithm; trainings without one bound how often the algorithm finds one, and do not show
that it never does. The minima themselves are of unequal numbers of trainings and are not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.methods import SEARCH, in_order, name_of
from analysis.report.answers import ask, grouped, percent_name
from analysis.report.claims import Claim, Finding, Verdict, with_interval
from analysis.report.source import Source
from search.intervals import clopper_pearson

MIN_TRAININGS = 400
"""Minimum number of trainings of an algorithm and of the search: none of 400 is below 1 %."""

_MEASURED = (
    "share of trainings that reach the accuracy with at most as many weights as the search's "
    "sparsest network that does"
)
_RULE = (
    "Disagrees if at least one training does. Otherwise it is open: the Clopper-Pearson interval "
    "bounds how often the algorithm finds such a network, which does not show that it never does. "
    f"Not measured with fewer than {MIN_TRAININGS} trainings of the algorithm or of the search. "
    "The search's own share is shown for comparison."
)


def sparsest(source: Source) -> Claim:
    """Return the claim about fresh initialisations."""
    trainings = ask(source, "trainings", "Trainings from fresh initialisations")
    reached = ask(source, "reached", "Networks that reach an accuracy, by weights")
    counts = {row["method"]: row["trainings"] for row in trainings.rows}
    by_weights = [row for row in reached.rows if row["counted"] == "weights"]
    findings: list[Finding] = []
    for (target,), rows in grouped(by_weights, "target").items():
        findings += _findings(percent_name(target), rows, counts)
    return Claim(
        "Pruning does not find networks as sparse as those that the search finds.",
        _MEASURED,
        _RULE,
        findings,
        (reached, trainings),
    )


def from_best_initialisation(source: Source) -> Claim:
    """Return the claim about the initialisations of the search's sparsest networks."""
    reached = ask(
        source, "fixed_reached", "Networks from the best initialisations that reach an accuracy"
    )
    trainings = ask(source, "fixed_trainings_by_start", "Trainings from the best initialisations")
    by_start = grouped(trainings.rows, "start")
    findings: list[Finding] = []
    for (start, target), rows in grouped(reached.rows, "start", "target").items():
        counts = {row["method"]: row["trainings"] for row in by_start[(start,)]}
        findings += _findings(f"{percent_name(target)} from {start}", rows, counts)
    return Claim(
        "Pruning stays suboptimal even from the best initialisation and the best width.",
        f"{_MEASURED}, of the search that found the initialisation or started from it",
        _RULE,
        findings,
        (reached, trainings),
    )


def _findings(
    condition: str, reached: Sequence[Mapping[str, Any]], trainings: Mapping[str, int]
) -> list[Finding]:
    """Return a finding for each method with trainings, whose number is given.

    The rows have method, nonzeros and networks of those that reach the accuracy.
    """
    of_search = [row["nonzeros"] for row in reached if row["method"] == SEARCH]
    if not of_search:
        return []
    most = min(of_search)
    findings = []
    for method in in_order(trainings):
        own = [row for row in reached if row["method"] == method and row["nonzeros"] <= most]
        hits = sum(row["networks"] for row in own)
        total = trainings[method]
        share = with_interval(clopper_pearson(hits, total), digits=4 if total > 100_000 else 2)
        verdict: Verdict | None = "disagrees" if hits else "open"
        if method == SEARCH:
            verdict = None
        elif min(total, trainings[SEARCH]) < MIN_TRAININGS:
            verdict = "not measured"
        subject = f"{name_of(method)}, {condition}, at most {most} weights"
        findings.append(Finding(subject, f"{hits:,} of {total:,}: {share}", verdict))
    # Without an algorithm there is nothing to compare with the search.
    return findings if len(findings) > 1 else []
