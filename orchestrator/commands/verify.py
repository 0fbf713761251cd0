"""The command that checks everything in a store."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson, StorePath
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.doctor.finding import PROBLEM, print_finding, problem, warning
from orchestrator.planning.targets import find_targets
from storage.checking.verify import Inspection, inspect_store


def verify(
    store: StorePath,
    sweep_files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE.toml",
            help="Sweep files, as they were when the rows were stored: ids of their rows are then "
            "made again from them.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check everything in a store, also while a sweep runs.

    Every log entry and every byte of the data files, that the rows are those which the log names,
    that their ids follow from their studies, and that no experiment is there twice. All rows are
    looked at; nothing is changed. The exit code is 1 where there is a problem.
    """
    studies = [selection.study for selection in find_targets(sweep_files or ()).selections]
    report = inspect_store(store, studies)
    if as_json:
        print(json.dumps({"ok": not report.problems, **asdict(report)}))
    else:
        _show(report)
    if report.problems:
        raise typer.Exit(PROBLEM)


def _show(report: Inspection) -> None:
    for found in report.problems:
        print_finding(problem(found.file, found.problem, found.advice))
    for left, files in Counter((one.problem, one.advice) for one in report.leftovers).items():
        example = next(one.file for one in report.leftovers if (one.problem, one.advice) == left)
        others = f" and {counted(files - 1, 'other')}" if files > 1 else ""
        print_finding(warning(f"{example}{others}", *left))
    print_line(
        f"{counted(report.rows, 'row')} in {counted(report.files, 'file')} "
        f"({human_bytes(report.bytes)}), {report.entries:,} log entries: "
        + (counted(len(report.problems), "problem") if report.problems else "no problem")
    )
    print_line(
        f"ids made again: {report.ids_by_study:,} from study and place, {report.ids_by_row:,} from "
        "the row's own settings"
    )
