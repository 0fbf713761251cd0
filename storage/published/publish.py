"""Publishing the rows of a study in a file small enough for a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from search.experiment import FRESH_INIT
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from search.study import Study
from storage import durable
from storage.data.new_parts import parquet_bytes, rows_of_sweeps
from storage.data.parts import index_set
from storage.errors import PublishedDamaged, PublishedRefused, StoreVersion
from storage.log.init_entries import FoundNetwork, PublishedInit
from storage.log.sweep_info import software_versions
from storage.paths import published_file
from storage.published.file import (
    NOTE_KEY,
    PUBLISHED_COLUMNS,
    PublishedNote,
    PublishedSweep,
    open_published,
)
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.reader import StoreReader
from storage.scratch import scratch_folder

_LEVEL = 19
"""Zstandard's level: a file that stays in a repository forever may take seconds to write."""

_MODE = 0o644

_TIME_DIGITS = 3
"""Decimals of `train_ms`: microseconds, far below its noise. More would take 8 bytes a row."""


@dataclass(frozen=True)
class Publication:
    """The published file of a study: its path, number of rows, and size."""

    path: Path
    rows: int
    bytes: int


def publish_study(
    reader: StoreReader,
    study: Study,
    folder: Path,
    found: Mapping[str, FoundNetwork | None],
    *,
    overwrite: bool = False,
) -> Publication:
    """Write all stored rows of a study; the file appears under its name when it is complete.

    Args:
        reader: reader of the store.
        study: study of the paper, with the root seed and stored initialisations of the rows.
        folder: destination, which is created if it does not exist.
        found: token of a stored initialisation -> the network whose initial weights it has, or
            None.
        overwrite: whether to replace a file with rows that the store lacks.

    Raises:
        PublishedRefused: there are no rows, or the file has rows that the store lacks.
        WriteFailed: an input/output error.
    """
    rows = _stored_rows(reader, study)
    if not overwrite:
        _refuse_loss(folder, study, rows)
    noted = rows.replace_schema_metadata(
        {NOTE_KEY: _note(reader, study, rows, found).model_dump_json()}
    )
    options = {"compression_level": _LEVEL, "row_group_size": rows.num_rows}
    data = parquet_bytes(noted, {"study_index": "DELTA_BINARY_PACKED"}, **options)
    path = published_file(folder, study.name)
    durable.make_folders(folder)
    with durable.reporting("write", path), scratch_folder(folder, ".publish-") as scratch:
        durable.replace_file(path, memoryview(data), scratch / path.name, _MODE)
    durable.sync_parents(path)
    return Publication(path, rows.num_rows, data.size)


def _stored_rows(reader: StoreReader, study: Study) -> pa.Table:
    """Return the rows of exactly this study with `PUBLISHED_COLUMNS`, sorted by their index."""
    wanted = reader.stored(study.digest)
    if not wanted:
        raise PublishedRefused(
            f"{reader.paths.root} has no rows of {study.name} with the root seed "
            f"{study.base.root_seed} to publish."
        )
    rows = reader.sql(
        f"SELECT {', '.join(PUBLISHED_COLUMNS)} FROM results "
        f"WHERE study = {sql_text(study.name)} AND root_seed = {study.base.root_seed} "
        f"AND init IN {sql_tuple((*study.inits, FRESH_INIT))} ORDER BY study_index"
    )
    indices = index_set(rows.column("study_index").to_numpy())
    if indices != wanted or rows.num_rows != len(wanted):
        raise PublishedRefused(
            f"{reader.paths.root} also has rows of {study.name} from another version of the "
            "training. Their RUN_IDs are the same, so they cannot be published together."
        )
    column = rows.column_names.index("train_ms")
    rows = rows.set_column(column, "train_ms", pc.round(rows.column("train_ms"), _TIME_DIGITS))
    return rows.cast(pa.schema([RESULT_SCHEMA.field(name) for name in PUBLISHED_COLUMNS]))


def _refuse_loss(folder: Path, study: Study, rows: pa.Table) -> None:
    """Refuse to replace a file by one that lacks some of its rows."""
    path = published_file(folder, study.name)
    advice = "Publish to another folder, or add --overwrite."
    try:
        before = open_published(folder, study.name)
    except (PublishedDamaged, StoreVersion) as error:
        raise PublishedRefused(f"{error} The file was not replaced. {advice}") from error
    if before is None:
        return
    if before.study.digest != study.digest:
        inits, stored = (", ".join(s.inits) or "none" for s in (before.study, study))
        raise PublishedRefused(
            f"{path} has other experiments of {study.name}: its root seed or its stored "
            f"initialisation ({inits}) is not that of the store ({stored}). {advice}"
        )
    lost = before.indices() - index_set(rows.column("study_index").to_numpy())
    if lost:
        raise PublishedRefused(
            f"{path} has {len(lost):,} rows that the store lacks. Add them to the store with "
            f"`sparsest run {study.name} --from-published`. {advice}"
        )


def _note(
    reader: StoreReader, study: Study, rows: pa.Table, found: Mapping[str, FoundNetwork | None]
) -> PublishedNote:
    sweeps = {sweep.begin.sweep_id: sweep for sweep in reader.state.sweeps.values()}
    return PublishedNote(
        schema_version=SCHEMA_VERSION,
        study=study.name,
        study_digest=study.digest,
        experiments=len(study),
        rows=rows.num_rows,
        root_seed=study.base.root_seed,
        inits=[PublishedInit(token=token, found=found.get(token)) for token in study.inits],
        sweeps=[
            # Without the command and the name of the machine.
            PublishedSweep(
                begin=sweeps[maker].begin.model_copy(update={"command": "", "host": ""}),
                end=sweeps[maker].end,
                **own.model_dump(),
            )
            for maker, own in rows_of_sweeps(rows).items()
        ],
        software=software_versions().get("sparsest", "unknown"),
        published=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
