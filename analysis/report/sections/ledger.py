"""The ledger: each claim of the paper with its numbers here, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from analysis.intervals import (
    LEVEL,
    mean_difference,
    wilson,
)
from analysis.methods import SEARCH, in_order, name_of
from analysis.report.asking import Answer, ask, grouped, percent_name
from analysis.report.claims import Claim, Finding, Verdict, above, in_words
from analysis.report.one_dataset import Source
from analysis.report.section import Section
from analysis.report.sections.ledger_minima import from_best_init, sparsest
from analysis.report.sections.random_pruning import simulated
from search.paper import TARGETS

SEED = 407
"""Of the bootstrap's resamples."""

_NARROW, _WIDE = 8, 256


def claims(reader: Source) -> list[Claim]:
    """All claims of the paper, measured."""
    widths = ask(reader, "narrow_and_wide", "Trainings of width 8 and of width 256")
    return [
        sparsest(reader),
        _worse_with_width(widths),
        _disconnected(widths),
        from_best_init(reader),
        _prunable(reader),
        _theorem(),
    ]


def section(measured: Sequence[Claim]) -> Section:
    """The ledger as a part of the report; the page shows its claims as a table of their own."""
    rows = [
        {
            "claim": claim.says,
            "of": finding.subject,
            "measured": claim.measured,
            "here": finding.value,
            "verdict": finding.verdict,
        }
        for claim in measured
        for finding in claim.findings
    ]
    answers: dict[str, Answer] = {}
    for claim in measured:
        answers |= {answer.name: answer for answer in claim.answers}
    table = Answer(
        "ledger", "The ledger", "", pa.Table.from_pylist(rows), how="Computed from the SQL below."
    )
    return Section(
        "claims",
        "Claims",
        "The paper's claims, held against these results",
        (
            "Each claim in our words, what was measured for it, and whether the number agrees. "
            f"Intervals are of {percent_name(LEVEL)}, and a number whose interval allows both is "
            "called open.",
        ),
        (),
        (table, *answers.values()),
        needs=("paper",),
    )


def _worse_with_width(widths: Answer) -> Claim:
    return Claim(
        "width",
        "Pruning gets worse as the network that it starts from gets wider.",
        f"mean accuracy at width {_NARROW} minus that at width {_WIDE}, budgets of 30 weights and "
        "more, in points of percent",
        f"Agrees where the interval (bootstrap over trainings, seed {SEED}) is above 0.",
        _differences(widths, "accuracies", sign=1),
        (widths,),
    )


def _disconnected(widths: Answer) -> Claim:
    return Claim(
        "disconnected",
        "Pruning leaves weights on no path from input to output, the more the wider.",
        f"mean share of such weights at width {_WIDE} minus that at width {_NARROW}, budgets of 30 "
        "weights and more, in points of percent",
        f"Agrees where the interval (bootstrap over trainings, seed {SEED}) is above 0.",
        _differences(widths, "disconnected", sign=-1),
        (widths,),
    )


def _differences(widths: Answer, column: str, sign: int) -> list[Finding]:
    """Narrow minus wide, or the other way round where the sign is -1."""
    generator = np.random.default_rng(SEED)
    groups = grouped(widths.rows, "method")
    findings = []
    for method in in_order({method for (method,) in groups}):
        by_width = {row["width"]: row[column] for row in groups[(method,)]}
        order = [by_width.get(width) for width in (_NARROW, _WIDE)[::sign]]
        first, second = order
        if not first or not second:
            continue
        difference = mean_difference(first, second, generator)
        findings.append(
            Finding(
                name_of(method),
                in_words(difference, scale=100, digits=1),
                above(difference, 0),
            )
        )
    return findings


def _prunable(reader: Source) -> Claim:
    answer = ask(reader, "prunable", "Weights that could still go")
    groups = grouped(answer.rows, "accuracy_that")
    findings = []
    for target in TARGETS:
        rows = groups.get((f"stays at {percent_name(target)}",), [])
        by_method = {row["method"]: row for row in rows}
        for method in in_order(set(by_method) - {SEARCH}):
            row = by_method[method]
            share = wilson(row["networks_with_any"], row["networks"])
            findings.append(
                Finding(
                    f"{name_of(method)}, {percent_name(target)}",
                    f"{in_words(share, ' %', 100)} of {row['networks']}",
                    above(share, 0.5),
                )
            )
    return Claim(
        "prunable",
        "A network pruned to a budget fixed beforehand could often be pruned further afterwards.",
        "share of the networks that reach the accuracy and can lose a weight without falling below",
        "Agrees where Wilson's interval is above one half.",
        findings,
        (answer,),
    )


def _theorem() -> Claim:
    wide = [one for one in simulated() if one.width == _WIDE]
    findings = []
    for one in wide:
        share = wilson(one.without_path, one.trials)
        rising = [other.exact for other in simulated() if other.kept == one.kept]
        verdict: Verdict = (
            "agrees"
            if rising == sorted(rising) and share.low <= one.exact <= share.high
            else "disagrees"
        )
        findings.append(
            Finding(
                f"{one.kept} weights",
                f"{one.exact:.6f} exactly; {one.without_path:,} of {one.trials:,} simulated, "
                f"{in_words(share, ' %', 100, 2)}",
                verdict,
            )
        )
    return Claim(
        "theorem",
        "A random mask of k weights has no path from input to output, almost surely, as width "
        "grows.",
        f"probability that there is no path at width {_WIDE}",
        "Agrees where the exact probability rises with every width and lies in Wilson's interval "
        "of the simulation.",
        findings,
        (),
    )
