"""What the log of a store says: its kinds of entries, and their checks."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from search.indices import IndexSet
from storage.log.init_entries import InitStored
from storage.log.search_entries import SearchChoice
from storage.log.strict import Amount, Count, Int32, Name, Sha256, Strict
from storage.paths import PART_NAME

LOG_FORMAT: Final = 4
"""Raised by one whenever an older reader would misread or refuse an entry.

Format 1 did not say where an initialisation came from, and knew no searches. In format 2 no data
file was ever replaced. In format 3 nothing was set aside, and a data file held the rows of one
sweep alone (`storage.log.earlier_formats`).
"""

PartName = Annotated[str, StringConstraints(pattern=f"^{PART_NAME}$")]

Status = Literal["ok", "collapsed", "diverged", "failed"]
"""`search.schema.STATUSES` as a type."""


PUBLISHED: Final = "published"
"""Device of a sweep that trained nothing: its rows were taken from published files."""


class SweepBegin(Strict):
    """A sweep begins: what was asked for, by which software, and where.

    Attributes:
        sweep_id: unique in the store.
        command: the command line.
        studies: names of the studies, in the order given.
        sweep_files: text name of each sweep file -> SHA-256 of its bytes.
        versions: package -> version.
        commit: git commit of the source, with "-dirty" where it was changed; None if unknown.
        host: name of the machine of the driver.
        processor: name of its processor.
        device: what was trained on; `PUBLISHED` where the rows were taken from published files,
            which then stand in `sweep_files`, while versions, commit and processor are those of
            the sweep that trained them.
        workers: number of workers asked for.
        root_seed: of all experiments of the sweep.
        started: UTC, ISO 8601 with a Z.
    """

    kind: Literal["sweep-begin"] = "sweep-begin"
    sweep_id: Name
    command: str
    studies: list[Name]
    sweep_files: dict[str, Sha256]
    versions: dict[str, str]
    commit: str | None
    host: str
    processor: str
    device: str
    workers: Int32
    root_seed: Count
    started: Name


class RowsOfSweep(Strict):
    """What a data file holds of one sweep.

    Attributes:
        rows: their number.
        by_status: status -> number of rows.
        train_seconds: core seconds of their training.
    """

    rows: Annotated[int, Field(ge=1)]
    by_status: dict[Status, Count]
    train_seconds: Amount

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if sum(self.by_status.values()) != self.rows:
            raise ValueError("the numbers by status do not add up to the number of rows")
        return self


class RowsCommitted(Strict):
    """A data file holds rows from now on.

    Its rows stand study by study in ascending order of the studies' digests, each study's in
    ascending order of the index.

    Attributes:
        file: name in the folder of data files.
        bytes: its size.
        sha256: of its bytes.
        rows: number of rows.
        schema_version: `search.schema.SCHEMA_VERSION` of the writer.
        schema_sha256: of the schema (`storage.data.parts.schema_sha256`).
        sweeps: sweep_id -> what the sweep has made of them.
        indices: digest of a study -> its indices in the file, as intervals [start, stop).
        studies: digest of a study -> its name.
    """

    kind: Literal["rows"] = "rows"
    file: PartName
    bytes: Count
    sha256: Sha256
    rows: Annotated[Count, Field(ge=1)]
    schema_version: Annotated[int, Field(ge=1)]
    schema_sha256: Sha256
    sweeps: Annotated[dict[Name, RowsOfSweep], Field(min_length=1)]
    indices: dict[Name, list[tuple[Count, Count]]]
    studies: dict[Name, Name]

    @property
    def by_status(self) -> dict[Status, int]:
        """Status -> number of rows, over all sweeps."""
        counts = no_rows_by_status()
        for share in self.sweeps.values():
            for status, count in share.by_status.items():
                counts[status] += count
        return counts

    @property
    def train_seconds(self) -> float:
        """Core seconds of training, over all sweeps."""
        return sum(share.train_seconds for share in self.sweeps.values())

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if self.studies.keys() != self.indices.keys():
            raise ValueError("names and indices are not of the same studies")
        if list(self.indices) != sorted(self.indices):
            raise ValueError("the studies are not in ascending order of their digests")
        sets = [IndexSet.of(intervals) for intervals in self.indices.values()]
        for intervals, merged in zip(self.indices.values(), sets, strict=True):
            if tuple(intervals) != merged.intervals:
                raise ValueError("indices are not sorted, disjoint intervals")
        if sum(len(indices) for indices in sets) != self.rows:
            raise ValueError("the number of indices is not the number of rows")
        if sum(share.rows for share in self.sweeps.values()) != self.rows:
            raise ValueError("the numbers by sweep do not add up to the number of rows")
        return self


class RowsReplaced(Strict):
    """Some data files are part of the store no longer, and others take their place, all at once.

    So rows are taken away: each file that holds some of them is replaced by one that holds its
    other rows, or by none. So a row is exchanged for another: the file with the new row comes
    with the rewritten one, and whoever reads sees one of the two rows at any time. So small files
    become large ones, with the same rows.

    So, too, a damaged file is taken out: all its rows are no longer stored.

    Attributes:
        command: the command line.
        removed: names of the data files that are replaced.
        parts: those that hold rows from now on, in their stead.
        damage: of those of the removed that were not what was written, name -> what was wrong. They
            were set aside.
    """

    kind: Literal["replaced"] = "replaced"
    command: str
    removed: Annotated[list[PartName], Field(min_length=1)]
    parts: list[RowsCommitted]
    damage: dict[PartName, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _files_differ(self) -> Self:
        files = [*self.removed, *(part.file for part in self.parts)]
        if len(set(files)) != len(files):
            raise ValueError("a data file is named twice")
        if not self.damage.keys() <= set(self.removed):
            raise ValueError("a data file is called damaged, and is not removed")
        return self


class EntryLost(Strict):
    """Stands in the place of an entry that was damaged, and was set aside.

    What that entry said is not known. Rows of a data file that it alone named are no longer stored.

    Attributes:
        command: the command line of the process that found the damage.
        problem: what was wrong.
        removed: names of data files that the entry must have replaced, since later ones hold rows
            of the same experiments.
    """

    kind: Literal["lost"] = "lost"
    command: str
    problem: Name
    removed: list[PartName]


class SweepEnd(Strict):
    """A sweep ended in good order; one without this entry is running, or was killed.

    Attributes:
        sweep_id: of the sweep.
        ended: UTC, ISO 8601 with a Z.
        outcome: finished; interrupted by its user; failed with an error.
        stored: rows that it stored.
        skipped: wanted experiments that were stored already.
        by_status: status -> number of rows.
        core_seconds: seconds that the workers were at work, added up.
        train_seconds: core seconds of training.
        wall_seconds: from its begin to its end, by a clock that is never set.
    """

    kind: Literal["sweep-end"] = "sweep-end"
    sweep_id: Name
    ended: Name
    outcome: Literal["finished", "interrupted", "failed"]
    stored: Count
    skipped: Count
    by_status: dict[Status, Count]
    core_seconds: Amount
    train_seconds: Amount
    wall_seconds: Amount


Entry = Annotated[
    SweepBegin | RowsCommitted | RowsReplaced | EntryLost | SweepEnd | InitStored | SearchChoice,
    Field(discriminator="kind"),
]


class Record(Strict):
    """An entry with its place in the log.

    Attributes:
        format: `LOG_FORMAT` of the writer.
        number: its own, from 1.
        entry: what it says.
    """

    format: Literal[1, 2, 3, 4] = LOG_FORMAT
    number: Annotated[int, Field(ge=1)]
    entry: Entry


def no_rows_by_status() -> dict[Status, int]:
    """A count of zero for every status."""
    return dict.fromkeys(get_args(Status), 0)
