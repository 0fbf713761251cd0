"""The experiments of an edited sweep file that are stored, found by their ids.

Computing an id takes ten microseconds. The ids of a large sweep are computed by all cores, a range
of indices at a time, and only their bytes are sent back, so that memory holds ranges and one array
of ids.
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
"""Number of experiments whose ids are computed together."""

PARALLEL_FROM = 200_000
"""Number of experiments up to which this process alone is faster than starting others."""


def stored_before(study: Study, indices: IndexSet, stored: IdSet) -> IndexSet:
    """Return the indices whose experiments have one of the stored ids."""
    intervals: list[tuple[int, int]] = []
    for chunk, ids in _ids(study, indices):
        is_stored = stored.has(ids)
        if is_stored.any():
            intervals.extend(_intervals(np.fromiter(chunk, np.int64, len(chunk))[is_stored]))
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
    with ProcessPoolExecutor(cores, context, _set_study, (study,)) as pool:
        waiting: deque[tuple[IndexSet, Future[bytes]]] = deque()
        for chunk in _chunks(indices):
            waiting.append((chunk, pool.submit(_chunk_ids_in_worker, chunk)))
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


_worker_study: list[Study] = []
"""The study, which is sent to each process of the pool once."""


def _set_study(study: Study) -> None:
    _worker_study.append(study)


def _chunk_ids_in_worker(chunk: IndexSet) -> bytes:
    return _chunk_ids(_worker_study[0], chunk)


def _intervals(indices: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Return ascending indices as half-open intervals."""
    breaks = np.flatnonzero(np.diff(indices) != 1)
    starts = indices[np.concatenate([[0], breaks + 1])]
    stops = indices[np.concatenate([breaks, [len(indices) - 1]])] + 1
    return zip(starts.tolist(), stops.tolist(), strict=True)
