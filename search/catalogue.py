"""What a study's name on the command line stands for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from search.indices import IndexSet
from search.paper import PAPER_GROUPS, PAPER_STUDIES, paper_study
from search.study import Study

DEMO_STRIDES = {"phase1": 23, "phase2-95": 17, "phase2-995": 29}
"""Every which experiment of a study is in the demo: 16,782 in all (1,069 + 9,174 + 6,539).

The strides are primes that do not divide the lengths of the studies' axes, so that the slice takes
every structure's neurons, learning rate, schedule and mask in turn.
"""

STUDY_NAMES = (*PAPER_STUDIES, "paper", "demo")
"""All names that `resolve` knows."""

RESERVED_NAMES = frozenset({*STUDY_NAMES, *PAPER_GROUPS})
"""Names that no sweep file may take: GROUP:RUN_ID names an experiment as NAME:NUMBER does."""


@dataclass(frozen=True)
class Selection:
    """Some experiments of a study.

    Attributes:
        study: the study.
        indices: which of its experiments.
    """

    study: Study
    indices: IndexSet

    @classmethod
    def whole(cls, study: Study) -> Selection:
        """All experiments of a study."""
        return cls(study, IndexSet.from_range(range(len(study))))

    def __len__(self) -> int:
        return len(self.indices)


class UnknownStudyError(ValueError):
    """No study has that name."""


def resolve(name: str) -> list[Selection]:
    """The experiments that a name stands for: one study, all of the paper, or the demo.

    Raises:
        UnknownStudyError: with the names that exist and the closest of them.
    """
    if name == "paper":
        return [Selection.whole(paper_study(member)) for member in PAPER_STUDIES]
    if name == "demo":
        return [_every(paper_study(member), stride) for member, stride in DEMO_STRIDES.items()]
    if name in PAPER_STUDIES:
        return [Selection.whole(paper_study(name))]
    begun = [study for study in STUDY_NAMES if name and study.startswith(name)]
    closest = begun or get_close_matches(name, STUDY_NAMES, n=1)
    hint = f"did you mean {' or '.join(map(repr, closest))}? " if closest else ""
    raise UnknownStudyError(
        f"unknown study {name!r}; {hint}there are {', '.join(STUDY_NAMES)}, "
        "and sweep files ending in .toml"
    )


def _every(study: Study, stride: int) -> Selection:
    return Selection(study, IndexSet.from_range(range(0, len(study), stride)))
