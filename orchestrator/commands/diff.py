"""The command that compares two stores."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from orchestrator.commands.options import AsJson
from orchestrator.commands.results import results_reader
from orchestrator.commands.store_location import store_location
from orchestrator.display.terminal import print_line, print_table, text_table
from orchestrator.errors import UserError
from storage.merging.compare import Comparison, Counts, compare
from storage.paths import StorePaths
from storage.remote.working_copy import store_name

COLUMNS: Final = ("only_a", "only_b", "equal", "lacking", "different")


def diff(
    first: Annotated[
        Path,
        typer.Argument(metavar="A", parser=store_location, help="A store, or s3://BUCKET/PREFIX."),
    ],
    second: Annotated[
        Path | None,
        typer.Argument(metavar="B", parser=store_location, help="Another store."),
    ] = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="Compare with the published results instead of B."),
    ] = False,
    studies: Annotated[
        list[str] | None,
        typer.Option("--study", metavar="S", help="Compare only this study; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the rows of two stores, experiment by experiment.

    All columns are compared except train_ms and sweep_id. The exit code is 0 if both stores have
    the same experiments and no row differs, else 1.
    """
    if (second is None) != published:
        raise UserError("nothing to compare A with: name either a store B or --published")
    with ExitStack() as stack:
        a = stack.enter_context(results_reader(first, False))
        b = stack.enter_context(results_reader(second, published))
        comparison = compare(a.data_files(), b.data_files(), studies)
    other = "the published results" if second is None else store_name(StorePaths(second))
    names = (store_name(StorePaths(first)), other)
    if as_json:
        print(json.dumps(_report(names, comparison)))
    else:
        _show(names, comparison)
    if not comparison.same:
        raise typer.Exit(1)


def _report(names: tuple[str, str], comparison: Comparison) -> dict[str, Any]:
    return {
        "a": names[0],
        "b": names[1],
        "same": comparison.same,
        **asdict(comparison.total),
        "studies": {name: asdict(counts) for name, counts in comparison.studies.items()},
        "columns": dict(comparison.columns),
        "lacking_columns": dict(comparison.lacking),
        "other_backend": comparison.other_backend,
        "backend_alone": comparison.backend_alone,
        "examples": [asdict(example) for example in comparison.examples],
    }


def _show(names: tuple[str, str], comparison: Comparison) -> None:
    print_line(f"A: {names[0]}", f"B: {names[1]}")
    rows = [(name, *_cells(counts)) for name, counts in comparison.studies.items()]
    if len(comparison.studies) > 1:
        rows.append(("all", *_cells(comparison.total)))
    titles = ("study", "only A", "only B", "equal", "lacking", "different")
    print_table(text_table(titles, rows))
    print_line(*comparison.details(), "the same" if comparison.same else "not the same")


def _cells(counts: Counts) -> list[str]:
    return [f"{getattr(counts, column):,}" for column in COLUMNS]
