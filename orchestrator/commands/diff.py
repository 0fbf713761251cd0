"""The command that compares two stores."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from orchestrator.commands.options import AsJson
from orchestrator.commands.results import results_reader
from orchestrator.commands.store_location import store_location
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError
from storage.merging.compare import Comparison, Counts, compare
from storage.paths import StorePaths
from storage.remote.origin import store_name

COLUMNS = ("only_a", "only_b", "equal", "lacking", "different")

DIFFERENT = 1
"""Exit code where the stores are not the same."""


def diff(
    first: Annotated[
        Path,
        typer.Argument(metavar="A", parser=store_location, help="A store, or s3://BUCKET/PREFIX."),
    ],
    second: Annotated[
        Path | None,
        typer.Argument(metavar="B", parser=store_location, help="Another store, likewise."),
    ] = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="In place of B: the results published with the code."),
    ] = False,
    studies: Annotated[
        list[str] | None,
        typer.Option("--study", metavar="S", help="Compare this study alone; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the rows of two stores, experiment by experiment.

    All columns count but train_ms and sweep_id. The exit code is 0 where both have the same
    experiments and no row differs, 1 otherwise.
    """
    if (second is None) != published:
        raise UserError("compare A with one other: a second store B, or --published")
    with ExitStack() as stack:
        a = stack.enter_context(results_reader(first, False))
        b = stack.enter_context(results_reader(second, published))
        compared = compare(a.data_files(), b.data_files(), studies)
    other = "the published results" if second is None else store_name(StorePaths.of(second))
    names = (store_name(StorePaths.of(first)), other)
    if as_json:
        print(json.dumps(_report(names, compared)))
    else:
        _show(names, compared, plain_console())
    if not compared.same:
        raise typer.Exit(DIFFERENT)


def _report(names: tuple[str, str], compared: Comparison) -> dict[str, Any]:
    return {
        "a": names[0],
        "b": names[1],
        "same": compared.same,
        **asdict(compared.total),
        "studies": {name: asdict(counts) for name, counts in compared.studies.items()},
        "columns": dict(compared.columns),
        "lacking_columns": dict(compared.lacking),
        "other_backend": compared.other_backend,
        "backend_alone": compared.backend_alone,
        "examples": [asdict(example) for example in compared.examples],
    }


def _show(names: tuple[str, str], compared: Comparison, console: Console) -> None:
    console.print(f"A: {names[0]}\nB: {names[1]}", soft_wrap=True)
    table = Table(box=None, header_style="bold")
    table.add_column("study", no_wrap=True)
    for title in ("only A", "only B", "equal", "lacking", "different"):
        table.add_column(title, justify="right")
    for name, counts in compared.studies.items():
        table.add_row(name, *_cells(counts))
    if len(compared.studies) > 1:
        table.add_row("all", *_cells(compared.total))
    console.print(table)
    if compared.lacking:
        said = ", ".join(f"{name} ({count:,})" for name, count in compared.lacking.most_common())
        console.print(f"lacking: only one of the two rows has {said}", soft_wrap=True)
    if compared.columns:
        said = ", ".join(f"{name} ({count:,})" for name, count in compared.columns.most_common())
        console.print(f"different: {said}", soft_wrap=True)
    if compared.other_backend:
        console.print(
            f"{counted(compared.other_backend, 'different row')} were trained by different "
            f"backends, {compared.backend_alone:,} of them differ in nothing else",
            soft_wrap=True,
        )
    for example in compared.examples:
        console.print(
            f"  {example.label} ({example.experiment_id}), {' / '.join(example.backends)}: "
            f"{', '.join(example.columns)}",
            soft_wrap=True,
        )
    console.print("the same" if compared.same else "not the same")


def _cells(counts: Counts) -> list[str]:
    return [f"{getattr(counts, column):,}" for column in COLUMNS]
