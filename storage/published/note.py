"""The note of a file of published results, in the metadata of the Parquet file."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from storage.log.entries import RowsOfSweep, SweepBegin, SweepEnd
from storage.log.init_entries import PublishedInit
from storage.log.strict import Count, Name, Strict

NOTE_KEY: Final = b"sparsest_published"
"""Key of the note in the file's metadata."""

PUBLISHED_FORMAT: Final = 1
"""Version of the format; incremented when an older reader would misread a file."""


class PublishedSweep(RowsOfSweep):
    """A sweep that made some of the rows, with totals of these rows.

    Attributes:
        begin: log entry of the start, without command and host.
        end: log entry of the end; None if the sweep was killed.
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
        sweeps: sweeps that made the rows; empty if unknown.
        software: version of sparsest that published the rows.
        published: time of publication, UTC in ISO 8601 with a Z; None if unknown.
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
    published: str | None
