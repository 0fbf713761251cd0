"""The command `try`: one training of a method, with everything that it did."""

from __future__ import annotations

import traceback
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import typer

from orchestrator.commands.options import whole_number
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.observed_training import find_method, observed_training
from search.experiment import Experiment
from search.methods import method_named

_MAX_COLUMNS = 64
"""Widest layer whose mask is drawn."""

_MAX_COUNTS = 12
"""Number of counts over time that are shown."""

_DEFAULTS = Experiment()


def try_method(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A method, or the folder of a package with one, which need not be installed.",
        ),
    ],
    width: Annotated[int, whole_number("Width of three hidden layers.")] = 8,
    target: Annotated[
        int | None, whole_number("Number of weights to keep [default: 30 if the method needs one]")
    ] = None,
    dataset: Annotated[str, typer.Option(metavar="S", help="Data set.")] = _DEFAULTS.dataset,
    epochs: Annotated[int, whole_number("Epochs of a round.")] = _DEFAULTS.epochs,
    lr: Annotated[float, typer.Option(metavar="X", min=0, help="Learning rate.")] = _DEFAULTS.lr,
    seed: Annotated[int, whole_number("Number of the repetition.", minimum=0)] = 0,
) -> None:
    """Train a pruning method once and show its masks, its weights over time, and its errors.

    Nothing is stored. An error of the method is shown with its traceback; the exit code is then 1.
    """
    method = find_method(name)
    specification = method_named(method)
    if not specification.chooses_masks:
        raise UserError(f"method {method!r} does not choose masks: there is nothing to try")
    if "target_nnz" in specification.keys and target is None:
        target = 30
    experiment = Experiment(
        method=method,
        dataset=dataset,
        width=width,
        target_nnz=target,
        epochs=epochs,
        lr=lr,
        replicate=seed,
    )
    try:
        row, counts = observed_training(experiment)
    except Exception as error:  # the method's code can raise anything
        print_line(traceback.format_exc().rstrip(), err=True)
        raise typer.Exit(1) from error
    _print(row, counts)
    if row["status"] == "failed":
        raise typer.Exit(1)


def _print(row: dict[str, Any], counts: list[tuple[int, int]]) -> None:
    for step, kept in _thinned(counts):
        print_line(f"from step {step:>6,}: {kept:,} weights")
    if row["weights"] is None:
        print_line(f"{row['status']}: {row['reason']}")
        return
    print_line(
        *_masks(row["layers"], row["weight_index"]),
        f"{row['status']}: accuracy {100 * row['accuracy']:.2f} %, loss {row['loss']:.4f}, "
        f"{row['weight_nnz']} weights, {row['effective_nnz']} of them on a path from an input to "
        f"the output; trained in {row['train_ms']:.0f} ms",
    )


def _thinned(counts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return up to `_MAX_COUNTS` counts, evenly spread, with the first and the last."""
    if len(counts) <= _MAX_COUNTS:
        return counts
    positions = np.linspace(0, len(counts) - 1, _MAX_COUNTS).round().astype(int)
    return [counts[position] for position in positions]


def _masks(sizes: list[int], kept: list[int]) -> list[str]:
    """Return the mask of each layer as lines of text, rows for neurons."""
    lines = []
    flat = np.zeros(sum(n_in * n_out for n_in, n_out in pairwise(sizes)), np.bool_)
    flat[kept] = True
    start = 0
    for number, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        mask = flat[start : start + n_in * n_out].reshape(n_out, n_in)
        start += n_in * n_out
        lines.append(f"layer {number}: {int(mask.sum())} of {mask.size} weights")
        if max(n_in, n_out) <= _MAX_COLUMNS:
            lines += ["  " + "".join("#" if one else "." for one in row) for row in mask]
    return lines
