"""Stored rows by experiment: which study and index each of them has."""

from __future__ import annotations

from collections.abc import Iterable

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.replacing import StudyIndices


class RowLocations:
    """Locations of some stored rows, given as study digest, index and experiment id."""

    def __init__(self, rows: Iterable[tuple[str, int, str]] = ()) -> None:
        self._locations = {experiment_id: (digest, index) for digest, index, experiment_id in rows}
        self._by_study: StudyIndices | None = None

    def __len__(self) -> int:
        return len(self._locations)

    @property
    def ids(self) -> IdSet:
        """Ids of the experiments."""
        return IdSet.of_hex(self._locations)

    def indices(self, study_digest: str) -> IndexSet:
        """Return the indices of one study's rows."""
        if self._by_study is None:
            self._by_study = _by_study(self._locations.values())
        return self._by_study.get(study_digest, IndexSet())

    def locate(self, experiment_ids: Iterable[str]) -> StudyIndices:
        """Return the rows of some experiments; ids that are not here are ignored.

        Rows are found by id because an experiment has another index after its sweep file is edited.
        """
        return _by_study(self._locations[one] for one in experiment_ids if one in self._locations)

    def discard(self, experiment_ids: Iterable[str]) -> None:
        """Drop the rows of some experiments."""
        for experiment_id in experiment_ids:
            self._locations.pop(experiment_id, None)
        self._by_study = None


def _by_study(locations: Iterable[tuple[str, int]]) -> StudyIndices:
    found: dict[str, list[tuple[int, int]]] = {}
    for digest, index in locations:
        found.setdefault(digest, []).append((index, index + 1))
    return {digest: IndexSet.of(intervals) for digest, intervals in found.items()}
