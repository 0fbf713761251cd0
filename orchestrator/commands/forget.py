"""The command that removes rows."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import typer
from rich.table import Table

from orchestrator.commands.options import StorePath
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.errors import UserError
from orchestrator.invocation import command_line
from storage.reading.matching import matching_rows
from storage.reading.reader import StoreReader
from storage.writing.editor import StoreEditor


def forget(
    store: StorePath,
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="STUDY", help="Rows of these studies, by the column `study`."),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="SWEEP_ID", help="Rows that this sweep has stored.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="Rows of which this condition on `results` is true."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove rows from a store, to be trained again.

    The next run trains the experiments of removed rows as if they had never been stored. Several
    criteria must all hold. Rows go all at once or not at all, and queries work meanwhile.
    Sweeps, initialisations and the log keep what they say.
    """
    if not studies and sweep is None and where is None:
        raise UserError("say which rows: by STUDY, --sweep SWEEP_ID, --where SQL, or several")
    StoreReader(store).close()  # the writer would make a store where there is none
    command = command_line()
    # It holds the lock from here on: what is shown is what is removed.
    with StoreEditor(store, command=command) as editor:
        with StoreReader(store) as reader:
            rows = matching_rows(reader, studies or (), sweep, where)
            total = reader.progress().rows
        if not rows.num_rows:
            print_line("no row is meant: nothing was removed", err=True)
            return
        _show(rows)
        question = f"remove {counted(rows.num_rows, 'row')} of {total:,} from {store}?"
        if not yes and not _confirmed(question):
            raise UserError("nothing was removed")
        removed = editor.forget(rows.column("experiment_id").to_pylist())
    print_line(
        f"{counted(removed, 'row')} removed; the next process that writes to the store frees their "
        "room on the disk",
        err=True,
    )


def _show(rows: pa.Table) -> None:
    table = Table(box=None, header_style="bold")
    for name in ("study", "sweep_id", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows", justify="right")
    keys = ["study", "sweep_id", "status"]
    groups = rows.group_by(keys).aggregate([([], "count_all")])
    for group in groups.sort_by([(key, "ascending") for key in keys]).to_pylist():
        table.add_row(*(group[key] for key in keys), f"{group['count_all']:,}")
    plain_console(stderr=True).print(table)


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as error:
        raise UserError(
            "nobody answered, and nothing was removed: say --yes to remove without being asked"
        ) from error
