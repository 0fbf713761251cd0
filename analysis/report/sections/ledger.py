"""The ledger: each claim of the paper with the numbers measured for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.intervals import mean_difference
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.answers import Answer, Section, ask, grouped, percent_name
from analysis.report.claims import Claim, Finding, Verdict, above, with_interval
from analysis.report.sections.random_masks import TRIALS, simulated
from analysis.report.source import Source
from search.intervals import LEVEL, Interval, clopper_pearson
from search.paper_sizes import PAPER_SIZES, TARGETS

SEED = 407
"""Seed of the bootstrap."""

MIN_WIDTHS = 4
"""Minimum number of widths to decide a claim about width."""

MIN_PER_WIDTH = 30
"""Minimum number of trainings at each of these widths."""

MIN_TRAININGS = 400
"""Minimum number of trainings of an algorithm: none of 400 is below 1 %."""

MIN_NETWORKS = 20
"""Minimum number of networks to decide a claim about trained networks."""


def claims(source: Source) -> list[Claim]:
    """Return all claims with their numbers."""
    widths = ask(source, "width_comparison", "Trainings that differ in width alone")
    return [
        _sparsest(source),
        Claim(
            "Pruning gets worse as the network that it starts from gets wider.",
            "mean accuracy, from one width to the next",
            _WIDTH_RULE,
            _width_findings(widths, "accuracies", sign=-1),
            (widths,),
        ),
        Claim(
            "Pruning leaves weights on no path from input to output, the more so the wider the "
            "network.",
            "mean share of such weights, from one width to the next",
            _WIDTH_RULE,
            _width_findings(widths, "disconnected", sign=1),
            (widths,),
        ),
        _from_best_initialisation(source),
        _prunable(source),
        _theorem(),
    ]


def section(measured: Sequence[Claim]) -> Section:
    """Return the ledger as a section; the page shows its claims one by one."""
    rows = [
        (claim.statement, finding.subject, claim.measured, finding.value, finding.verdict)
        for claim in measured
        for finding in claim.findings or [Finding("", "", "not measured")]
    ]
    columns = ("claim", "of", "measured", "here", "verdict")
    found = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows])
    answers = {answer.name: answer for claim in measured for answer in claim.answers}
    table = Answer("ledger", "Ledger", "", found, method="Computed from the tables below.")
    return Section(
        "claims",
        "Claims",
        "The paper's claims and these results",
        (
            "Each claim in our words, with the numbers measured for it. A number agrees or "
            "disagrees only if its interval allows nothing else; otherwise it is open. Below a "
            "stated number of comparable trainings a claim is not measured.",
            f"Intervals have a confidence of {percent_name(LEVEL)}. Except for the steps between "
            "widths they are not corrected for their number: of 20 intervals, one is expected to "
            "miss.",
        ),
        (),
        (table, *answers.values()),
        needs=("paper",),
    )


_WIDTH_RULE = (
    "The same budgets (30 weights and more), learning rates and schedules at every width from 8. "
    "Each step from one width to the next has a bootstrap interval, corrected for the number of "
    f"steps (seed {SEED}). Agrees if no step contradicts the claim and more than half of them "
    "confirm it; disagrees if a step contradicts it. Not measured with fewer than "
    f"{MIN_WIDTHS} widths of {MIN_PER_WIDTH} trainings."
)


def _width_findings(widths: Answer, column: str, sign: int) -> list[Finding]:
    """Return a finding for each method: whether a mean rises (sign 1) or falls (-1) with width."""
    generator = np.random.default_rng(SEED)
    groups = {method: rows for (method,), rows in grouped(widths.rows, "method").items()}
    findings = []
    for method in in_order(groups):
        samples = _comparable(groups[method], column)
        counts = [len(values) for values in samples.values()]
        if len(samples) < MIN_WIDTHS or min(counts) < MIN_PER_WIDTH:
            widths_of = "1 width" if len(samples) == 1 else f"{len(samples)} widths"
            value = f"{widths_of}, at least {min(counts, default=0)} trainings each"
            findings.append(Finding(name_of(method), value, "not measured"))
            continue
        level = 1 - (1 - LEVEL) / (len(samples) - 1)
        changes = {
            (a, b): mean_difference(samples[b], samples[a], generator, level)
            for a, b in pairwise(samples)
        }
        findings.append(_trend(name_of(method), changes, min(counts), sign))
    return findings


def _comparable(rows: Sequence[dict[str, Any]], column: str) -> dict[int, list[float]]:
    """Return width -> values, of equally many trainings with the same options at each width."""
    widths = sorted({row["width"] for row in rows})
    samples: dict[int, list[float]] = {width: [] for width in widths}
    for of_options in grouped(rows, "target_nnz", "lr", "schedule").values():
        values = {row["width"]: row[column] or [] for row in of_options}
        count = min(len(values.get(width, [])) for width in widths)
        for width in widths:
            samples[width] += values.get(width, [])[:count]
    return samples


def _trend(
    subject: str, changes: dict[tuple[int, int], Interval], trainings: int, sign: int
) -> Finding:
    rising = [step for step, change in changes.items() if change.low > 0]
    falling = [step for step, change in changes.items() if change.high < 0]
    confirming, contradicting = (rising, falling) if sign > 0 else (falling, rising)
    undecided: Verdict = "agrees" if 2 * len(confirming) > len(changes) else "open"
    parts = [f"{len(changes)} steps, {trainings:,} trainings at each width"]
    for word, steps in (("falls", falling), ("rises", rising)):
        if steps:
            named = ", ".join(f"{a}\N{EN DASH}{b}" for a, b in steps)
            parts.append(f"{word} at {len(steps)} ({named})")
    unclear = len(changes) - len(rising) - len(falling)
    parts += [f"unclear at {unclear}"] if unclear else []
    return Finding(subject, "; ".join(parts), "disagrees" if contradicting else undecided)


_SPARSITY_MEASURED = (
    "share of trainings that reach the accuracy with at most as many weights as the search's "
    "sparsest network that does"
)
_SPARSITY_RULE = (
    "Disagrees if at least one training does. Otherwise it is open: the Clopper-Pearson interval "
    "bounds how often the algorithm finds such a network, which does not show that it never does. "
    f"Not measured with fewer than {MIN_TRAININGS} trainings of the algorithm, or where the search "
    "through masks is not complete. The search's own share is shown for comparison."
)


def _sparsest(source: Source) -> Claim:
    """Return the claim about fresh initialisations.

    It is about existence. One network as sparse as the search's sparsest one refutes it for an
    algorithm; trainings without one bound how often the algorithm finds one, and do not show that
    it never does. The minima themselves are of unequal numbers of trainings and are not compared.
    """
    trainings = ask(source, "trainings", "Trainings from fresh initialisations")
    reached = ask(source, "reached", "Networks that reach an accuracy, by weights")
    studies = ask(source, "rows_by_study", "Trainings of each study")
    counts = {row["method"]: row["trainings"] for row in trainings.rows}
    by_weights = [row for row in reached.rows if row["counted"] == "weights"]
    findings: list[Finding] = []
    for (target,), rows in grouped(by_weights, "target").items():
        searched = _is_complete(f"phase2-{100 * target:g}".replace(".", ""), studies)
        findings += _sparsity_findings(percent_name(target), rows, counts, searched)
    return Claim(
        "Pruning does not find networks as sparse as those that the search finds.",
        _SPARSITY_MEASURED,
        _SPARSITY_RULE,
        findings,
        (reached, trainings, studies),
    )


def _from_best_initialisation(source: Source) -> Claim:
    """Return the same claim about the initialisations of the search's sparsest networks."""
    reached = ask(
        source, "fixed_reached", "Networks from the best initialisations that reach an accuracy"
    )
    trainings = ask(source, "fixed_trainings_by_start", "Trainings from the best initialisations")
    studies = ask(source, "rows_by_study", "Trainings of each study")
    by_start = grouped(trainings.rows, "start")
    findings: list[Finding] = []
    for (start, target), rows in grouped(reached.rows, "start", "target").items():
        counts = {row["method"]: row["trainings"] for row in by_start[(start,)]}
        searched = _is_complete(f"{start.replace('bench-', 'fixed')}-phase2", studies)
        condition = f"{percent_name(target)} from {start}"
        findings += _sparsity_findings(condition, rows, counts, searched)
    return Claim(
        "Pruning stays suboptimal even from the best initialisation and the best width.",
        f"{_SPARSITY_MEASURED}, of the search that found the initialisation or started from it",
        _SPARSITY_RULE,
        findings,
        (reached, trainings, studies),
    )


