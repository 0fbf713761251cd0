"""The studies that a store has rows of, as far as they can be told from their digests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from search.paper import PAPER_STUDIES, paper_study
from search.study import Study
from storage.log.state import StoreState


class KnownStudies:
    """Studies by their digest.

    Args:
        state: of the store. It knows the root seeds and the stored initialisations, which are part
            of a study's digest.
        given: studies that are not the paper's, with any root seed and initialisation.
    """

    def __init__(self, state: StoreState, given: Sequence[Study]) -> None:
        self._wanted = {digest: study.name for digest, study in state.studies.items()}
        self._seeds = sorted({sweep.begin.root_seed for sweep in state.sweeps.values()})
        self._tokens = {name: f"{name}:{init.digest}" for name, init in state.inits.items()}
        names = set(self._wanted.values())
        paper = (paper_study(name) for name in PAPER_STUDIES if name in names)
        self._studies: dict[str, Study] = {}
        for study in chain(paper, (study for study in given if study.name in names)):
            for one in self._versions(study):
                self._studies[one.digest] = one

    def get(self, digest: str) -> Study | None:
        """The study of a digest, None where it is not known."""
        return self._studies.get(digest)

    def _versions(self, study: Study) -> list[Study]:
        """The study with each root seed, with and without the initialisations of the store."""
        versions = []
        for seed in self._seeds:
            one: Study = study.with_root_seed(seed)
            versions.append(one)
            for name in study.init_names:
                if name in self._tokens:
                    one = one.with_init(self._tokens[name])
            versions.append(one)
        return versions
