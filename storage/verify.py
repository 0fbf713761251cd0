"""Checking every byte of a store against its log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.errors import StoreDamaged
from storage.log import read_log
from storage.marker import check_marker
from storage.parts import check_part_content, check_part_schema
from storage.paths import StorePaths
from storage.state import StoreState


@dataclass(frozen=True)
class Problem:
    """Something in a store that is not what the log says.

    Attributes:
        file: path of the file.
        problem: what is wrong with it.
    """

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


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
        check_marker(paths)
        state = StoreState(paths)
        state.add_all(read_log(paths))
    except StoreDamaged as damage:
        return [Problem(str(damage.file), damage.problem)]
    problems = []
    for part in state.parts:
        try:
            check_part_schema(paths, part)
            check_part_content(paths, part)
        except StoreDamaged as damage:
            problems.append(Problem(str(damage.file), damage.problem))
    return problems
