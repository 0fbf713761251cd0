"""One file of published results: a study's rows, without weights and what follows from the RUN_ID.

Its columns are those of `search.schema.RESULT_SCHEMA` but for `LEFT_OUT`, its rows stand in the
order of `study_index`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from search.columns import names_of
from search.experiment import FRESH_INIT
from search.indices import IndexSet
from search.paper import PAPER_STUDIES, paper_study
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from search.specification import SPECIFICATION_COLUMNS
from search.study import Study
from storage.errors import NotPublished, PublishedDamaged, StoreVersion
from storage.log.init_entries import PublishedInit
from storage.paths import PUBLISHED_FOLDER, published_file
from storage.published.note import NOTE_KEY, PUBLISHED_FORMAT, PublishedNote

PARAMETERS = names_of("parameter")
"""Columns that hold the trained network."""

LEFT_OUT = frozenset({*SPECIFICATION_COLUMNS, *PARAMETERS}) - {"study_index"}
"""Columns of a result that are not published."""

PUBLISHED_COLUMNS = tuple(name for name in RESULT_SCHEMA.names if name not in LEFT_OUT)
"""Columns that are, as far as the version of the file has them."""

_FIRST_SCHEMA = 1
"""Version of the columns of the first published files, which had no note."""


@dataclass(frozen=True)
class PublishedFile:
    """A file of published results that was looked at; its rows are read when they are asked for.

    Attributes:
        path: of the file.
        note: what it says about itself.
        study: with the root seed and the initialisations of the rows.
    """

    path: Path
    note: PublishedNote
    study: Study

    @cached_property
    def sha256(self) -> str:
        """Of the bytes of the file, in hexadecimal.

        Raises:
            PublishedDamaged: the file cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise PublishedDamaged(f"{self.path} cannot be read: {error.strerror}.") from error

    def rows(self) -> pa.Table:
        """The rows, in the order of `study_index`, with those `PUBLISHED_COLUMNS` that they have.

        Raises:
            PublishedDamaged: the file cannot be read, or has other rows than its note says.
        """
        return self._rows(PUBLISHED_COLUMNS)

    def indices(self) -> IndexSet:
        """Which experiments of the study are in the file; reads that one column.

        Raises:
            PublishedDamaged: as for `rows`.
        """
        return index_set(self._rows(["study_index"]).column("study_index").to_numpy())

    def _rows(self, columns: Sequence[str]) -> pa.Table:
        try:
            there = pq.read_schema(self.path).names
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, f"it cannot be read ({error})") from error
        rows = _read(self.path, [name for name in columns if name in there])
        wanted = [name for name in columns if name in rows.column_names]
        schema = pa.schema([RESULT_SCHEMA.field(name).with_nullable(True) for name in wanted])
        try:
            rows = rows.select(wanted).cast(schema)
        except (pa.ArrowException, ValueError) as error:
            raise _damaged(self.path, f"a column is of another type ({error})") from error
        if "study_index" not in wanted or rows.column("study_index").null_count:
            raise _damaged(self.path, "a row without a study_index")
        index = rows.column("study_index").to_numpy()
        if len(index) != self.note.rows:
            raise _damaged(self.path, f"{len(index)} rows, where its note says {self.note.rows}")
        if len(index) and (index[0] < 0 or index[-1] >= len(self.study)):
            raise _damaged(self.path, f"an index that {self.study.name} does not have")
        if (np.diff(index) <= 0).any():
            raise _damaged(self.path, "rows that are not in ascending order of study_index")
        return rows


def open_published(folder: Path, study_name: str) -> PublishedFile | None:
    """The published results of a study, None where there are none.

    Raises:
        PublishedDamaged: the file is not what `sparsest publish` writes.
        StoreVersion: a newer version of sparsest wrote it.
    """
    path = published_file(folder, study_name)
    if not path.is_file():
        return None
    note = _note(path, study_name)
    if note.study != study_name:
        raise _damaged(path, f"it holds results of {note.study!r}")
    try:
        study = study_of(note.study, note.root_seed, [init.token for init in note.inits])
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if study.digest != note.study_digest:
        raise _damaged(
            path, f"it was made of other experiments than those of {study_name} in this version"
        )
    return PublishedFile(path, note, study)


def all_published(folder: Path) -> list[PublishedFile]:
    """All published results, in the order of the paper's studies.

    Raises:
        NotPublished: there are none.
        PublishedDamaged: a file is not what `sparsest publish` writes.
        StoreVersion: a newer version of sparsest wrote it.
    """
    found = [open_published(folder, name) for name in PAPER_STUDIES]
    files = [file for file in found if file is not None]
    if not files:
        raise NotPublished(
            f"There are no published results in {folder}. They come with the repository, in its "
            f"folder results/, not with an installed package: set {PUBLISHED_FOLDER} to that "
            "folder."
        )
    return files


def study_of(name: str, root_seed: int, tokens: Sequence[str]) -> Study:
    """A study of the paper with a root seed and stored initialisations (NAME:DIGEST)."""
    study: Study = paper_study(name).with_root_seed(root_seed)
    for token in tokens:
        study = study.with_init(token)
    return study


def index_set(indices: np.ndarray[tuple[int], np.dtype[np.int64]]) -> IndexSet:
    """The set of some indices in ascending order, made from whole runs of them."""
    if not len(indices):
        return IndexSet()
    ends = np.flatnonzero(np.diff(indices) != 1)
    starts = indices[np.concatenate([[0], ends + 1])].tolist()
    stops = (indices[np.concatenate([ends, [len(indices) - 1]])] + 1).tolist()
    return IndexSet.of(zip(starts, stops, strict=True))


def _note(path: Path, study_name: str) -> PublishedNote:
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, f"not a Parquet file ({error})") from error
    if NOTE_KEY not in metadata:
        return _note_of_first_files(path, study_name)
    text = metadata[NOTE_KEY]
    try:
        fields = json.loads(text)
        _refuse_newer(path, fields["format"], PUBLISHED_FORMAT)
        _refuse_newer(path, fields["schema_version"], SCHEMA_VERSION)
        return PublishedNote.model_validate_json(text)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise _damaged(path, f"a note that cannot be read ({error})") from error


def _note_of_first_files(path: Path, study_name: str) -> PublishedNote:
    """The note of a file from before there were notes, made from its columns."""
    columns = _read(path, ["root_seed", "init"])
    seeds, inits = (columns.column(name).unique().to_pylist() for name in ("root_seed", "init"))
    if len(seeds) != 1 or len(inits) != 1:
        raise _damaged(path, "rows of several root seeds or initialisations")
    tokens = [] if inits == [FRESH_INIT] else inits
    try:
        study = study_of(study_name, seeds[0], tokens)
    except (ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    return PublishedNote(
        schema_version=_FIRST_SCHEMA,
        study=study_name,
        study_digest=study.digest,
        experiments=len(study),
        rows=columns.num_rows,
        root_seed=seeds[0],
        inits=[PublishedInit(token=token, found=None) for token in tokens],
        sweeps=[],
        software="",
        published=None,
    )


def _refuse_newer(path: Path, written: int, known: int) -> None:
    if written > known:
        raise StoreVersion(
            f"{path} was written by a newer version of sparsest: it has version {written}, this "
            f"one reads up to {known}. Use a newer version."
        )


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=list(columns), partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error


def _damaged(path: Path, problem: str) -> PublishedDamaged:
    return PublishedDamaged(
        f"{path} is not a file of published results: {problem}. Take it from the repository again."
    )
