"""The studies and selections that a name on the command line refers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.indices import IndexSet
from search.paper import PAPER_GROUPS, PAPER_STUDIES, paper_study
from search.project import PROJECT_STUDIES
from search.study import Study
from search.suggestions import suggestion

DEMO_STRIDES = {"phase1": 23, "phase2-95": 17, "phase2-995": 29}
"""Sampling stride of each study in the demo: 16,782 experiments (1,069 + 9,174 + 6,539).

The strides are primes that do not divide the lengths of the studies' axes, so that the sample
varies every structure, learning rate, schedule and mask.
"""

STUDY_NAMES = (*PAPER_STUDIES, *PROJECT_STUDIES, "paper", "demo")
"""Names that `resolve` accepts."""

RESERVED_NAMES = frozenset({*STUDY_NAMES, *PAPER_GROUPS})
"""Names that sweep files cannot have. GROUP:RUN_ID would be ambiguous with NAME:NUMBER."""


@dataclass(frozen=True)
class Selection:
    """Some experiments of a study.

    Attributes:
        study: the study.
        indices: indices of the selected experiments.
    """

    study: Study
    indices: IndexSet

    @classmethod
    def of_study(cls, study: Study) -> Selection:
        """Return all experiments of a study."""
        return cls(study, IndexSet.from_range(range(len(study))))

    def __len__(self) -> int:
        return len(self.indices)


def named_study(name: str) -> Study | None:
    """Return the study of that name, of the paper or the project; None if there is none."""
    return paper_study(name) if name in PAPER_STUDIES else PROJECT_STUDIES.get(name)


def resolve(name: str) -> list[Selection]:
    """Return the experiments that a name refers to: a study, all of the paper, or the demo.

    A ValueError for an unknown name lists the names and the closest one.
    """
    if name == "paper":
        return [Selection.of_study(paper_study(member)) for member in PAPER_STUDIES]
    if name == "demo":
        return [
            Selection(study, IndexSet.from_range(range(0, len(study), stride)))
            for study, stride in ((paper_study(one), n) for one, n in DEMO_STRIDES.items())
        ]
    study = named_study(name)
    if study is not None:
        return [Selection.of_study(study)]
    files = [f"{name}.toml"] if Path(f"{name}.toml").is_file() else []
    raise ValueError(
        f"unknown study {name!r}{suggestion(name, files or STUDY_NAMES)}; allowed: "
        f"{', '.join(STUDY_NAMES)}, or a sweep file, whose name ends in .toml"
    )
