"""Which experiments of an edited sweep file are stored: told by their ids, place for place.

Making an id takes ten microseconds, so the ids of a large sweep are made by all cores, a range of
indices each, and only their bytes travel. Nothing but ranges and one array of ids is held.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from orchestrator.cores import usable_cores
from search.experiment import experiment_ids
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study

CHUNK = 50_000
"""Experiments whose ids are made in one go."""

FEW = 200_000
"""Up to so many, this process is done before others would have started."""


def stored_before(study: Study, indices: IndexSet, stored: IdSet) -> IndexSet:
    """Those of the indices whose experiments are stored.

    Args:
        study: as the sweep file is now.
        indices: into it.
        stored: ids of the rows that earlier versions of the file have.
    """
    found: list[tuple[int, int]] = []
    for chunk, ids in _ids(study, indices):
        there = stored.has(ids)
        if there.any():
            found.extend(_intervals(np.fromiter(chunk, np.int64, len(chunk))[there]))
    return IndexSet.of(found)


def _ids(study: Study, indices: IndexSet) -> Iterator[tuple[IndexSet, bytes]]:
    """The indices in chunks, in order, with the ids of each chunk."""
    cores = usable_cores()
    if len(indices) <= FEW or cores == 1:
        for chunk in _chunks(indices):
            yield chunk, _chunk_ids(study, chunk)
        return
    # Not forked: whoever calls may have threads, DuckDB's among them.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context, _keep, (study,)) as pool:
        waiting: deque[tuple[IndexSet, Future[bytes]]] = deque()
        for chunk in _chunks(indices):
            waiting.append((chunk, pool.submit(_ids_of_kept, chunk)))
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


_kept: list[Study] = []
"""In a process of the pool: the study, which is sent to it once."""


def _keep(study: Study) -> None:
    _kept.append(study)


def _ids_of_kept(chunk: IndexSet) -> bytes:
    return _chunk_ids(_kept[0], chunk)


def _intervals(indices: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ascending indices as half-open intervals."""
    breaks = np.flatnonzero(np.diff(indices) != 1)
    starts = indices[np.concatenate([[0], breaks + 1])]
    stops = indices[np.concatenate([breaks, [len(indices) - 1]])] + 1
    return zip(starts.tolist(), stops.tolist(), strict=True)
