"""What is left to train: wanted minus stored."""

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
    """What a plan asks of a store."""

    def stored(self, study_digest: str) -> IndexSet:
        """Indices of a study whose rows are stored."""

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Ids of a study's rows from before the study was edited."""


@dataclass(frozen=True)
class PlannedStudy:
    """One study of a plan.

    Attributes:
        study: the study.
        wanted: indices asked for.
        stored: those of them whose rows are stored, also by an earlier version of a sweep file.
        remaining: the others.
    """

    study: Study
    wanted: IndexSet
    stored: IndexSet
    remaining: IndexSet


def make_plan(selections: Sequence[Selection], store: StoredRows | None) -> list[PlannedStudy]:
    """What each selection wants, has, and still needs.

    Args:
        selections: what is wanted.
        store: where rows may be stored already; None for an empty store.
    """
    planned = []
    for selection in selections:
        study, wanted = selection.study, selection.indices
        stored = IndexSet()
        if store is not None:
            stored = wanted & store.stored(study.digest)
            stored = stored | _stored_before_edit(study, wanted - stored, store)
        planned.append(PlannedStudy(study, wanted, stored, wanted - stored))
    return planned


def _stored_before_edit(study: Study, indices: IndexSet, store: StoredRows) -> IndexSet:
    """Those of the indices whose experiments were stored by an earlier version of a sweep file.

    A row's place in a study is known from the log while the study stays the same. After an edit
    experiments have other places, and only their ids tell which are stored. The paper's studies
    never change but for their root seed and initialisations, which change every id.
    """
    if not indices or study.paper_group is not None:
        return IndexSet()
    before = store.ids_of_other_versions(study.name, study.digest)
    return stored_before(study, indices, before) if before else IndexSet()
