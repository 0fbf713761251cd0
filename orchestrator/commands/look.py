"""Commands that look at studies: what there is, what is in them, what they would cost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, JustifyMethod
from rich.table import Table

from orchestrator.calibration import Calibration, calibration
from orchestrator.commands.options import AsJson, RootSeed, StudyWords
from orchestrator.estimate import estimate
from orchestrator.inits import tokens
from orchestrator.plan import PlannedStudy, make_plan
from orchestrator.show import human_bytes, human_hours
from orchestrator.targets import Targets, find_targets, with_inits
from pruning.registry import METHODS
from search.catalogue import STUDY_NAMES, resolve
from search.tsv import tsv_lines
from storage.reader import StoreReader

OptionalStore = Annotated[
    Path | None, typer.Option("--store", metavar="D", help="Folder of the store to compare with.")
]


def studies(as_json: AsJson = False) -> None:
    """List the studies: their experiments, and where they stand in the authors' numbering."""
    rows: list[dict[str, Any]] = []
    for name in STUDY_NAMES:
        selections = resolve(name)
        study = selections[0].study
        single = len(selections) == 1
        methods = sorted(set().union(*(s.study.methods for s in selections)))
        rows.append(
            {
                "study": name,
                "experiments": sum(len(s.indices) for s in selections),
                "paper_group": study.paper_group if single else None,
                "run_ids": [study.paper_run_id(0), study.paper_run_id(len(study) - 1)]
                if single
                else None,
                "description": study.description if single else _DESCRIPTIONS[name],
                "methods": methods,
                "trainable": set(methods) <= set(METHODS),
            }
        )
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(box=None, header_style="bold")
    for title in ("study", "experiments", "group: RUN_IDs", "what"):
        justify: JustifyMethod = "right" if title == "experiments" else "left"
        table.add_column(title, justify=justify, no_wrap=title != "what")
    for row in rows:
        ids = row["run_ids"]
        numbers = f"{row['paper_group']}: {ids[0]:,} - {ids[1]:,}" if ids else ""
        table.add_row(row["study"], f"{row['experiments']:,}", numbers, row["description"])
    Console().print(table)


_DESCRIPTIONS = {
    "paper": "all ten studies",
    "demo": "a slice of phase1, phase2-95 and phase2-995; its rows count for them",
}


def list_experiments(
    study: Annotated[str, typer.Argument(metavar="STUDY|FILE.toml", help="What to list.")],
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated lines (the default).")] = True,
    as_json: AsJson = False,
) -> None:
    """List the experiments of a study, one a line.

    The columns are: GROUP:RUN_ID (or NAME:NUMBER), method, width, learning rate, schedule, epochs
    of all rounds, target_nnz, structure, and the masks; "-" stands for what there is not.
    """
    targets = find_targets([study])
    _say_left_out(targets)
    columns = ["label", "method", "width", "lr", "schedule", "epochs", "target_nnz", "structure"]
    for selection in targets.selections:
        lines = tsv_lines(selection.study, selection.indices)
        if as_json:
            for line in lines:
                values = line.split("\t")
                record: dict[str, Any] = dict(zip(columns, values, strict=False))
                record["masks"] = values[len(columns) :]
                print(json.dumps(record))
            continue
        sys.stdout.writelines(line + "\n" for line in lines)


def plan(
    words: StudyWords,
    store: OptionalStore = None,
    root_seed: RootSeed = 0,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure this machine's speed again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is planned, stored and left, with core-hours and disk space on this machine.

    The machine's speed is measured once, which takes two seconds, and kept.
    """
    speed = calibration(again=calibrate)
    targets = find_targets(words, root_seed)
    _say_left_out(targets)
    planned = plan_with_store(targets, store)
    rows = [_plan_row(item, speed) for item in planned]
    if as_json:
        print(json.dumps({"calibration": speed.model_dump(mode="json"), "studies": rows}))
        return
    table = Table(box=None, header_style="bold", show_footer=len(rows) > 1)
    trainable = [row for row in rows if row["core_hours"] is not None]
    table.add_column("study", "all that can be trained", no_wrap=True)
    for key in ("planned", "stored", "remaining"):
        total = sum(row[key] for row in trainable)
        table.add_column(key, f"{total:,}", justify="right")
    hours = sum(row["core_hours"] for row in trainable)
    size = sum(row["bytes"] for row in trainable)
    table.add_column("core-hours", human_hours(hours), justify="right")
    table.add_column("disk", human_bytes(size), justify="right")
    table.add_column("", no_wrap=True)
    for row in rows:
        counts = [f"{row[key]:,}" for key in ("planned", "stored", "remaining")]
        if row["core_hours"] is None:
            cost = ["-", "-", f"needs {', '.join(row['missing_methods'])}"]
        else:
            cost = [human_hours(row["core_hours"]), human_bytes(row["bytes"]), ""]
        table.add_row(row["study"], *counts, *cost)
    console = Console()
    console.print(table)
    console.print(
        f"Core-hours of one core of this machine ({speed.backend}), calibrated {speed.age}; "
        "`--calibrate` measures again.",
        highlight=False,
        soft_wrap=True,
    )


def plan_with_store(targets: Targets, store: Path | None) -> list[PlannedStudy]:
    """The plan against a store, which need not exist yet."""
    if store is None or not store.exists():
        return make_plan(targets.selections, None)
    with StoreReader(store) as reader:
        return make_plan(with_inits(targets, tokens(reader.inits)).selections, reader)


def _plan_row(item: PlannedStudy, speed: Calibration) -> dict[str, Any]:
    missing = sorted(item.study.methods - set(METHODS))
    cost = None if missing else estimate(item.study, item.remaining, speed)
    return {
        "study": item.study.name,
        "planned": len(item.wanted),
        "stored": len(item.stored),
        "remaining": len(item.remaining),
        "core_hours": None if cost is None else cost.core_hours,
        "bytes": None if cost is None else cost.bytes,
        "missing_methods": missing,
    }


def _say_left_out(targets: Targets) -> None:
    for selection in targets.selections:
        if selection.study.left_out:
            typer.echo(
                f"{selection.study.name}: {selection.study.left_out:,} combinations left out, "
                "because their target_nnz is not below the number of weights",
                err=True,
            )
