"""The command `records`: the sparsest known networks, and the proven lower bounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import typer

from orchestrator.commands.options import (
    AsJson,
    Overwrite,
    Published,
    flag,
    option,
    output_option,
    store_location,
)
from orchestrator.commands.results import results_reader
from orchestrator.display.formatting import counted, percent
from orchestrator.display.result_table import show_result
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from search.datasets import CUBIST_SPIRAL, DATASETS, dataset_named
from search.paper import PAPER_STUDIES
from search.project import PROJECT_STUDIES
from storage.paths import published_folder
from storage.scratch import replace_text

if TYPE_CHECKING:
    from analysis.records.known import Known

FILE = "records.json"
"""Name of the file of networks in the folder of the published results."""


def records(
    dataset: Annotated[
        str | None,
        option("NAME", "Data set to list, verify, draw or add networks of [default: all]"),
    ] = None,
    verify: Annotated[
        bool, flag("--verify", "Evaluate every network and compare with the file.")
    ] = False,
    submit: Annotated[
        Path | None, option("F", "Add the records among the networks of a JSON file.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="D",
            parser=store_location,
            help="Add the records among the networks of a store, as trained or pruned afterwards.",
        ),
    ] = None,
    published: Published = False,
    polish: Annotated[
        bool,
        flag(
            "--polish",
            "Maximise the accuracy of networks directly and remove parameters as long as it "
            "suffices: those of --from or --published; without either, the known networks.",
        ),
    ] = False,
    output: Annotated[
        Path | None, output_option("Plot the records into a .svg, .png or .pdf file.")
    ] = None,
    draw: Annotated[
        list[str] | None,
        option(
            "A",
            "Draw the network of fewest weights at this accuracy into --output instead; "
            "repeatable.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Show the sparsest known networks for every accuracy, and add better ones.

    With --dataset or --json it also shows who found each, and at what cost. The networks are in the
    file results/records.json. A network counts for an accuracy if it reaches it in float32, in
    float64 and, where the points lie on line segments, in exact arithmetic on the segments. With
    --published, networks of the published results are trained again and added.
    """
    if dataset is not None:
        with user_errors("--dataset: "):
            dataset_named(dataset)
    if as_json and (submit or source or published or polish or output):
        raise UserError("--json is for the table and for --verify: omit it, or the other options")
    path = published_folder() / FILE
    known = _read(path) if path.exists() else []
    if verify:
        _verify(known, dataset, path, as_json=as_json)
    if submit is not None:
        _add(known, [one for one in _read(submit) if dataset in (None, one.dataset)], path)
    datasets = [name for name in DATASETS if dataset in (None, name)]
    if source is not None or published:
        from analysis.records.candidates import candidates

        studies = (*PAPER_STUDIES, *PROJECT_STUDIES)
        with results_reader(source, published, studies) as reader, user_errors():
            _add(known, candidates(reader, known, datasets, polish=polish), path)
    elif polish:
        from analysis.records.candidates import polished_records

        _add(known, polished_records(list(known), datasets), path)
    if output is not None:
        _draw(known, dataset, draw or [], output, overwrite=overwrite)
    elif draw:
        raise UserError("--draw needs a file: add --output F")
    elif not (verify or submit or source or published or polish):
        _show(known, dataset, as_json=as_json)


def _read(path: Path) -> list[Known]:
    from analysis.records.known import read_networks

    wrong = f"{path} is not a file of networks (docs/records.md): "
    with user_errors(wrong, RecursionError, reading=path):
        return read_networks(path)


def _verify(known: Sequence[Known], dataset: str | None, path: Path, *, as_json: bool) -> None:
    """Compare the file's numbers with those computed from the parameters."""
    rows: list[dict[str, Any]] = []
    for number, network in enumerate(known, start=1):
        if dataset not in (None, network.dataset):
            continue
        measured = network.measured()
        found = {"accuracy": measured.accuracy, "counts": measured.counts}
        as_stated = found == {"accuracy": network.accuracy, "counts": network.counts}
        about = {"number": number, "dataset": network.dataset, "by": network.by}
        rows.append({**about, **found, "as_stated": as_stated})
        if not as_json:
            print_line(
                f"network {number}, {network.dataset}: {_numbers(measured)}"
                + ("" if as_stated else ": not as stated")
            )
        _print_disagreements(measured)
    if as_json:
        print(json.dumps(rows))
    wrong = sum(not row["as_stated"] for row in rows)
    if wrong:
        raise UserError(f"{path}: {wrong} of {len(rows)} networks do not have the stated numbers")
    if not as_json:
        print_line(f"{path}: all {len(rows)} networks have the stated numbers")


