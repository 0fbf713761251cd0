"""The command `verify`: checks of everything in a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson, StorePath, argument, flag
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.doctor.diagnosis import print_diagnosis, problem, warning
from orchestrator.invocation import Invocation
from orchestrator.planning.targets import find_targets
from search.study import Study
from storage.checking.rebuild import rebuild_log
from storage.checking.verify import Inspection, inspect_store


def verify(
    store: StorePath,
    sweep_files: Annotated[
        list[str] | None,
        argument(
            "FILE.toml",
            "Sweep files, as they were when the rows were stored. The ids of their rows are "
            "then derived from them.",
        ),
    ] = None,
    rebuild: Annotated[
        bool,
        flag(
            "--rebuild",
            "First add the data files that no log entry names to the log, for example after "
            "the folder log/ was lost.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything in a store, also while a sweep runs.

    Checks every log entry, every byte of the data files, that their rows are those that the log
    names, that the rows' ids follow from their studies, and that no experiment is stored twice.
    Changes nothing, unless --rebuild is given. The exit code is 1 if there is a problem.
    """
    studies = [selection.study for selection in find_targets(sweep_files or ())]
    if rebuild:
        _rebuild(store, studies, quiet=as_json)
    report = inspect_store(store, studies)
    if as_json:
        print(json.dumps({"ok": not report.problems, **asdict(report)}))
    else:
        _print(report)
    if report.problems:
        raise typer.Exit(1)


def _rebuild(store: Path, studies: Sequence[Study], *, quiet: bool) -> None:
    """Rebuild the log, and print what was added, what was not, and what stays lost."""
    done = rebuild_log(store, command=Invocation.current().recorded, studies=studies)
    if quiet:
        return
    for file, reason in done.unused.items():
        advice = "the next process that writes to the store moves it to the quarantine"
        print_diagnosis(warning(str(file), f"not added to the log: {reason}", advice))
    print_line(f"added to the log: {counted(done.rows, 'row')} in {counted(done.files, 'file')}")
    if done.files:
        print_line(
            f"lost: command, versions and times of {counted(len(done.sweeps), 'sweep')}, stored "
            "initialisations, choices of searches, and which rows were forgotten, as far as only "
            "the lost entries said so"
        )


def _print(report: Inspection) -> None:
    for damage in report.problems:
        print_diagnosis(problem(damage.file, damage.problem, damage.advice))
    kinds = Counter((leftover.problem, leftover.advice) for leftover in report.leftovers)
    for kind, files in kinds.items():
        example = next(one.file for one in report.leftovers if (one.problem, one.advice) == kind)
        others = f" and {counted(files - 1, 'other')}" if files > 1 else ""
        print_diagnosis(warning(f"{example}{others}", *kind))
    print_line(
        f"{counted(report.rows, 'row')} in {counted(report.files, 'file')} "
        f"({human_bytes(report.bytes)}), {report.entries:,} log entries: "
        + (counted(len(report.problems), "problem") if report.problems else "no problems")
    )
    print_line(
        f"ids checked: {report.ids_by_study:,} from study and index, {report.ids_by_row:,} from "
        "the row's own settings"
    )
