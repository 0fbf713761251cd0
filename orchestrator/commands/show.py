"""The command `show`: drawings of trained networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from orchestrator.commands.options import (
    Dark,
    InitFile,
    MaybeStorePath,
    Overwrite,
    Published,
    argument,
    flag,
    number,
    option,
    output_option,
    whole_number,
)
from orchestrator.commands.results import results_reader, studies_of
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from search.methods import all_methods
from search.specification import label_of
from search.suggestions import suggestion
from storage.results_reader import ResultsReader


def show(
    names: Annotated[
        list[str] | None,
        argument(
            "EXPERIMENT",
            "Experiments to draw side by side: an experiment_id, its first digits, or a "
            "number such as random:43531.",
        ),
    ] = None,
    store: MaybeStorePath = None,
    published: Published = False,
    best: Annotated[
        list[str] | None,
        option(
            "METHOD",
            "Draw the sparsest network of a method (search, snip, ...) that reaches "
            "--target; repeatable.",
        ),
    ] = None,
    target: Annotated[
        float | None,
        number("Accuracy for --best [default: 0.95]", "A", maximum=1),
    ] = None,
    width: Annotated[int | None, whole_number("Width for --best [default: any]")] = None,
    structure: Annotated[
        str | None,
        option(
            "S", "Hidden layers for --best that were trained or pruned, such as 8x8 [default: any]"
        ),
    ] = None,
    study: Annotated[
        str | None,
        option(
            "S",
            "Study for --best, such as exchange [default: all of a store, or of the paper, that do "
            "not start from a stored initialisation]",
        ),
    ] = None,
    dataset: Annotated[
        str | None, option("S", "Data set for --best; needed if the method has rows of several.")
    ] = None,
    init: InitFile = None,
    output: Annotated[
        Path | None, output_option("File to write: .svg, .png or .pdf [default: NUMBER.svg]")
    ] = None,
    overwrite: Overwrite = False,
    dark: Dark = False,
    pruned: Annotated[
        bool,
        flag(
            "--pruned",
            "Draw what magnitude pruning without retraining leaves while the accuracy stays "
            "within 0.001.",
        ),
    ] = False,
    live: Annotated[
        bool, flag("--live", "Leave out weights and neurons that no point of the data set uses.")
    ] = False,
) -> None:
    """Draw trained networks as TensorFlow Playground does.

    Neurons show their output over the input plane or, with more than two inputs or classes, by
    class or as images. Lines are weights: blue is positive, orange negative, thicker is larger.
    Dashed grey lines are on no path from an input to the output; on every path through a dotted
    line is a neuron that never fires. On the right are the decision region with the data, or the
    confusion matrix, and the numbers of the network. Networks whose weights are not stored are
    trained again and checked.
    """
    if not names and not best:
        raise UserError("nothing to draw: name an experiment or add --best METHOD")
    filters = {"width": width, "structure": structure, "study": study, "dataset": dataset}
    if not best and any(value is not None for value in (target, *filters.values())):
        options = ", ".join(f"--{name}" for name in ("target", *filters))
        raise UserError(f"{options} need --best METHOD")
    with results_reader(store, published, studies_of([*(names or ()), study or ""])) as reader:
        rows = [reader.row(name) for name in names or ()]
        accuracy = 0.95 if target is None else target
        rows += [_best(reader, method, accuracy, filters) for method in best or ()]
        reduce = {"pruned": pruned, "live": live}
        _draw(rows, reader, init, output, reduce, overwrite=overwrite, dark=dark)


def _best(
    reader: ResultsReader,
    method: str,
    target: float,
    filters: Mapping[str, Any],
) -> dict[str, Any]:
    from analysis.selection import best_row

    try:
        with user_errors(f"--best {method}: "):
            return best_row(reader, method, target, **filters)
    except LookupError as error:
        # Checked only now: a store can hold rows of a plug-in that is not installed here.
        known = all_methods()
        if method in known:
            hint = "; --study S names another study" if filters["study"] is None else ""
            raise UserError(f"--best {method}: {error}{hint}") from error
        raise UserError(
            f"--best {method}: no such method{suggestion(method, known)}; there are: "
            f"{', '.join(known)}"
        ) from error


def _draw(
    rows: list[dict[str, Any]],
    reader: ResultsReader,
    init: Path | None,
    output: Path | None,
    reduce: Mapping[str, bool],
    *,
    overwrite: bool,
    dark: bool,
) -> None:
    from analysis.drawing.figure import MAX_NETWORKS, draw
    from analysis.drawing.files import check_drawing_path, save_drawing
    from analysis.retrain import was_left_out, with_network
    from analysis.row_network import reduced_row

    if len(rows) > MAX_NETWORKS:
        raise UserError(f"cannot draw {len(rows)} networks together; the limit is {MAX_NETWORKS}")
    labels = [label_of(row) for row in rows]
    name = "-and-".join(labels) + "".join(f"-{kind}" for kind, on in reduce.items() if on)
    path = output or Path(re.sub(r"[^\w.-]", "-", name) + ".svg")
    with user_errors(writing=path):
        check_drawing_path(path)
        networks: list[Mapping[str, Any]] = []
        for row, label in zip(rows, labels, strict=True):
            if was_left_out(row):
                print_line(f"{label}: weights are not stored; training it again", err=True)
            networks.append(reduced_row(with_network(row, reader.init, init), **reduce))
        save_drawing(draw(*networks, dark=dark), path, overwrite=overwrite)
    print_line(f"{path}: {', '.join(labels)}")
