"""The command that trains a stored row again and compares."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.options import AsJson, InitFile, MaybeStorePath, Published
from orchestrator.commands.results import results_reader
from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError

if TYPE_CHECKING:
    from analysis.replay import Difference, Replay

NOT_THE_SAME = 1
"""Exit code where something came out otherwise."""


def replay(
    name: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT",
            help="An experiment_id or its first digits, or a number such as random:43531.",
        ),
    ],
    store: MaybeStorePath = None,
    published: Published = False,
    init: InitFile = None,
    as_json: AsJson = False,
) -> None:
    """Train a stored experiment again and compare, weight by weight.

    Nothing is stored. The exit code is 0 if all came out the same, bit for bit, and 1 if not. Bits
    depend on the processor: a row is trained with the arithmetic of the one that made it.
    """
    # Imported here: torch takes seconds that other commands need not spend.
    from analysis import replay as replaying

    with results_reader(store, published) as reader:
        row = reader.row(name)
        try:
            done = replaying.replay(row, reader, init)
        except (OSError, ValueError) as error:
            raise UserError(str(error)) from error
    if as_json:
        print(
            json.dumps({"experiment_id": row["experiment_id"], "same": done.same, **asdict(done)})
        )
    else:
        _show(row, done)
    if not done.same:
        raise typer.Exit(NOT_THE_SAME)


def _show(row: dict[str, Any], done: Replay) -> None:
    console = plain_console()
    said = [
        f"experiment {row['experiment_id']}: made by {done.backend}, now by {done.backend_here}"
    ]
    for column, (stored, now) in done.other_columns.items():
        said.append(f"{column}: {stored} stored, {now} now")
    if not done.other_columns:
        said.append("status, accuracy, loss and counts of weights: the same")
    if done.weights is None or done.biases is None:
        said.append("weights and biases: none stored to compare with")
    else:
        said += [_difference("weights", done.weights), _difference("biases", done.biases)]
    said.append("the same" if done.same else "not the same")
    for line in said:
        console.print(line, soft_wrap=True)


def _difference(what: str, found: Difference) -> str:
    if not found.differing:
        return f"{what}: all {found.count:,} the same bits"
    return f"{what}: {found.differing:,} of {found.count:,} differ, by up to {found.largest:.3g}"
