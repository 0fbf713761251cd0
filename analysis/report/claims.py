"""A claim of the paper, held against what is stored: numbers with intervals, and a verdict each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import Literal

from analysis.intervals import Interval
from analysis.report.asking import Answer

Verdict = Literal["agrees", "disagrees", "open"]
"""open: the interval allows both."""


@dataclass(frozen=True)
class Finding:
    """One number of a claim, such as that of one algorithm.

    Attributes:
        subject: whose.
        value: the number with its interval, as text.
        verdict: whether it is as the paper says.
    """

    subject: str
    value: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        name: in lower case.
        says: the claim, in our words.
        measured: what each number is.
        rule: what agrees, and what kind of interval it is.
        findings: numbers; none where nothing is stored for it.
        answers: the SQL, and its rows.
    """

    name: str
    says: str
    measured: str
    rule: str
    findings: Sequence[Finding]
    answers: Sequence[Answer]

    def count(self, verdict: Verdict) -> int:
        """Findings with a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    @property
    def verdict(self) -> str:
        """All findings in a few words."""
        if not self.findings:
            return "not measured: nothing is stored for it"
        counts = {verdict: self.count(verdict) for verdict in ("agrees", "disagrees", "open")}
        if counts["agrees"] == len(self.findings):
            return "agrees"
        if counts["disagrees"] == len(self.findings):
            return "disagrees"
        said = [f"{count} {verdict}" for verdict, count in counts.items() if count]
        return "mixed: " + ", ".join(said)


def above(interval: Interval, bound: float) -> Verdict:
    """Whether a number is above a bound: only where its whole interval is on one side."""
    if interval.low > bound:
        return "agrees"
    return "disagrees" if interval.high < bound else "open"


def in_words(interval: Interval, unit: str = "", scale: float = 1, digits: int = 0) -> str:
    """A number and its interval."""
    value, low, high = (
        _text(end * scale, digits) for end in (interval.value, interval.low, interval.high)
    )
    return f"{value}{unit} ({low} to {high})"


def _text(number: float, digits: int) -> str:
    if isinf(number):
        return "\N{INFINITY}" if number > 0 else "-\N{INFINITY}"
    # No -0.
    return f"{round(number, digits) + 0.0:.{digits}f}"
