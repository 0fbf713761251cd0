"""What a file of published results says about itself, in the metadata of the Parquet file."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from storage.log.entries import Status, SweepBegin, SweepEnd
from storage.log.init_entries import PublishedInit
from storage.log.strict import Amount, Count, Name, Strict

NOTE_KEY: Final = b"sparsest_published"
"""Key of the note in the file's metadata."""

PUBLISHED_FORMAT: Final = 1
"""Raised by one whenever an older reader would misread a published file."""


class PublishedSweep(Strict):
    """A sweep that made some of the rows; command and host are left empty.

    Attributes:
        begin: what was asked for, by which software, on which processor.
        end: how it ended, None where it was killed.
        rows: of it in the file.
        by_status: status -> number of those rows.
        train_seconds: core seconds of their training.
    """

    begin: SweepBegin
    end: SweepEnd | None
    rows: Count
    by_status: dict[Status, Count]
    train_seconds: Amount


class PublishedNote(Strict):
    """What is in a file of published results, and where it comes from.

    Attributes:
        format: `PUBLISHED_FORMAT` of the writer.
        schema_version: `search.schema.SCHEMA_VERSION` of the columns.
        study: name of the study.
        study_digest: of the study with its root seed and its initialisations.
        experiments: of the whole study.
        rows: of them in the file.
        root_seed: of all of them.
        inits: stored initialisations that they start from.
        sweeps: that made them; none where nobody knows.
        software: version of sparsest that published them.
        published: UTC, ISO 8601 with a Z; None where nobody knows.
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
