"""Storing published results in a new store, so that they are not trained again."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.display.formatting import counted
from orchestrator.errors import UserError
from orchestrator.inits import combined
from orchestrator.planning.targets import Targets, with_inits
from orchestrator.run_store import RunStore
from search.cache_folder import cache_folder
from search.indices import IndexSet
from search.layers import StoredInit
from search.schema import RESULT_SCHEMA
from storage.data.parts import index_array, index_set
from storage.log.entries import SweepBegin
from storage.log.init_entries import FoundNetwork, FrozenInit, PublishedInit
from storage.log.sweep_info import describe_published
from storage.paths import published_folder
from storage.published.file import PublishedFile, all_published
from storage.published.reader import read_restored
from storage.writing.writer import StoreWriter
from workers.stored_init import remade_init

_BATCH = 16_384
"""Rows that are committed together."""


def take_published(targets: Targets, given: Mapping[str, StoredInit], store: RunStore) -> None:
    """Store the wanted rows that are published and not stored.

    Their weights are NULL. The table `sweeps` gets a row with the device "published" for each sweep
    that trained them. Their initialisations are recorded as if they had been given as files.

    Raises:
        UserError: published rows start from another initialisation than the store's, or have
            another root seed; nothing was stored.
        StoreError: the store or a published file cannot be used.
    """
    names = [selection.study.name for selection in targets]
    files = {file.study.name: file for file in all_published(published_folder(), names)}
    inits = _agreed_inits(files, store.inits, given)
    wanted = with_inits(targets, {name: init for name, (init, _) in inits.items()})
    pairs = [(s, files[s.study.name]) for s in wanted if s.study.name in files]
    for selection, file in pairs:
        if selection.study.digest != file.study.digest:
            raise UserError(
                f"{file.path} has other experiments of {file.study.name} than this run: its root "
                f"seed is {file.note.root_seed}, that of the run "
                f"{selection.study.base.root_seed}. Leave --from-published out"
            )
    writer = store.writer
    for init, found in inits.values():
        writer.record_init(init.name, init.digest, init.layers, found)
    for selection, file in pairs:
        missing = selection.indices - writer.stored(file.study.digest)
        taken = _take(file, missing, store.command, writer) if missing else 0
        rows = counted(taken, "row")
        store.print(f"{file.study.name}: {rows} taken from {file.path}")
    for selection in targets:
        if selection.study.name not in files:
            store.print(f"{selection.study.name}: not published")


def _agreed_inits(
    files: Mapping[str, PublishedFile],
    in_store: Mapping[str, FrozenInit],
    given: Mapping[str, StoredInit],
) -> dict[str, tuple[StoredInit, FoundNetwork | None]]:
    """Return the initialisations of the published rows, which the store has or gets."""
    known = combined(in_store, given)
    agreed: dict[str, tuple[StoredInit, FoundNetwork | None]] = {}
    for file in files.values():
        for published in file.note.inits:
            name, _, digest = published.token.partition(":")
            init = known.get(name) or _remade(published, file)
            if init.digest != digest:
                raise UserError(
                    f"{file.study.name} was published from the initialisation {published.token}, "
                    f"and this store starts from {init.token}: these are different experiments. "
                    f"Use another store, or leave {file.study.name} or --from-published out"
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


def _take(file: PublishedFile, missing: IndexSet, command: str, writer: StoreWriter) -> int:
    """Store the missing rows of a file, as one sweep for each sweep that trained them."""
    rows = read_restored(file, cache_folder())
    rows = rows.filter(pc.is_in(rows.column("study_index"), pa.array(index_array(missing))))
    trained_by: list[SweepBegin | None] = [sweep.begin for sweep in file.note.sweeps]
    for origin in trained_by or [None]:
        of_origin = rows
        if origin is not None:
            of_origin = rows.filter(pc.equal(rows.column("sweep_id"), origin.sweep_id))
        if not of_origin.num_rows:
            continue
        sweep = describe_published(
            command=command,
            study=file.study.name,
            file_sha256=file.sha256,
            root_seed=file.note.root_seed,
            trained_by=origin,
        )
        writer.begin_sweep(sweep)
        for batch in _as_results(of_origin, sweep.sweep_id):
            indices = index_set(batch.column("study_index").to_numpy())
            writer.append(batch, file.study.digest, file.study.name, indices)
        writer.end_sweep("finished")
    return int(rows.num_rows)


def _as_results(rows: pa.Table, sweep_id: str) -> list[pa.RecordBatch]:
    """Return batches of `RESULT_SCHEMA` under another sweep; a time that is unpublished is 0."""
    own = {
        "sweep_id": pa.repeat(sweep_id, rows.num_rows),
        "train_ms": pc.fill_null(rows.column("train_ms"), 0.0),
    }
    columns = [own[name] if name in own else rows.column(name) for name in RESULT_SCHEMA.names]
    batches: list[pa.RecordBatch] = (
        pa.table(columns, schema=RESULT_SCHEMA).combine_chunks().to_batches(_BATCH)
    )
    return batches
