"""The command that draws trained networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.commands.options import InitFile, MaybeStorePath, Overwrite, Published
from orchestrator.commands.results import results_reader
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from search.methods import all_methods
from storage.results_reader import ResultsReader

# What draws takes a second to load, with torch and matplotlib: the functions below import it, so
# that no other command waits for it.


def show(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EXPERIMENT",
            help="Experiments to draw, side by side: an experiment_id or its first digits, or a "
            "number such as random:43531.",
        ),
    ] = None,
    store: MaybeStorePath = None,
    published: Published = False,
    best: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help="Draw the sparsest network of a method (search, snip, ...) that reaches --target.",
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(metavar="A", min=0, max=1, help="Accuracy for --best [default: 0.95]"),
    ] = None,
    width: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="For --best: only this width.")
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="For --best: only this study [default: all but those from a stored "
            "initialisation]",
        ),
    ] = None,
    init: InitFile = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="F",
            help="The .svg, .png or .pdf to write [default: the experiment's number.svg]",
        ),
    ] = None,
    overwrite: Overwrite = False,
    dark: Annotated[bool, typer.Option("--dark", help="Draw on dark ground.")] = False,
) -> None:
    """Draw trained networks, as TensorFlow Playground does.

    Neurons are pictures of their output over the input plane, curves are weights: blue is positive,
    orange negative, thicker is larger. What is on no path from an input to the output is grey. To
    the right are the decision region with the data over it, and the numbers. Rows without weights
    are trained again and checked.
    """
    if not names and not best:
        raise UserError("say what to draw: an experiment, or --best METHOD")
    if not best and (target, width, study) != (None, None, None):
        raise UserError("--target, --width and --study go with --best METHOD")
    with results_reader(store, published) as reader:
        rows = [reader.row(name) for name in names or ()]
        goal = 0.95 if target is None else target
        rows += [_best(reader, method, goal, width, study) for method in best or ()]
        _draw(rows, reader, init, output, overwrite=overwrite, dark=dark)


def _best(
    reader: ResultsReader, method: str, target: float, width: int | None, study: str | None
) -> dict[str, Any]:
    from analysis.best_row import best_row

    try:
        return best_row(reader, method, target, width=width, study=study)
    except LookupError as error:
        # Looked at only now: a store can hold the rows of a plug-in that is not installed here.
        if method not in all_methods():
            known = ", ".join(all_methods())
            raise UserError(
                f"--best {method}: there is no such method; there are {known}"
            ) from error
        raise UserError(f"--best {method}: {error}") from error


def _draw(
    rows: list[dict[str, Any]],
    reader: ResultsReader,
    init: Path | None,
    output: Path | None,
    *,
    overwrite: bool,
    dark: bool,
) -> None:
    from analysis.drawing.caption import label_of
    from analysis.drawing.figure import MAX_NETWORKS, draw
    from analysis.drawing.files import check_drawing_path, save_drawing
    from analysis.retrain import was_left_out, with_network

    if len(rows) > MAX_NETWORKS:
        raise UserError(f"{len(rows)} networks: at most {MAX_NETWORKS} can be drawn together")
    labels = [label_of(row) for row in rows]
    path = output or Path(f"{'-and-'.join(map(_in_a_file_name, labels))}.svg")
    try:
        check_drawing_path(path, overwrite=overwrite)
        networks: list[Mapping[str, Any]] = []
        for row, label in zip(rows, labels, strict=True):
            if was_left_out(row):
                print_line(f"{label}: its weights are not stored; training it again", err=True)
            networks.append(with_network(row, reader, init))
        save_drawing(draw(*networks, dark=dark), path, overwrite=overwrite)
    except OSError as error:
        # Those of the checks have no strerror, but whole sentences.
        said = f"{path} cannot be written: {error.strerror}" if error.strerror else str(error)
        raise UserError(said) from error
    except ValueError as error:
        raise UserError(str(error)) from error
    print_line(f"{path}: {', '.join(labels)}")


def _in_a_file_name(label: str) -> str:
    return re.sub(r"[^\w.-]", "-", label)
