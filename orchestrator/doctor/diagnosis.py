"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from orchestrator.display.terminal import print_line

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Diagnosis:
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


ok = partial(Diagnosis, "ok")
warning = partial(Diagnosis, "warning")
problem = partial(Diagnosis, "problem")


def print_diagnosis(result: Diagnosis) -> None:
    """Print a result and, on the next line, its advice."""
    print_line(f"{result.level:<8} {result.what}: {result.found}")
    if result.advice:
        print_line(f"{'':<8} -> {result.advice}")