def _add(known: list[Known], networks: Iterable[Known], path: Path) -> None:
    """Add the networks that improve a record to a list and to its file; drop those surpassed."""
    from analysis.records.known import file_text, holders, improvements

    refused, added = [], 0
    for network in networks:
        measured = network.measured()
        improved = improvements(known, measured)
        if not improved:
            refused.append(measured)
            continue
        known[:] = holders([*known, measured])
        with user_errors(writing=path):
            replace_text(path, file_text(known))
        listed = ", ".join(
            f"{one.fewest} {one.count} at {percent(one.accuracy)}" for one in improved
        )
        print_line(f"{measured.by}: {listed}")
        added += 1
    for measured in refused:
        print_line(f"no record: {measured.by}: {_numbers(measured)}", err=True)
        _print_disagreements(measured)
    print_line(f"{path}: {counted(added, 'network')} added")


def _print_disagreements(network: Known) -> None:
    """Print the accuracies that a network reaches by some ways of evaluation and not by others."""
    from analysis.records.known import ACCURACIES, reached

    for target in ACCURACIES:
        if len(set(reached(network, target))) > 1:
            print_line(
                f"does not count at {percent(target)}, of which the accuracies are on both sides",
                err=True,
            )


def _numbers(network: Known) -> str:
    accuracy = ", ".join(f"{name} {value:.6%}" for name, value in network.accuracy.items())
    return ", ".join([*(f"{n} {name}" for name, n in network.counts.items()), accuracy])


def _show(known: Sequence[Known], dataset: str | None, *, as_json: bool) -> None:
    """Print the records of one data set with who found them, or an overview of all."""
    from analysis.records.bounds import (
        bound_at,
        none_found_up_to,
        of_three_layers,
        proven_bounds,
        tried_networks,
    )
    from analysis.records.known import records as records_among

    @cache
    def from_files(dataset: str) -> tuple[Mapping[Fraction, int], Mapping[int, float]]:
        folder = published_folder()
        searched = tried_networks(folder, of_three_layers(dataset))
        return proven_bounds(folder, dataset), searched.highest

    rows: list[dict[str, Any]] = []
    for one in records_among([one for one in known if dataset in (None, one.dataset)]):
        bounds, tried = from_files(one.dataset)
        rows.append(
            {
                "dataset": one.dataset,
                "accuracy": float(one.accuracy),
                "count": one.count,
                "proven": bound_at(bounds, one.accuracy),
                "none_found_up_to": none_found_up_to(tried, one.accuracy),
                "known": one.fewest,
                "reached": min(one.holder.accuracy.values()),
                "by": one.holder.by,
                "trainings": one.holder.trainings,
                "core_seconds": one.holder.core_seconds,
            }
        )
    if as_json:
        print(json.dumps(rows))
    elif rows:
        shown = _overview(rows) if dataset is None else rows
        show_result(pa.Table.from_pylist(shown).to_reader())
    else:
        print_line("no network is known yet: `sparsest records --from STORE` adds those of a store")


def _overview(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each data set and accuracy, with all counts and without the networks."""
    columns = {"weights": "weights", "weights and biases": "with_biases", "live weights": "live"}
    overview: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        key = row["dataset"], row["accuracy"]
        at = {"dataset": key[0], "accuracy": key[1]}
        bounds = {name: row[name] for name in ("proven", "none_found_up_to")}
        one = overview.setdefault(key, at | dict.fromkeys(columns.values()) | bounds)
        one[columns[row["count"]]] = row["known"]
    return list(overview.values())


def _draw(
    known: Sequence[Known],
    dataset: str | None,
    targets: Sequence[str],
    output: Path,
    *,
    overwrite: bool,
) -> None:
    from analysis.drawing.files import check_drawing_path, save_drawing
    from analysis.records.figure import record_drawing, records_figure

    name = dataset or CUBIST_SPIRAL.name
    with user_errors("", LookupError, ZeroDivisionError, writing=output):
        check_drawing_path(output)
        accuracies = [Fraction(text) for text in targets]
        if accuracies:
            figure = record_drawing(known, name, accuracies)
        else:
            figure = records_figure(known, name)
        save_drawing(figure, output, overwrite=overwrite)
    print_line(str(output))
