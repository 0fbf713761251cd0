"""Checking one data file: it holds what its log entry says, and its rows are valid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from search.experiment import OPTIONAL_FIELDS
from search.specification import SPECIFICATION_COLUMNS, experiment_of, specification_table
from search.structure import count_weights
from search.study import Study
from storage.data.new_parts import rows_of_sweeps
from storage.data.parts import blocks_of, check_file_schema, check_part_schema, read_part
from storage.data.rows import check_values
from storage.errors import RowsRefused, StoreDamaged
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

_MAX_WEIGHTS = 1 << 28
"""Maximum number of weights of a network, masked ones included."""

FROM_A_COPY = "restore that file from a copy of the store, or start another store"


@dataclass(frozen=True)
class StoreFinding:
    """Something that is wrong with a store, or a file that it does not need; and what to do."""

    file: str
    problem: str
    advice: str

    @classmethod
    def of(cls, damage: StoreDamaged) -> Self:
        """Return an error as a problem, with its advice as part of a line and not as a sentence."""
        advice = damage.advice.rstrip(".") or FROM_A_COPY
        return cls(str(damage.file), damage.problem, advice[0].lower() + advice[1:])

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


class Ids:
    """The ids of all rows that were checked, 16 bytes each; see `Inspection` for the numbers."""

    def __init__(self) -> None:
        self.by_study = 0
        self.by_row = 0
        self._pieces: list[bytes] = []

    def add(self, ids: list[str]) -> None:
        """Add ids, 32 hexadecimal digits each; ValueError if one is something else."""
        piece = bytes.fromhex("".join(ids))
        if len(piece) != 16 * len(ids):
            raise ValueError("an experiment_id that is not 32 hexadecimal digits")
        self._pieces.append(piece)

    def repeated(self) -> list[str]:
        """Return the ids that were added more than once."""
        ids, counts = np.unique(np.frombuffer(b"".join(self._pieces), "V16"), return_counts=True)
        return [one.tobytes().hex() for one in ids[counts > 1]]


def check_part(
    paths: StorePaths, part: RowsCommitted, known: Mapping[str, Study], ids: Ids
) -> Iterator[StoreFinding]:
    """Yield what is wrong with a data file; collect the ids of its rows."""
    file = str(paths.part(part.file))
    try:
        check_part_schema(paths, part)
        check_file_schema(paths, part)
        rows = read_part(paths, part)
        ids.add(rows.column("experiment_id").to_pylist())
        problems = (_against_entry(rows, part), invalid_values(rows))
        for problem in chain(*problems, _against_studies(rows, part, known, ids)):
            yield StoreFinding(file, problem, FROM_A_COPY)
    except StoreDamaged as damage:
        yield StoreFinding.of(damage)
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError) as error:
        yield StoreFinding(file, f"holds a row that is not a result ({error})", FROM_A_COPY)


def _against_entry(rows: pa.Table, part: RowsCommitted) -> Iterator[str]:
    """Yield the differences between the rows and their log entry."""
    blocks = list(blocks_of(part))
    expected = np.concatenate([indices for _, indices, _ in blocks])
    if not np.array_equal(rows.column("study_index").to_numpy(), expected):
        yield "study_index does not have the indices that the log says"
    names = [part.studies[digest] for digest, indices, _ in blocks for _ in indices]
    if rows.column("study").to_pylist() != names:
        yield "study does not have the names that the log says"
    for sweep_id, found in rows_of_sweeps(rows).items():
        logged = part.sweeps[sweep_id]
        if (found.rows, found.by_status) != (logged.rows, logged.by_status):
            yield f"the rows of {sweep_id} have other counts by status than the log says"
        if not math.isclose(found.train_seconds, logged.train_seconds, rel_tol=1e-6, abs_tol=1e-6):
            yield f"the rows of {sweep_id} have another total training time than the log says"


def invalid_values(rows: pa.Table) -> Iterator[str]:
    """Yield which columns have values that no result has, in any version of the columns."""
    try:
        for batch in rows.to_batches():
            check_values(batch)
    except RowsRefused as error:
        yield str(error)
    yield from _misplaced_parameters(rows)


def _misplaced_parameters(rows: pa.Table) -> Iterator[str]:
    """Yield where a network is impossibly large, or has parameters outside of its layers."""
    layers = rows.column("layers").to_pylist()
    for sizes in {tuple(sizes) for sizes in layers}:
        if min(sizes, default=1) < 1 or count_weights(sizes) > _MAX_WEIGHTS:
            yield f"layers has the impossible network {list(sizes)}"
            return
    limits: dict[str, Callable[[Sequence[int]], int]] = {
        "weight_index": count_weights,
        "bias_index": lambda sizes: sum(sizes[1:]),
    }
    for name, number_of in limits.items():
        column = rows.column(name).combine_chunks()
        indices = pa.table({"row": pc.list_parent_indices(column), "index": column.flatten()})
        largest = indices.group_by("row").aggregate([("index", "max")]).to_pydict()
        for row, index in zip(largest["row"], largest["index_max"], strict=True):
            if index >= number_of(layers[row]):
                yield f"{name} has an index outside of the layers {layers[row]}"
                return


def _against_studies(
    rows: pa.Table, part: RowsCommitted, known: Mapping[str, Study], ids: Ids
) -> Iterator[str]:
    """Yield which columns do not follow from study and index."""
    for digest, indices, block in blocks_of(part):
        ours, study = rows[block], known.get(digest)
        if study is None:
            ids.by_row += len(ours)
            yield from wrong_ids(ours)
        elif indices[-1] >= len(study):
            yield f"{study.name} has no index {indices[-1]}"
        else:
            ids.by_study += len(ours)
            yield from _against_study(ours, study, indices.tolist())


def _against_study(rows: pa.Table, study: Study, indices: list[int]) -> Iterator[str]:
    expected = specification_table(study, indices)
    for name in SPECIFICATION_COLUMNS:
        ours, theirs = rows.column(name), expected.column(name)
        if name in OPTIONAL_FIELDS and ours.null_count == len(ours):
            continue  # earlier files do not have this column
        if not ours.equals(theirs):
            differ = sum(a != b for a, b in zip(ours.to_pylist(), theirs.to_pylist(), strict=True))
            yield f"{name} of {differ:,} rows is not that of their index in {study.name}"


def wrong_ids(rows: pa.Table) -> Iterator[str]:
    """Yield which ids do not follow from the settings in the same row."""
    columns = rows.select([name for name in SPECIFICATION_COLUMNS if name in rows.column_names])
    wrong = [
        row["experiment_id"]
        for row in columns.to_pylist()
        if experiment_of(row).experiment_id != row["experiment_id"]
    ]
    if wrong:
        yield f"{len(wrong):,} rows do not have the id of their settings, for example {wrong[0]}"
