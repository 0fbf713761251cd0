"""Stored rows that count as not stored, until the experiment's next row takes their place."""

from __future__ import annotations

from collections.abc import Iterable

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.replacing import Places


class SetAside:
    """Rows that were set aside, by experiment.

    Args:
        rows: digest of the study, index and experiment id of each.
    """

    def __init__(self, rows: Iterable[tuple[str, int, str]] = ()) -> None:
        self._places = {experiment_id: (digest, index) for digest, index, experiment_id in rows}
        self._by_study: dict[str, IndexSet] | None = None

    def __len__(self) -> int:
        return len(self._places)

    @property
    def ids(self) -> IdSet:
        """Ids of the experiments."""
        return IdSet.of_hex(self._places)

    def indices(self, study_digest: str) -> IndexSet:
        """Which experiments of a study have a row set aside."""
        if self._by_study is None:
            self._by_study = dict(_places(self._places.values()))
        return self._by_study.get(study_digest, IndexSet())

    def of(self, experiment_ids: Iterable[str]) -> Places:
        """Where the rows of some experiments stand, as far as they are set aside.

        A sweep file that was edited gives an experiment another place, so its id decides.
        """
        return _places(self._places[one] for one in experiment_ids if one in self._places)

    def forget(self, experiment_ids: Iterable[str]) -> None:
        """These rows have been replaced."""
        for experiment_id in experiment_ids:
            self._places.pop(experiment_id, None)
        self._by_study = None


def _places(places: Iterable[tuple[str, int]]) -> Places:
    found: dict[str, list[tuple[int, int]]] = {}
    for digest, index in places:
        found.setdefault(digest, []).append((index, index + 1))
    return {digest: IndexSet.of(intervals) for digest, intervals in found.items()}
