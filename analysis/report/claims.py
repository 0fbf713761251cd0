"""Claims of the paper with the numbers measured for them, their intervals, and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from analysis.report.answers import Answer
from search.intervals import Interval

Verdict = Literal["agrees", "disagrees", "open", "not measured"]
"""open: the numbers allow both; not measured: there are too few trainings to decide."""


@dataclass(frozen=True)
class Finding:
    """One number of a claim, with its interval, as text; without a verdict it is for comparison."""

    subject: str
    value: str
    verdict: Verdict | None


@dataclass(frozen=True)
class Claim:
    """A claim of the paper in our words, with the numbers that were measured for it.

    Attributes:
        measured: description of the numbers.
        rule: conditions under which a number agrees, and the minimum data to decide.
        findings: the numbers; empty if nothing is stored for the claim.
        answers: the tables that they come from.
    """

    statement: str
    measured: str
    rule: str
    findings: Sequence[Finding]
    answers: Sequence[Answer]

    @property
    def verdict(self) -> str:
        """Summary of all verdicts."""
        counts = Counter(finding.verdict for finding in self.findings)
        given = [verdict for verdict in get_args(Verdict) if counts[verdict]]
        if len(given) <= 1:
            return given[0] if given else "not measured"
        return ", ".join(f"{verdict}: {counts[verdict]}" for verdict in given)

    @property
    def kind(self) -> str:
        """Name of the summary's style: a verdict with "-" for spaces, or "mixed"."""
        return "mixed" if "," in self.verdict else self.verdict.replace(" ", "-")


def above(interval: Interval, bound: float) -> Verdict:
    """Return whether a number is above a bound, which an interval that contains it leaves open."""
    if interval.low > bound:
        return "agrees"
    return "disagrees" if interval.high < bound else "open"


def with_interval(interval: Interval, *, digits: int = 0) -> str:
    """Format a share as a percentage with its interval, such as "5 % (3 to 8 %)"."""
    value, low, high = (
        f"{round(100 * end, digits) + 0.0:.{digits}f}"  # + 0.0: no "-0"
        for end in (interval.value, interval.low, interval.high)
    )
    return f"{value} % ({low} to {high} %)"
