"""The kinds of log entries, and their checks."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from search.indices import IndexSet
from storage.log.init_entries import InitStored, SearchChoice
from storage.log.strict import Amount, Count, Int32, Name, RowCount, Sha256, Strict
from storage.paths import PART_NAME

LOG_FORMAT: Final = 4
"""Version of the entries. It changes whenever an older reader would misread or refuse an entry.

Format 1 did not say where an initialisation came from, and had no searches. In format 2 no data
file was ever replaced. In format 3 nothing was quarantined, and a data file held the rows of one
sweep (`storage.log.files` reads it).
"""

PartName = Annotated[str, StringConstraints(pattern=f"^{PART_NAME}$")]

Status = Literal["ok", "collapsed", "diverged", "failed"]
"""`search.schema.STATUSES` as a type."""

PUBLISHED: Final = "published"
"""Device of a sweep that trained nothing and took its rows from published files."""


class SweepBegin(Strict):
    """The start of a sweep: what was asked for, and the software and machine that run it.

    Attributes:
        sweep_id: id, unique in the store.
        command: the command line.
        studies: names of the studies, in the order given.
        sweep_files: name of each sweep file -> SHA-256 of its bytes.
        versions: package -> version.
        commit: git commit of the source, with "-dirty" if it was changed; None if unknown.
        host, processor: names of the driver's machine and of its processor.
        device: device of the training. If it is `PUBLISHED`, the rows were taken from published
            files: `sweep_files` names these, and versions, commit and processor are those of the
            sweep that trained the rows.
        workers: number of workers asked for.
        root_seed: root seed of all experiments of the sweep.
        started: UTC time, ISO 8601 with a Z.
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
    """Totals of one sweep in a data file: numbers of rows, core seconds of their training."""

    rows: Annotated[RowCount, Field(ge=1)]
    by_status: dict[Status, RowCount]
    train_seconds: Amount

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if sum(self.by_status.values()) != self.rows:
            raise ValueError("the counts by status do not add up to the number of rows")
        return self


class RowsCommitted(Strict):
    """A data file, whose rows are stored as soon as this entry is in the log.

    Its rows are in ascending order of the studies' digests, and within a study in ascending order
    of the index.

    Attributes:
        file: name of the file in the folder of data files.
        bytes, sha256: size of the file, and SHA-256 of its bytes.
        schema_version, schema_sha256: `search.schema.SCHEMA_VERSION` of the writer, and SHA-256 of
            the schema (`storage.data.new_parts.schema_sha256`).
        sweeps: sweep_id -> totals of that sweep's rows.
        indices: digest of a study -> its indices in the file, as intervals [start, stop).
        studies: digest of a study -> its name.
    """

    kind: Literal["rows"] = "rows"
    file: PartName
    bytes: Count
    sha256: Sha256
    rows: Annotated[RowCount, Field(ge=1)]
    schema_version: Annotated[int, Field(ge=1)]
    schema_sha256: Sha256
    sweeps: Annotated[dict[Name, RowsOfSweep], Field(min_length=1)]
    indices: dict[Name, list[tuple[Count, Count]]]
    studies: dict[Name, Name]

    @property
    def by_status(self) -> dict[Status, int]:
        """Status -> number of rows of all sweeps."""
        shares = [share.by_status for share in self.sweeps.values()]
        return {status: sum(one.get(status, 0) for one in shares) for status in no_rows_by_status()}

    @property
    def train_seconds(self) -> float:
        """Core seconds of training of all sweeps."""
        return sum(share.train_seconds for share in self.sweeps.values())

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if self.studies.keys() != self.indices.keys():
            raise ValueError("studies and indices name different studies")
        if list(self.indices) != sorted(self.indices):
            raise ValueError("the studies are not in ascending order of their digests")
        sets = [IndexSet.of(intervals) for intervals in self.indices.values()]
        if [list(one.intervals) for one in sets] != list(self.indices.values()):
            raise ValueError("indices are not sorted, disjoint intervals")
        if sum(len(indices) for indices in sets) != self.rows:
            raise ValueError("the number of indices is not the number of rows")
        if sum(share.rows for share in self.sweeps.values()) != self.rows:
            raise ValueError("the counts by sweep do not add up to the number of rows")
        return self


class RowsReplaced(Strict):
    """Data files leave the store and others take their place, in one step.

    This is how rows are removed (each file that holds some of them is replaced by one with its
    other rows, or by none), how a row is exchanged for a new one (readers see one of the two at any
    time), how small files are merged into large ones, and how a damaged file leaves the store.

    Attributes:
        removed, parts: names of the data files that leave, and files that take their place.
        damage: name of each removed file that was damaged -> what was wrong with it. These are in
            the quarantine.
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
            raise ValueError("a data file is listed as damaged, but not as removed")
        return self


class EntryLost(Strict):
    """Placeholder for an entry that was damaged or lost; its file, if any, is in the quarantine.

    What that entry said is unknown. Rows of a data file that only it named are no longer stored.

    Attributes:
        problem: what was wrong.
        removed: names of data files that the entry must have replaced, because later data files
            hold rows of the same experiments.
    """

    kind: Literal["lost"] = "lost"
    command: str
    problem: Name
    removed: list[PartName]


class SweepEnd(Strict):
    """The regular end of a sweep. A sweep without this entry is running, or was killed.

    Attributes:
        ended: UTC time, ISO 8601 with a Z.
        outcome: finished, interrupted by the user, or failed with an error.
        stored: number of rows that it stored.
        skipped: number of wanted experiments that were stored already.
        core_seconds, train_seconds: time that the workers were busy, and of it that of training.
        wall_seconds: seconds from its start to its end, by a monotonic clock.
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


class NumberedEntry(Strict):
    """An entry with its number in the log, from 1, and the `LOG_FORMAT` of the writer."""

    format: Literal[1, 2, 3, 4] = LOG_FORMAT
    number: Annotated[int, Field(ge=1)]
    entry: Entry


def no_rows_by_status() -> dict[Status, int]:
    """Return a count of zero for every status."""
    return dict.fromkeys(get_args(Status), 0)
