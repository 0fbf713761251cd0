"""The experiments that remain to be trained: wanted minus stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.planning.stored_before import stored_before
from search.catalogue import Selection
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study


class StoredRows(Protocol):
    """The part of a store that a plan uses."""

    def stored(self, study_digest: str) -> IndexSet:
        """Return the indices of a study whose rows are stored."""

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Return the ids of rows that were stored before the study was edited."""


@dataclass(frozen=True)
class PlannedStudy:
    """One study of a plan.

    Attributes:
        study: the study.
        wanted: indices asked for.
        stored: wanted indices whose rows are stored, also by an earlier version of a sweep file.
        stored_before_edit: indices in `stored` whose rows an earlier version stored.
        remaining: the other wanted indices.
    """

    study: Study
    wanted: IndexSet
    stored: IndexSet
    stored_before_edit: IndexSet
    remaining: IndexSet


def make_plan(selections: Sequence[Selection], store: StoredRows | None) -> list[PlannedStudy]:
    """Return the plan for each selection; the store is None if it does not exist."""
    planned = []
    for selection in selections:
        study, wanted = selection.study, selection.indices
        stored = before_edit = IndexSet()
        if store is not None:
            stored = wanted & store.stored(study.digest)
            before_edit = _stored_before_edit(study, wanted - stored, store)
            stored = stored | before_edit
        planned.append(PlannedStudy(study, wanted, stored, before_edit, wanted - stored))
    return planned


def _stored_before_edit(study: Study, indices: IndexSet, store: StoredRows) -> IndexSet:
    """Return the indices whose experiments were stored by an earlier version of a sweep file.

    The log names rows by their index in the study. After an edit experiments have other indices,
    and only their ids tell which are stored. The paper's studies change only by their root seed and
    initialisations, and these change every id.
    """
    if not indices or study.paper_group is not None:
        return IndexSet()
    before = store.ids_of_other_versions(study.name, study.digest)
    return stored_before(study, indices, before) if before else IndexSet()
