"""The command `replay`: training a stored experiment again and comparing the results."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.options import AsJson, InitFile, MaybeStorePath, Published, argument
from orchestrator.commands.results import results_reader, studies_of
from orchestrator.display.terminal import print_line
from orchestrator.errors import user_errors

if TYPE_CHECKING:
    from analysis.retrain import Difference, Replay


def replay(
    name: Annotated[
        str,
        argument(
            "EXPERIMENT", "An experiment_id, its first digits, or a number such as random:43531."
        ),
    ],
    store: MaybeStorePath = None,
    published: Published = False,
    init: InitFile = None,
    as_json: AsJson = False,
) -> None:
    """Train a stored experiment again and compare every weight.

    Nothing is stored. The exit code is 0 if the results agree bit for bit, and 1 if not. Results
    depend on the processor, so the arithmetic is that of the processor that made the row.
    """
    from analysis import retrain

    with results_reader(store, published, studies_of([name])) as reader:
        row = reader.row(name)
        with user_errors("", OSError):
            result = retrain.replay(row, reader.init, init)
    if as_json:
        same = {"experiment_id": row["experiment_id"], "same": result.same}
        print(json.dumps(same | asdict(result)))
    else:
        _print(row, result)
    if not result.same:
        raise typer.Exit(1)


def _print(row: dict[str, Any], result: Replay) -> None:
    lines = [
        f"experiment {row['experiment_id']}: stored by {result.backend}, "
        f"replayed by {result.backend_here}"
    ]
    for column, (stored, replayed) in result.other_columns.items():
        lines.append(f"{column}: {stored} stored, {replayed} replayed")
    if not result.other_columns:
        lines.append("status, accuracy, loss and weight counts: the same")
    if result.weights is None or result.biases is None:
        lines.append("weights and biases: not stored, not compared")
    else:
        lines.append(_difference("weights", result.weights))
        lines.append(_difference("biases", result.biases))
    lines.append("the same" if result.same else "not the same")
    print_line(*lines)


def _difference(name: str, difference: Difference) -> str:
    if not difference.differing:
        return f"{name}: all {difference.count:,} are bit-identical"
    return (
        f"{name}: {difference.differing:,} of {difference.count:,} differ, by at most "
        f"{difference.largest:.3g}"
    )
