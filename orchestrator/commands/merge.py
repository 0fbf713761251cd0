"""The commands that merge stores and compare them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from orchestrator.commands.options import AsJson, flag, new_store_location, option, store_location
from orchestrator.commands.results import results_reader
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import print_line, print_table, text_table
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation
from storage.merging.compare import Comparison, compare
from storage.merging.merge import merge_stores
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.working_copy import store_name


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="STORE",
            parser=store_location,
            help="Stores to merge: folders, or s3://BUCKET/PREFIX.",
        ),
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="D",
            parser=new_store_location,
            help="Store to merge them into, which may be new: a folder, or s3://BUCKET/PREFIX.",
        ),
    ],
    take_first: Annotated[
        bool,
        flag(
            "--take-first",
            "If stores have different rows of an experiment, keep the row of the store named "
            "first; D comes before all.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge several stores into one, such as the shards of a sweep.

    A row that several stores have is stored once. If stores have different rows of an experiment,
    they are shown and nothing is merged. The merged stores are only read. A merge that was stopped
    resumes with the same command.
    """
    command = Invocation.current().recorded
    merged = merge_stores(sources, into, command=command, take_first=take_first)
    with StoreReader(into) as reader:
        total = reader.state.rows
    name = store_name(StorePaths(into))
    if as_json:
        stores = [{"store": one.name, "rows": one.rows, "copied": one.copied} for one in merged]
        print(json.dumps({"into": name, "rows": total, "stores": stores}))
        return
    for one in merged:
        present = one.rows - one.copied
        print_line(
            f"{one.name}: {counted(one.copied, 'row')} merged"
            + (f", {present:,} already present" if present else "")
        )
    print_line(f"{name}: {counted(total, 'row')}")


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
        bool, flag("--published", "Compare with the published results instead of B.")
    ] = False,
    studies: Annotated[
        list[str] | None, option("S", "Compare only this study; repeatable.", "--study")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the rows of two stores, experiment by experiment.

    All columns are compared except study_index, train_ms and sweep_id. The exit code is 0 if both
    stores have the same experiments and no row differs, else 1.
    """
    if (second is None) != published:
        raise UserError("nothing to compare A with: name either a store B or --published")
    with ExitStack() as stack:
        a = stack.enter_context(results_reader(first, False))
        b = stack.enter_context(results_reader(second, published))
        known = {*a.rows_by_study(), *b.rows_by_study()}
        if unknown := sorted(set(studies or ()) - known):
            raise UserError(
                f"neither side has rows of {unknown[0]!r}; there are: {', '.join(sorted(known))}"
            )
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
    total = [("all", comparison.total)] if len(comparison.studies) > 1 else []
    cells = [
        (name, *(f"{getattr(counts, column):,}" for column in COLUMNS))
        for name, counts in [*comparison.studies.items(), *total]
    ]
    print_table(text_table(("study", "only A", "only B", "equal", "lacking", "different"), cells))
    print_line(*comparison.details(), "the same" if comparison.same else "not the same")
