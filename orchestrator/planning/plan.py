"""The experiments that remain to be trained: wanted minus stored."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from orchestrator.cores import usable_cores
from search.catalogue import Selection
from search.experiment import experiment_ids
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study
from storage.data.parts import index_array, index_set


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
        stored: wanted indices whose rows are stored, also by an earlier version of a sweep file.
        stored_before_edit: indices in `stored` whose rows an earlier version stored.
    """

    study: Study
    wanted: IndexSet
    stored: IndexSet
    stored_before_edit: IndexSet

    @cached_property
    def remaining(self) -> IndexSet:
        """The other wanted indices."""
        return self.wanted - self.stored


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
        planned.append(PlannedStudy(study, wanted, stored, before_edit))
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


CHUNK = 50_000
"""Number of experiments whose ids are computed together."""

PARALLEL_FROM = 200_000
"""Number of experiments up to which this process alone is faster than starting others."""


def stored_before(study: Study, indices: IndexSet, stored: IdSet) -> IndexSet:
    """Return the indices whose experiments have one of the stored ids."""
    intervals: list[tuple[int, int]] = []
    for chunk, ids in _ids(study, indices):
        is_stored = stored.has(ids)
        if is_stored.any():
            intervals.extend(index_set(index_array(chunk)[is_stored]).intervals)
    return IndexSet.of(intervals)


def _ids(study: Study, indices: IndexSet) -> Iterator[tuple[IndexSet, bytes]]:
    """Yield the indices in chunks, in order, with the ids of each chunk."""
    cores = usable_cores()
    if len(indices) <= PARALLEL_FROM or cores == 1:
        for chunk in _chunks(indices):
            yield chunk, _chunk_ids(study, chunk)
        return
    # Spawned, not forked: this process may have threads, DuckDB's among them.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context) as pool:
        waiting: deque[tuple[IndexSet, Future[bytes]]] = deque()
        for chunk in _chunks(indices):
            waiting.append((chunk, pool.submit(_chunk_ids, study, chunk)))
            if len(waiting) > 2 * cores:
                first, ids = waiting.popleft()
                yield first, ids.result()
        for chunk, ids in waiting:
            yield chunk, ids.result()


def _chunks(indices: IndexSet) -> Iterator[IndexSet]:
    for left in indices.pieces(CHUNK):
        while left:
            chunk, left = left.take(CHUNK)
            yield chunk


def _chunk_ids(study: Study, chunk: IndexSet) -> bytes:
    ids = experiment_ids(study.base_fields, [study.updates(index) for index in chunk])
    return bytes.fromhex("".join(ids))
