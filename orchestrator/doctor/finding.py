"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from orchestrator.display.terminal import print_line

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        level: ok; warning if it works, but slowly or with other results than elsewhere; problem if
            it does not work or gives wrong results.
        advice: what to do; empty if it is ok.
    """

    level: Level
    what: str
    found: str
    advice: str = ""


ok = partial(Finding, "ok")
warning = partial(Finding, "warning")
problem = partial(Finding, "problem")


def print_finding(finding: Finding) -> None:
    """Print a finding and, on the next line, its advice."""
    print_line(f"{finding.level:<8} {finding.what}: {finding.found}")
    if finding.advice:
        print_line(f"{'':<8} -> {finding.advice}")
