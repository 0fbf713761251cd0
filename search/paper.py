"""The paper's ten studies, experiment by experiment (docs/paper.md, section 4).

Each is in the order of the authors' RUN_IDs, which are numbered in the groups random, fixed-95 and
fixed-995. The comment at each study has its number of RUN_IDs; in total there are 485,838.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from typing import Any

from search.experiment import Experiment
from search.grid import Grid
from search.paper_grids import (
    FIXED_95_METHODS,
    FIXED_95_TARGETS,
    FIXED_995_METHODS,
    FIXED_995_TARGETS,
    fixed_prune,
    overparam,
    phase1,
    phase2,
)
from search.paper_sizes import PAPER_SIZES
from search.study import Study


@dataclass(frozen=True)
class PaperStudy(Study):
    """A study of the paper. It pickles as its name and settings, a few hundred bytes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, self.base, self.inits)


def _restored(name: str, base: Experiment, inits: tuple[str, ...]) -> PaperStudy:
    return replace(paper_study(name), base=base, inits=inits)


_BASES = {
    "random": Experiment(),
    "fixed-95": Experiment(init="bench-95"),
    "fixed-995": Experiment(init="bench-995"),
}
"""Group of studies -> values that all of its experiments have."""

_ENTRIES: dict[str, tuple[str, str, Callable[[], Grid]]] = {
    # 18,954 = 3 lrs x 3 schedules x 9 methods x 234 (width, target) below the number of weights
    "overparam": ("random", "nine pruning algorithms from networks of width 3 to 256", overparam),
    # 24,576 = 2 lrs x 3 schedules x 16^3 structures
    "phase1": ("random", "search, phase 1: every dense structure up to 16x16x16", phase1),
    # 155,952 = 2 lrs x 3 schedules x 25,992 masks
    "phase2-95": (
        "random",
        "search, phase 2 for 95 %: every mask of 3x3x3",
        lambda: phase2("phase2-95", (0.05, 0.1)),
    ),
    # 189,624 = 1 lr x 3 schedules x 63,208 masks
    "phase2-995": (
        "random",
        "search, phase 2 for 99.5 %: masks of 7x3x3 with under 33 nonzeros before the output",
        lambda: phase2("phase2-995", (0.05,)),
    ),
    # 9,720 = 5 repetitions x 3 lrs x 3 schedules x 9 methods x 2 widths x 12 targets
    "fixed95-prune": (
        "fixed-95",
        "nine pruning algorithms from the best initialisation for 95 %",
        lambda: fixed_prune(FIXED_95_METHODS, (3, 16), FIXED_95_TARGETS),
    ),
    # 558 = 2 lrs x 3 schedules x 93 structures with fewer parameters than the 37 of 3x3x3
    "fixed95-phase1": (
        "fixed-95",
        "phase 1 from that initialisation: structures smaller than 3x3x3",
        lambda: phase1(fewer_than=37),
    ),
    # 2,496 = 2 lrs x 3 schedules x 416 masks
    "fixed95-phase2": (
        "fixed-95",
        "phase 2 from that initialisation: every mask of 3x2x2",
        lambda: phase2("fixed95-phase2", (0.05, 0.1)),
    ),
    # 11,340 = 5 repetitions x 3 lrs x 3 schedules x 9 methods x 2 widths x 14 targets
    "fixed995-prune": (
        "fixed-995",
        "nine pruning algorithms from the best initialisation for 99.5 %",
        lambda: fixed_prune(FIXED_995_METHODS, (6, 16), FIXED_995_TARGETS),
    ),
    # 2,034 = 2 lrs x 3 schedules x 339 structures with fewer parameters than the 61 of 7x3x3
    "fixed995-phase1": (
        "fixed-995",
        "phase 1 from that initialisation: structures smaller than 7x3x3",
        lambda: phase1(fewer_than=61),
    ),
    # 70,584 = 1 lr x 3 schedules x 23,528 masks
    "fixed995-phase2": (
        "fixed-995",
        "phase 2 from that initialisation: masks of 6x3x2 with under 31 nonzeros before the output",
        lambda: phase2("fixed995-phase2", (0.05,)),
    ),
}
"""Study -> its group, description and grid, in the order of the groups and RUN_IDs."""

PAPER_STUDIES = tuple(_ENTRIES)
"""Names of the ten studies, in the order of the groups and RUN_IDs."""

PAPER_GROUPS = tuple(_BASES)
"""The groups in which the authors number runs, in order."""


@cache
def paper_study(name: str) -> PaperStudy:
    """Return the study of that name, one of `PAPER_STUDIES`, made once."""
    group, description, grid = _ENTRIES[name]
    before = takewhile(lambda other: other != name, _ENTRIES)
    first = 1 + sum(PAPER_SIZES[other] for other in before if _ENTRIES[other][0] == group)
    return PaperStudy(name, description, grid(), _BASES[group], group, first)


def find_run(label: str) -> tuple[PaperStudy, int]:
    """Return study and index of the experiment with the authors' number GROUP:RUN_ID.

    A ValueError if no experiment has it.
    """
    group, _, number = label.partition(":")
    for name in PAPER_STUDIES:
        study = paper_study(name)
        if study.paper_group == group and number.isdecimal():
            index = int(number) - study.first_run_id
            if 0 <= index < len(study):
                return study, index
    raise ValueError(f"no experiment of the paper has the number {label!r}")