def _is_complete(study: str, studies: Answer) -> bool:
    """Return whether all trainings of one of the paper's studies are among the rows."""
    found = {row["study"]: row["trainings"] for row in studies.rows}
    return bool(found.get(study, 0) >= PAPER_SIZES[study])


def _sparsity_findings(
    condition: str,
    reached: Sequence[Mapping[str, Any]],
    trainings: Mapping[str, int],
    searched: bool,
) -> list[Finding]:
    """Return a finding for each method with trainings, whose number is given.

    The rows have method, nonzeros and networks of those that reach the accuracy; `searched` is
    whether the search through masks is complete.
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
        elif not searched or total < MIN_TRAININGS:
            verdict = "not measured"
        subject = f"{name_of(method)}, {condition}, at most {most} weights"
        findings.append(Finding(subject, f"{hits:,} of {total:,}: {share}", verdict))
    # Without an algorithm there is nothing to compare with the search.
    return findings if len(findings) > 1 else []


def _prunable(source: Source) -> Claim:
    answer = ask(source, "prunable", "Weights that could be removed after training")
    groups = grouped(answer.rows, "accuracy_that")
    findings = []
    for target in map(percent_name, TARGETS):
        by_method = {row["method"]: row for row in groups.get((f"stays at {target}",), [])}
        for method in in_order(set(by_method) - {SEARCH}):
            networks = by_method[method]["networks"]
            share = clopper_pearson(by_method[method]["networks_with_any"], networks)
            verdict = above(share, 0.5) if networks >= MIN_NETWORKS else "not measured"
            value = f"{with_interval(share)} of {networks:,} networks"
            findings.append(Finding(f"{name_of(method)}, {target}", value, verdict))
    return Claim(
        "A network pruned to a budget fixed beforehand could often be pruned further afterwards.",
        "share of the networks at the accuracy that can lose a weight without falling below it",
        "Agrees if the Clopper-Pearson interval is above one half, disagrees if it is below. Not "
        f"measured with fewer than {MIN_NETWORKS} networks.",
        findings,
        (answer,),
    )


def _theorem() -> Claim:
    widest = max(one.width for one in simulated())
    findings = []
    for one in (one for one in simulated() if one.width == widest):
        exact = [other.exact for other in simulated() if other.kept == one.kept]
        holds = exact == sorted(exact) and one.share.low <= one.exact <= one.share.high
        value = (
            f"{one.exact:.6f} exactly; {one.without_path:,} of {TRIALS:,} simulated, "
            f"{with_interval(one.share, digits=2)}"
        )
        findings.append(Finding(f"{one.kept} weights", value, "agrees" if holds else "disagrees"))
    return Claim(
        "A random mask of k weights has no path from input to output, almost surely, as width "
        "grows.",
        f"probability that there is no path at width {widest}",
        "A calculation, independent of the stored rows. Agrees if the exact probability rises with "
        "every width and lies in the Clopper-Pearson interval of the simulation.",
        findings,
        (),
    )
