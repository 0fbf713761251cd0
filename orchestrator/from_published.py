"""Starting a store from the published results, so that nothing is trained twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from orchestrator.display.formatting import counted
from orchestrator.errors import UserError
from orchestrator.inits import combined, inits_in
from orchestrator.planning.targets import Targets, with_inits
from search.catalogue import Selection
from search.indices import IndexSet
from search.layers import StoredInit
from search.schema import RESULT_SCHEMA
from storage.errors import NotPublished
from storage.log.entries import SweepBegin
from storage.log.init_entries import FoundNetwork, PublishedInit
from storage.log.inits import FrozenInit
from storage.log.sweep_info import describe_published
from storage.paths import PUBLISHED_FOLDER
from storage.published.file import PublishedFile, index_set, open_published
from storage.published.restore import read_restored
from storage.writing.writer import StoreWriter
from workers.stored_init import remade_init

_BATCH = 65_536
"""Rows that are committed together: all of the paper makes ten files."""


def take_published(
    targets: Targets,
    given: Mapping[str, StoredInit],
    store: Path,
    folder: Path,
    cache: Path,
    command: str,
    console: Console,
) -> None:
    """Stores those of the wanted rows that are published and not stored yet.

    They count as stored from then on. Their weights are NULL. `sweeps` gets a row with the device
    "published" for each sweep that trained them. Initialisations that can be made again are frozen
    in the store as if they had been handed in.

    Args:
        targets: what is wanted, without its stored initialisations.
        given: initialisations that the user handed in, by name.
        store: folder of the store, which is made if there is none.
        folder: of the published files.
        cache: folder for what can always be made again.
        command: the command line.
        console: where to tell what was taken.

    Raises:
        UserError: published rows start from another initialisation than this store's, or were
            drawn from another root seed; nothing was stored.
        StoreError: the store or a published file cannot be used.
    """
    files = _published_files(targets, folder)
    inits = _agreed_inits(files, inits_in(store), given)
    tokens = {name: init.token for name, (init, _) in inits.items()}
    wanted = with_inits(targets, tokens).selections
    pairs = [(s, files[s.study.name]) for s in wanted if s.study.name in files]
    for selection, file in pairs:
        _require_same_study(selection, file)
    with StoreWriter(store, command=command, max_rows=_BATCH, max_seconds=60.0) as writer:
        for init, found in inits.values():
            writer.record_init(init.name, init.digest, init.layers, found)
        for selection, file in pairs:
            missing = selection.indices - writer.stored(file.study.digest)
            taken = _take(file, missing, cache, command, writer) if missing else 0
            name, rows = file.study.name, counted(taken, "row")
            console.print(f"{name}: {rows} taken from {file.path}", soft_wrap=True)
    for selection in targets.selections:
        if selection.study.name not in files:
            console.print(f"{selection.study.name}: not published")


def _published_files(targets: Targets, folder: Path) -> dict[str, PublishedFile]:
    """Name of each study that is published -> its file."""
    found = {
        selection.study.name: open_published(folder, selection.study.name)
        for selection in targets.selections
        if selection.study.paper_group is not None
    }
    files = {name: file for name, file in found.items() if file is not None}
    if not files:
        raise NotPublished(
            f"None of these studies is published in {folder}. The published results come with the "
            f"repository, in its folder results/: set {PUBLISHED_FOLDER} to it, or leave "
            "--from-published out."
        )
    return files


def _agreed_inits(
    files: Mapping[str, PublishedFile],
    in_store: Mapping[str, FrozenInit],
    given: Mapping[str, StoredInit],
) -> dict[str, tuple[StoredInit, FoundNetwork | None]]:
    """The initialisations of the published rows, which are this store's or become so.

    Raises:
        UserError: the store has, or the user gave, another one, or one is to be had nowhere.
    """
    known = combined(in_store, given)
    agreed: dict[str, tuple[StoredInit, FoundNetwork | None]] = {}
    for file in files.values():
        for published in file.note.inits:
            name, _, digest = published.token.partition(":")
            init = known.get(name) or _remade(published, file)
            if init.digest != digest:
                raise UserError(
                    f"{file.study.name} was published from the initialisation {published.token}, "
                    f"while this store starts from {init.token}: these are other experiments. Use "
                    f"another store, or leave {file.study.name} or --from-published out"
                )
            agreed[name] = (init, published.found)
    return agreed


def _remade(published: PublishedInit, file: PublishedFile) -> StoredInit:
    name = published.token.partition(":")[0]
    if published.found is None:
        raise UserError(
            f"{file.study.name} was published from the initialisation {published.token}, which "
            f"came from a file that is not published: give it with --{name} FILE, or leave "
            f"{file.study.name} out"
        )
    return remade_init(name, published.found.label, file.note.root_seed)


def _require_same_study(selection: Selection, file: PublishedFile) -> None:
    if selection.study.digest != file.study.digest:
        raise UserError(
            f"{file.path} holds other experiments of {file.study.name} than are wanted: it is of "
            f"root seed {file.note.root_seed}, this run of {selection.study.base.root_seed}. "
            "Leave --from-published out"
        )


def _take(
    file: PublishedFile, missing: IndexSet, cache: Path, command: str, writer: StoreWriter
) -> int:
    """Stores the missing rows of a file, as one sweep for each that trained them."""
    rows = read_restored(file, cache)
    rows = rows.filter(_among(rows.column("study_index"), missing))
    makers: list[SweepBegin | None] = [sweep.begin for sweep in file.note.sweeps]
    for maker in makers or [None]:
        of_maker = rows
        if maker is not None:
            of_maker = rows.filter(pc.equal(rows.column("sweep_id"), maker.sweep_id))
        if not of_maker.num_rows:
            continue
        sweep = describe_published(
            command=command,
            study=file.study.name,
            file_sha256=file.sha256,
            root_seed=file.note.root_seed,
            trained_by=maker,
        )
        writer.begin_sweep(sweep)
        for batch in _as_results(of_maker, sweep.sweep_id):
            indices = index_set(batch.column("study_index").to_numpy())
            writer.append(batch, file.study.digest, file.study.name, indices)
        writer.end_sweep("finished")
    return int(rows.num_rows)


def _among(index: pa.ChunkedArray, indices: IndexSet) -> pa.Array:
    if len(indices.intervals) == 1:
        start, stop = indices.intervals[0]
        return pc.and_(pc.greater_equal(index, start), pc.less(index, stop))
    return pc.is_in(index, pa.array(indices, pa.int64()))


def _as_results(rows: pa.Table, sweep_id: str) -> Iterator[pa.RecordBatch]:
    """Batches of `RESULT_SCHEMA` under another sweep; a time that was not published is 0."""
    filled = rows.set_column(
        rows.column_names.index("sweep_id"),
        "sweep_id",
        pa.array([sweep_id] * rows.num_rows, pa.string()),
    )
    filled = filled.set_column(
        rows.column_names.index("train_ms"),
        "train_ms",
        pc.fill_null(rows.column("train_ms"), 0.0),
    )
    columns: Sequence[pa.ChunkedArray] = [filled.column(name) for name in RESULT_SCHEMA.names]
    table = pa.table(columns, schema=RESULT_SCHEMA)
    for start in range(0, table.num_rows, _BATCH):
        yield from table.slice(start, _BATCH).combine_chunks().to_batches()
