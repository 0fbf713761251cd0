"""Deriving the log entry of a data file from its content alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from search.catalogue import named_study
from search.experiment import experiment_ids
from search.indices import IndexSet
from search.schema import SCHEMA_VERSION
from search.study import Study
from storage.checking.verify_part import invalid_values, wrong_ids
from storage.data.new_parts import STUDIES_NOTE, VERSION_NOTE, known_schemas, rows_of_sweeps
from storage.data.parts import (
    MAX_PART_BYTES,
    check_file_schema,
    open_rows,
    read_rows,
    with_all_columns,
)
from storage.errors import StoreError, check_readable
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths
from storage.safe_open import read_regular

_UNREADABLE = (ValueError, TypeError, KeyError, RecursionError, MemoryError)
"""Errors of reading values that no row has."""

Block = tuple[str, str, int]
"""Consecutive rows of one study in a data file: digest, name, number of rows."""


class SalvageError(StoreError):
    """A data file does not hold valid rows."""


def salvaged_entry(
    paths: StorePaths, file: Path, studies: Mapping[str, Study]
) -> tuple[RowsCommitted, list[str]]:
    """Return the log entry that a data file must have had, and the experiment ids of its rows.

    The file names the digests of its studies. Files of earlier versions of the software do not:
    there the digests are those of the given and the paper's studies, or made up. A study with a
    made-up digest is treated like one whose sweep file was edited: its experiments count as stored.

    Raises:
        SalvageError: the file is damaged, or its rows are not valid results.
        StoreVersion: a newer version of sparsest wrote it.
    """
    try:
        data = read_regular(file, MAX_PART_BYTES)
        stored = open_rows(data)
        notes = stored.metadata.metadata or {}
        version = int(notes.get(VERSION_NOTE, b"0"))
        check_readable(file, "columns of version", version, SCHEMA_VERSION)
        if version not in known_schemas():
            raise SalvageError(f"its columns are of the unknown version {version}")
        rows = with_all_columns(read_rows(stored, len(data)))
        for problem in (*invalid_values(rows), *wrong_ids(rows)):
            raise SalvageError(problem)
        blocks = _noted_blocks(rows, notes) or _derived_blocks(rows, studies)
        part = RowsCommitted(
            file=file.name,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            rows=rows.num_rows,
            schema_version=version,
            schema_sha256=known_schemas()[version],
            sweeps=rows_of_sweeps(rows),
            indices=dict(_intervals(rows, blocks)),
            studies={digest: name for digest, name, _ in blocks},
        )
        check_file_schema(paths, part)
    except (OSError, pa.ArrowException, *_UNREADABLE) as error:
        raise SalvageError(f"it does not hold rows of a store ({error})") from error
    return part, rows.column("experiment_id").to_pylist()


def _noted_blocks(rows: pa.Table, notes: Mapping[bytes, bytes]) -> list[Block] | None:
    """Return the blocks that the file names; None if it names none, or not its own."""
    if STUDIES_NOTE not in notes:
        return None
    found: list[tuple[str, str, int]] = json.loads(notes[STUDIES_NOTE])
    blocks = [(str(digest), str(name), int(count)) for digest, name, count in found]
    names = [name for _, name, count in blocks for _ in range(count)]
    return blocks if names == rows.column("study").to_pylist() else None


def _derived_blocks(rows: pa.Table, studies: Mapping[str, Study]) -> list[Block]:
    """Return the blocks of a file that does not name its studies; their digests ascend."""
    names = rows.column("study").to_pylist()
    seeds = rows.column("root_seed").to_pylist()
    indices = rows.column("study_index").to_numpy()
    starts = [
        position
        for position in range(1, len(names))
        if (names[position], seeds[position]) != (names[position - 1], seeds[position - 1])
        or indices[position] <= indices[position - 1]
    ]
    blocks: list[Block] = []
    for start, stop in pairwise([0, *starts, len(names)]):
        some = rows.slice(start, stop - start)
        digest = _known_digest(some, names[start], seeds[start], studies)
        before = blocks[-1][0] if blocks else ""
        if digest is None or digest <= before:
            # Longer than the one before, so that the digests of the file ascend.
            text = hashlib.sha256(f"{names[start]} {seeds[start]}".encode()).hexdigest()
            digest = f"{before}-{text[:16]}"
        blocks.append((digest, names[start], stop - start))
    return blocks


def _known_digest(rows: pa.Table, name: str, seed: int, studies: Mapping[str, Study]) -> str | None:
    """Return the digest of the study that has exactly these experiments at these indices."""
    study = named_study(name) or studies.get(name)
    if study is None:
        return None
    indices = rows.column("study_index").to_pylist()
    ids = rows.column("experiment_id").to_pylist()
    study = study.with_root_seed(seed)
    tokens = sorted(set(rows.column("init").to_pylist()))
    own = [token for token in tokens if token.partition(":")[0] in study.init_names]
    for one in (study, reduce(Study.with_init, own, study)):
        if indices[-1] < len(one) and indices[0] >= 0:
            updates = [one.updates(index) for index in indices]
            if experiment_ids(one.base_fields, updates) == ids:
                return one.digest
    return None


def _intervals(
    rows: pa.Table, blocks: Sequence[Block]
) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield the digest and the indices of each block; raise ValueError if indices do not ascend."""
    indices = rows.column("study_index").to_numpy()
    position = 0
    for digest, _, count in blocks:
        ours = indices[position : position + count]
        if (np.diff(ours) <= 0).any():
            raise ValueError("the indices of a study are not in ascending order")
        yield digest, list(IndexSet.from_indices(ours.tolist()).intervals)
        position += count
