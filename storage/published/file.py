"""A file of published results: the rows of a study without weights and computable columns.

It has the columns of `search.schema.RESULT_SCHEMA` without `LEFT_OUT`, which follow from the RUN_ID
or hold weights. Its rows are sorted by `study_index`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from search.catalogue import named_study
from search.columns import names_of
from search.indices import IndexSet
from search.paper import PAPER_STUDIES
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from search.specification import SPECIFICATION_COLUMNS
from search.study import Study
from storage.data.parts import index_set
from storage.errors import NotPublished, PublishedDamaged, check_readable
from storage.log.entries import RowsOfSweep, SweepBegin, SweepEnd
from storage.log.init_entries import PublishedInit
from storage.log.strict import Count, Name, Strict
from storage.paths import PUBLISHED_FOLDER, published_file

NOTE_KEY: Final = b"sparsest_published"
"""Key of the note in the file's metadata."""

PUBLISHED_FORMAT: Final = 1
"""Version of the format; incremented when an older reader would misread a file."""


class PublishedSweep(RowsOfSweep):
    """A sweep that made some of the rows, with totals of these, but without command and host.

    `end` is None if it was killed.
    """

    begin: SweepBegin
    end: SweepEnd | None


class PublishedNote(Strict):
    """Contents and origin of a file of published results.

    Attributes:
        format: `PUBLISHED_FORMAT` of the writer.
        schema_version: `search.schema.SCHEMA_VERSION` of the columns.
        study_digest: digest of the study with its root seed and stored initialisations.
        experiments, rows: numbers of experiments of the study, and of rows in the file.
        root_seed: root seed of all rows.
        inits: stored initialisations from which the rows start.
        sweeps: sweeps that made the rows.
        software: version of sparsest that published the rows.
        published: time of publication, UTC in ISO 8601 with a Z.
    """

    format: Literal[1] = PUBLISHED_FORMAT
    schema_version: Annotated[int, Field(ge=1)]
    study: Name
    study_digest: Name
    experiments: Count
    rows: Count
    root_seed: int
    inits: list[PublishedInit]
    sweeps: list[PublishedSweep]
    software: str
    published: str


PARAMETERS = names_of("parameter")
"""Columns that hold the trained network."""

LEFT_OUT = frozenset({*SPECIFICATION_COLUMNS, *PARAMETERS}) - {"study_index"}
"""Columns that are not published."""

PUBLISHED_COLUMNS = tuple(name for name in RESULT_SCHEMA.names if name not in LEFT_OUT)
"""Columns that are published, if the schema version of the file has them."""


@dataclass(frozen=True)
class PublishedFile:
    """A file of published results whose note was read; its rows are read on demand.

    Reading them raises `PublishedDamaged` if the file cannot be read or contradicts its note.
    `study` has the root seed and the stored initialisations of the rows.
    """

    path: Path
    note: PublishedNote
    study: Study

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise PublishedDamaged(f"Could not read {self.path}: {error.strerror}.") from error

    def rows(self) -> pa.Table:
        """Return the rows in the order of `study_index`, with their `PUBLISHED_COLUMNS`."""
        return self._rows(PUBLISHED_COLUMNS)

    def indices(self) -> IndexSet:
        """Return the indices of the published experiments in the study; read only that column."""
        return index_set(self._rows(["study_index"]).column("study_index").to_numpy())

    def _rows(self, columns: Sequence[str]) -> pa.Table:
        present = _schema(self.path).names
        wanted = [name for name in columns if name in present]
        schema = pa.schema([RESULT_SCHEMA.field(name).with_nullable(True) for name in wanted])
        rows = _read(self.path, wanted)
        try:
            rows = rows.cast(schema)
        except (pa.ArrowException, ValueError, KeyError) as error:
            raise _damaged(self.path, f"a column has a wrong type ({error})") from error
        if "study_index" not in wanted or rows.column("study_index").null_count:
            raise _damaged(self.path, "a row without a study_index")
        index = rows.column("study_index").to_numpy()
        if len(index) != self.note.rows:
            raise _damaged(self.path, f"{len(index)} rows, but {self.note.rows} in its note")
        if len(index) and (index[0] < 0 or index[-1] >= len(self.study)):
            raise _damaged(self.path, f"an index outside {self.study.name}")
        if (np.diff(index) <= 0).any():
            raise _damaged(self.path, "rows not sorted by study_index")
        return rows


def open_published(folder: Path, study_name: str) -> PublishedFile | None:
    """Open the published results of a study; return None if there are none.

    Raises:
        PublishedDamaged: the file is not what `sparsest publish` writes.
        StoreVersion: a newer version of sparsest wrote the file.
    """
    path = published_file(folder, study_name)
    if not path.is_file():
        return None
    note = _note(path)
    if note.study != study_name:
        raise _damaged(path, f"results of {note.study!r}")
    try:
        study = study_of(note.study, note.root_seed, [init.token for init in note.inits])
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if study.digest != note.study_digest:
        raise _damaged(path, f"its experiments are not those of {study_name} in this version")
    return PublishedFile(path, note, study)


def all_published(folder: Path, studies: Collection[str] = PAPER_STUDIES) -> list[PublishedFile]:
    """Open the published results of some studies, in their order, except those without a file.

    Raises:
        NotPublished: there are none.
        PublishedDamaged, StoreVersion: as for `open_published`.
    """
    opened = (open_published(folder, name) for name in studies)
    files = [file for file in opened if file is not None]
    if not files:
        raise NotPublished(
            f"There are no published results of {', '.join(studies)} in {folder}. Those of all "
            "studies are in the folder results/ of the repository, not in the installed package: "
            f"set {PUBLISHED_FOLDER} to that folder."
        )
    return files


def study_of(name: str, root_seed: int, tokens: Sequence[str]) -> Study:
    """Return a named study with a root seed and stored initialisations.

    Raises:
        ValueError: there is no such study, or it does not use an initialisation.
    """
    named = named_study(name)
    if named is None:
        raise ValueError(f"results of {name!r}, which this version does not know")
    study = named.with_root_seed(root_seed)
    for token in tokens:
        study = study.with_init(token)
    return study


def _note(path: Path) -> PublishedNote:
    metadata = _schema(path).metadata or {}
    if NOTE_KEY not in metadata:
        raise _damaged(path, f"it has no note {NOTE_KEY.decode()!r}")
    text = metadata[NOTE_KEY]
    try:
        fields = json.loads(text)
        check_readable(path, "format", fields["format"], PUBLISHED_FORMAT)
        check_readable(path, "columns of version", fields["schema_version"], SCHEMA_VERSION)
        return PublishedNote.model_validate_json(text)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise _damaged(path, f"an unreadable note ({error})") from error


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, f"not a Parquet file ({error})") from error


def read_parquet(path: Path, columns: Sequence[str]) -> pa.Table:
    """Return columns of a Parquet file; raise OSError, pyarrow.ArrowException or KeyError.

    `pyarrow.parquet.read_table` would start threads; see `storage.data.parts.open_rows`.
    """
    with pq.ParquetFile(path, pre_buffer=False) as stored:
        return stored.read(columns=list(columns), use_threads=False).select(list(columns))


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        return read_parquet(path, columns)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise _damaged(path, f"unreadable ({error})") from error


def _damaged(path: Path, problem: str) -> PublishedDamaged:
    return PublishedDamaged(
        f"{path} is not a file of published results: {problem}. Restore it from the repository."
    )
