"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orchestrator.display.terminal import print_line

PROBLEM: Final = 1
"""Exit code where there is a problem."""


class Level(StrEnum):
    """How bad it is."""

    ok = "ok"
    warning = "warning"
    problem = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ok; warning: it works, but slower or with other results than might be; problem: it
            does not work, or gives wrong results.
        what: was looked at.
        found: how it is.
        advice: what to do; empty where it is ok.
    """

    level: Level
    what: str
    found: str
    advice: str = ""


def ok(what: str, found: str) -> Finding:
    """Something is as it should be."""
    return Finding(Level.ok, what, found)


def warning(what: str, found: str, advice: str) -> Finding:
    """Something could be better."""
    return Finding(Level.warning, what, found, advice)


def problem(what: str, found: str, advice: str) -> Finding:
    """Something has to be mended."""
    return Finding(Level.problem, what, found, advice)


def print_finding(finding: Finding) -> None:
    """Prints a finding, and below it what to do."""
    print_line(f"{finding.level:<8} {finding.what}: {finding.found}")
    if finding.advice:
        print_line(f"{'':<8} -> {finding.advice}")
