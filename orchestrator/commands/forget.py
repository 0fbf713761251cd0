"""The commands that rewrite a store: deleting rows, and merging its data files."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer

from orchestrator.commands.options import StorePath, argument, flag, option
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.terminal import print_line, print_table, text_table
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.editor import StoreEditor


def forget(
    store: StorePath,
    studies: Annotated[
        list[str] | None, argument("STUDY", "Rows of these studies (column `study`).")
    ] = None,
    sweep: Annotated[str | None, option("SWEEP_ID", "Rows that this sweep stored.")] = None,
    where: Annotated[
        str | None, option("SQL", "Rows for which this condition on `results` is true.")
    ] = None,
    yes: Annotated[bool, flag("--yes", "Do not ask.")] = False,
) -> None:
    """Delete rows from a store, so that the next run trains their experiments again.

    Rows must meet all criteria. Either all of them or none are deleted, and queries work
    meanwhile. Sweeps, stored initialisations and the log are kept.
    """
    if not studies and sweep is None and where is None:
        raise UserError("name the rows to delete: by STUDY, --sweep, --where, or several of them")
    StoreReader(store).close()  # an editor would create a missing store
    # Imported here: `compact` does without DuckDB.
    from storage.reading.matching import matching_rows

    command = Invocation.current().recorded
    # The lock is held from here on, so that the rows that are shown are the ones deleted.
    with StoreEditor(store, command=command) as editor:
        with StoreReader(store) as reader:
            rows = matching_rows(reader, studies or (), sweep, where)
            total = reader.state.rows
            _refuse_parents(rows, reader)
        if not rows.num_rows:
            print_line("no row meets the criteria: nothing was deleted", err=True)
            return
        _show(rows)
        question = f"delete {counted(rows.num_rows, 'row')} of {total:,} from {store}?"
        try:
            if not yes and not typer.confirm(question, err=True):
                raise UserError("nothing was deleted")
        except typer.Abort as error:
            raise UserError(
                "no answer, nothing was deleted: add --yes to delete without a question"
            ) from error
        deleted = editor.forget(rows.column("experiment_id").to_pylist())
    print_line(
        f"{counted(deleted, 'row')} deleted; the next process that writes to the store frees their "
        "space on the disk",
        err=True,
    )


def _refuse_parents(rows: pa.Table, reader: StoreReader) -> None:
    """Raise if rows that stay start from the network of one of these rows."""
    children = reader.sql("SELECT experiment_id, parent FROM results WHERE parent IS NOT NULL")
    forgotten = rows.column("experiment_id")
    orphaned = children.filter(
        pc.and_(
            pc.is_in(children.column("parent"), forgotten.combine_chunks()),
            pc.invert(pc.is_in(children.column("experiment_id"), forgotten.combine_chunks())),
        )
    )
    if orphaned.num_rows:
        raise UserError(
            f"{counted(orphaned.num_rows, 'row')} that would stay start from weights of these "
            f"rows, such as {orphaned.column('experiment_id')[0]} (column `parent`), and could not "
            "be made again without them: delete their descendants first. Nothing was deleted"
        )


def _show(rows: pa.Table) -> None:
    keys = ["study", "sweep_id", "status"]
    groups = rows.group_by(keys).aggregate([([], "count_all")])
    cells = [
        (*(group[key] for key in keys), f"{group['count_all']:,}")
        for group in groups.sort_by([(key, "ascending") for key in keys]).to_pylist()
    ]
    print_table(text_table((*keys, "rows"), cells, texts=range(len(keys))), err=True)


def compact(store: StorePath) -> None:
    """Merge the small data files of a store into few large, sorted ones; no row changes.

    Either all of them or none are replaced. Queries work meanwhile, give the same answers and
    become faster. The old files are deleted when a process next writes to the store.
    """
    compacted = compact_store(store, command=Invocation.current().recorded)
    if not compacted.rows:
        print_line(f"nothing to do: {counted(compacted.files[0], 'file')}", err=True)
        return
    before, after = map(human_bytes, compacted.bytes)
    print_line(
        f"{counted(compacted.rows, 'row')} rewritten: {counted(compacted.files[0], 'file')} "
        f"({before}) before, {compacted.files[1]:,} ({after}) "
        "now; the next process that writes to the store deletes the old files",
        err=True,
    )
