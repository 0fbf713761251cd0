"""The command that shows the size of a structure's mask space."""

from __future__ import annotations

import json
from typing import Annotated, Any

from orchestrator.commands.options import AsJson, Calibrate, argument, whole_number
from orchestrator.display.formatting import human_count, human_hours
from orchestrator.display.terminal import print_paragraph, print_table, text_table
from orchestrator.planning.calibration import Calibration, calibration, speed_note
from orchestrator.planning.estimate import search_core_hours
from orchestrator.planning.space import MaskSpace, mask_space
from search.paper_grids import INPUTS

_DESCRIPTIONS = {
    "all": "all masks",
    "covering": "without an empty row or column",
    "eligible": 'eligible: masks = "all"',
    "distinct": 'distinct: masks = "distinct"',
    "paper": "listed by the paper",
    "paper-distinct": "distinct, of those listed",
}


def space(
    structure: Annotated[
        str, argument("STRUCTURE", "Neurons of the hidden layers, such as 7x3x3.")
    ],
    inputs: Annotated[int, whole_number("Number of features of the data.")] = INPUTS,
    calibrate: Calibrate = False,
    as_json: AsJson = False,
) -> None:
    """Show the number of networks with a structure, and what training them costs.

    Counts the masks of the hidden layers: all masks, those that the search tries, and those that
    differ by more than the order of the hidden neurons. The cost is for training each once.
    """
    counted = mask_space(structure, inputs)
    speed = calibration(again=calibrate)
    rows = [_row(counted, name, speed) for name in counted.populations]
    if as_json:
        print(json.dumps(_report(counted, rows, speed)))
    else:
        _show(counted, rows, speed)


def _row(space: MaskSpace, name: str, speed: Calibration) -> dict[str, Any]:
    networks, weights = space.populations[name].networks, space.mean_weights(name)
    return {
        "name": name,
        "networks": networks,
        "mean_weights": weights,
        "core_hours": search_core_hours(networks, weights, speed),
    }


def _report(space: MaskSpace, rows: list[dict[str, Any]], speed: Calibration) -> dict[str, Any]:
    listed = space.listed
    return {
        "structure": str(space.structure),
        "inputs": space.inputs,
        "hidden_weights": space.hidden_weights,
        "output_weights": space.output_weights,
        "populations": rows,
        "distinct_at_least": space.distinct_at_least,
        "paper": listed
        and {
            "study": listed.study,
            "nnz_below": listed.nnz_below,
            "mask2_limit": listed.mask2_limit,
        },
        "calibration": speed.model_dump(mode="json"),
    }


def _show(space: MaskSpace, rows: list[dict[str, Any]], speed: Calibration) -> None:
    print_paragraph(
        f"{space.structure} with {space.inputs} inputs: "
        f"{space.hidden_weights:,} weights in the hidden layers, {space.output_weights:,} in the "
        "output layer, which is dense."
    )
    cells = [
        (
            _DESCRIPTIONS[row["name"]],
            human_count(row["networks"]),
            f"{row['mean_weights']:.1f}",
            human_hours(row["core_hours"]),
        )
        for row in rows
    ]
    titles = ("masks of the hidden layers", "networks", "mean weights", "core-hours")
    print_table(text_table(titles, cells))
    for note in (*_notes(space), speed_note(speed)):
        print_paragraph(note)


def _notes(space: MaskSpace) -> list[str]:
    notes = []
    if space.distinct_at_least is not None:
        notes.append(
            "The distinct networks are too many to count exactly: at least "
            f"{human_count(space.distinct_at_least)}."
        )
    listed = space.listed
    if listed is not None:
        limits = []
        if listed.nnz_below is not None:
            limits.append(f"fewer than {listed.nnz_below} nonzeros in the hidden layers together")
        if listed.mask2_limit is not None:
            limits.append(
                f"the first {listed.mask2_limit} masks of the second layer for each number of "
                "nonzeros"
            )
        masks = f"only {', and only '.join(limits)}" if limits else "every eligible mask"
        notes.append(f"The paper lists ({listed.study}): {masks}.")
    notes.append("Mean weights include the output layer, but not the biases.")
    notes.append("Each network is trained once: one learning rate, one schedule, 50 epochs.")
    return notes
