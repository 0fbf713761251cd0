"""Checking a store against its log: every byte, and what the bytes say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.study import Study
from storage.checking.known_studies import KnownStudies
from storage.checking.leftovers import find_leftovers, list_store
from storage.checking.problem import FROM_A_COPY, Problem
from storage.checking.verify_part import Ids, check_part
from storage.data.parts import check_part_content, check_part_schema
from storage.errors import StoreDamaged
from storage.lock import current_holder
from storage.log.entries import Entry, RowsReplaced
from storage.log.files import read_log
from storage.log.state import StoreState
from storage.marker import check_marker
from storage.paths import StorePaths


@dataclass
class Inspection:
    """What was looked at in a store, and what was found.

    Attributes:
        problems: what is not as the log says.
        leftovers: files that nothing needs; the store is whole all the same.
        entries: number of log entries.
        files: number of data files.
        rows: in these files.
        bytes: of these files.
        ids_by_study: rows whose id, number and settings were made again from their study and place.
        ids_by_row: rows whose id was made again from their own columns, because the study is that
            of a sweep file that was not given.
    """

    problems: list[Problem] = field(default_factory=list)
    leftovers: list[Problem] = field(default_factory=list)
    entries: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    ids_by_study: int = 0
    ids_by_row: int = 0


def verify_store(path: str | Path) -> list[Problem]:
    """Checks the log, and the size and SHA-256 of every data file; reads all of them.

    DuckDB by itself does not notice flipped bits in a data file.

    Returns:
        The problems, none where all is well. A damaged log is the only problem then named, since
        nothing else can be told.

    Raises:
        NotAStore: there is no store.
        StoreVersion: a newer version of sparsest wrote it.
    """
    paths = StorePaths.of(path)
    try:
        state, _ = _read(paths)
    except StoreDamaged as damage:
        return [Problem.of(damage)]
    problems = []
    for part in state.parts:
        try:
            check_part_schema(paths, part)
            check_part_content(paths, part)
        except StoreDamaged as damage:
            problems.append(Problem.of(damage))
    return problems


def inspect_store(path: str | Path, studies: Sequence[Study] = ()) -> Inspection:
    """Checks everything of a store that can be checked; only reads, also while a sweep runs.

    Beyond `verify_store`: that the rows of each data file are those that its log entry names, by
    number, place, study, sweep and status; that they keep to the form of a result; that their ids
    follow from their studies and places, or from their own columns where the study is not known;
    that no experiment is there twice; and what lies in the folder without belonging to the store.

    All rows are looked at. Held in memory: one data file, and 16 bytes a row.

    Args:
        path: folder of the store.
        studies: those of sweep files; the paper's are known.

    Raises:
        NotAStore: there is no store.
        StoreVersion: a newer version of sparsest wrote it.
    """
    paths = StorePaths.of(path)
    report = Inspection()
    # Before the log: what is published meanwhile is not taken for a leftover.
    listed, writing = list_store(paths), current_holder(paths) is not None
    try:
        state, entries = _read(paths)
    except StoreDamaged as damage:
        report.problems.append(Problem.of(damage))
        return report
    report.entries = state.entries
    _check_parts(paths, state, studies, report)
    if not writing and current_holder(paths) is None:
        replaced = {file for e in entries if isinstance(e, RowsReplaced) for file in e.removed}
        named = {part.file for part in state.parts}
        report.leftovers = list(find_leftovers(paths, listed, named, replaced))
    return report


def _read(paths: StorePaths) -> tuple[StoreState, list[Entry]]:
    check_marker(paths)
    state = StoreState(paths)
    entries = read_log(paths)
    state.add_all(entries)
    return state, entries


def _check_parts(
    paths: StorePaths, state: StoreState, studies: Sequence[Study], report: Inspection
) -> None:
    known = KnownStudies(state, studies)
    ids = Ids()
    found: dict[str, list[Problem]] = {}
    for part in state.parts:
        found[part.file] = list(check_part(paths, part, known, ids))
        report.files += 1
        report.rows += part.rows
        report.bytes += part.bytes
    if any(found.values()):
        # A file that another process has replaced meanwhile may be gone by now.
        still = {part.file for part in _read(paths)[0].parts}
        found = {file: problems for file, problems in found.items() if file in still}
    report.problems += [problem for problems in found.values() for problem in problems]
    report.problems += _twice(paths, ids)
    report.ids_by_study, report.ids_by_row = ids.by_study, ids.by_row


def _twice(paths: StorePaths, ids: Ids) -> Iterator[Problem]:
    repeated = ids.repeated()
    if repeated:
        problem = f"{len(repeated):,} experiments are stored twice, {repeated[0]} for one"
        yield Problem(str(paths.log), problem, FROM_A_COPY)
