"""The command that shows what a sweep costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.commands import options
from orchestrator.commands.options import new_store_location
from orchestrator.display.formatting import human_bytes, human_hours
from orchestrator.display.terminal import print_line, print_paragraph, print_table, text_table
from orchestrator.planning.calibration import Calibration, calibration, speed_note
from orchestrator.planning.estimate import estimate
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import chosen_targets, left_out, with_inits
from storage.paths import StorePaths
from storage.reading.reader import StoreReader

OptionalStore = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="D",
        parser=new_store_location,
        help="Store to compare with: a folder, or s3://BUCKET/PREFIX.",
    ),
]

COUNTS = ("planned", "stored", "remaining")


def plan(
    words: options.StudyWords,
    store: OptionalStore = None,
    where: options.Where = None,
    sample: options.Sample = None,
    shard: options.ShardWord = None,
    root_seed: options.RootSeed = 0,
    calibrate: options.Calibrate = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what is left to train, and what it costs on this machine.

    Prints the numbers of planned, stored and remaining experiments, with core-hours and disk space.
    The machine's speed is measured once, which takes two seconds, and kept.
    """
    part = options.parse_shard(shard)
    targets = chosen_targets(words, root_seed, where=where, sample=sample, shard=part)
    if store is not None and StorePaths(store).has_store():
        with StoreReader(store) as reader:
            planned = make_plan(with_inits(targets, reader.state.inits), reader)
    else:
        planned = make_plan(targets, None)
    speed = calibration(again=calibrate)
    rows = [_row(item, speed) for item in planned]
    print_line(*left_out(targets), err=True)
    if as_json:
        print(json.dumps({"calibration": speed.model_dump(mode="json"), "studies": rows}))
    else:
        _show(rows, speed)


def _row(item: PlannedStudy, speed: Calibration) -> dict[str, Any]:
    cost = estimate(item.study, item.remaining, speed)
    return {
        "study": item.study.name,
        "planned": len(item.wanted),
        "stored": len(item.stored),
        "remaining": len(item.remaining),
        "core_hours": cost.core_hours,
        "bytes": cost.bytes,
    }


def _show(rows: list[dict[str, Any]], speed: Calibration) -> None:
    cells = [_cells(row) for row in rows]
    if len(rows) > 1:
        numbers = (*COUNTS, "core_hours", "bytes")
        cells.append(_cells({"study": "all"} | {key: sum(r[key] for r in rows) for key in numbers}))
    print_table(text_table(("study", *COUNTS, "core-hours", "disk"), cells))
    print_paragraph(speed_note(speed))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{row[key]:,}" for key in COUNTS)
    return row["study"], *counts, human_hours(row["core_hours"]), human_bytes(row["bytes"])
