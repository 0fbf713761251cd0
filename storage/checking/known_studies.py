"""The studies that a store has rows of, as far as their digests can be recognised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from search.catalogue import named_study
from search.study import Study
from storage.log.state import StoreState

_MAX_SEEDS = 64
"""Maximum number of root seeds that are tried for a study; each takes time for its digest."""


class KnownStudies:
    """Studies by their digest.

    Args:
        state: state of the store's log, with the root seeds and stored initialisations that are
            part of a study's digest.
        others: other studies than those of the paper and the project, with any root seed and
            initialisation.
    """

    def __init__(self, state: StoreState, others: Sequence[Study]) -> None:
        self._tokens = {name: f"{name}:{init.digest}" for name, init in state.inits.items()}
        seeds = _seeds_by_study(state)
        named = (study for study in map(named_study, seeds) if study is not None)
        self._studies: dict[str, Study] = {}
        for study in chain(named, (study for study in others if study.name in seeds)):
            for seed in sorted(seeds[study.name])[:_MAX_SEEDS]:
                for one in self._versions(study, seed):
                    self._studies[one.digest] = one

    def get(self, digest: str) -> Study | None:
        """Return the study of a digest, None if it is unknown."""
        return self._studies.get(digest)

    def _versions(self, study: Study, seed: int) -> list[Study]:
        """Return the study with a root seed, with and without the store's initialisations."""
        without_init: Study = study.with_root_seed(seed)
        with_init = without_init
        for name in study.init_names:
            if name in self._tokens:
                with_init = with_init.with_init(self._tokens[name])
        return [without_init, with_init]


def _seeds_by_study(state: StoreState) -> dict[str, set[int]]:
    """Return name of each stored study -> root seeds of the sweeps that stored its rows."""
    seeds: dict[str, set[int]] = {}
    for part in state.parts:
        found = {state.sweeps[sweep_id].begin.root_seed for sweep_id in part.sweeps}
        for name in part.studies.values():
            seeds.setdefault(name, set()).update(found)
    return seeds
