"""Comparing the rows of two stores, experiment by experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import duckdb

from search.columns import COLUMNS
from search.schema import RESULT_SCHEMA
from storage.errors import StoreError
from storage.reading.connections import Files, connect_pair
from storage.reading.interrupt import interruptible
from storage.reading.literals import sql_list

NOT_COMPARED: Final = frozenset({"experiment_id", "study_index", "train_ms", "sweep_id"})
"""Columns that are not compared: the key, the index in the study (which an edit of a sweep file
changes), and what differs each time an experiment is trained."""

COMPARED: Final = tuple(name for name in RESULT_SCHEMA.names if name not in NOT_COMPARED)

MAY_LACK: Final = tuple(
    column.name
    for column in COLUMNS
    if column.role in ("optional", "parameter")
    or (column.role in ("metric", "origin") and column.since > 1)
)
"""Columns that rows of earlier versions, rows without curves and published rows lack. Rows do not
count as different if only one of them has such a column."""

EXAMPLES: Final = 5
"""Number of different rows shown as examples."""


@dataclass
class RowCounts:
    """Numbers of rows of a study, or of all studies.

    Attributes:
        only_a, only_b: experiments that only the first, or only the second store has.
        equal: rows that are the same in both.
        lacking: rows that are the same except for columns that one of them lacks.
        different: rows that differ in a column that both have.
    """

    only_a: int = 0
    only_b: int = 0
    equal: int = 0
    lacking: int = 0
    different: int = 0


@dataclass(frozen=True)
class Example:
    """An experiment with its number, GROUP:RUN_ID or NAME:NUMBER, and the columns that differ.

    `backends` are those of the first and of the second store's row.
    """

    experiment_id: str
    label: str
    columns: list[str]
    backends: tuple[str, str]


@dataclass
class Comparison:
    """The result of comparing two stores.

    Attributes:
        studies: study name -> numbers of rows.
        columns, lacking: column -> number of rows in which it differs, or that have it in one
            store.
        other_backend: number of different rows that were trained by different backends.
        backend_alone: number of those that differ in nothing else.
        examples: some of the different rows.
    """

    studies: dict[str, RowCounts] = field(default_factory=dict)
    columns: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    other_backend: int = 0
    backend_alone: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def total(self) -> RowCounts:
        """Numbers of rows of all studies together."""
        counts = [vars(counts) for counts in self.studies.values()]
        return RowCounts(**{name: sum(one[name] for one in counts) for name in vars(RowCounts())})

    def details(self) -> list[str]:
        """Return lines about the rows that are not the same, and some of them as examples."""
        lines = []
        if self.lacking:
            lines.append(f"lacking: only one of the two rows has {_counted(self.lacking)}")
        if self.columns:
            lines.append(f"different: {_counted(self.columns)}")
        if self.other_backend:
            lines.append(
                f"{self.other_backend:,} different rows were trained by different backends; "
                f"{self.backend_alone:,} of them differ in nothing else"
            )
        return lines + [
            f"  {one.label} ({one.experiment_id}), {' / '.join(one.backends)}: "
            f"{', '.join(one.columns)}"
            for one in self.examples
        ]

    @property
    def same(self) -> bool:
        """Whether both stores have the same experiments and no row differs."""
        total = self.total
        return not (total.only_a or total.only_b or total.different)


def compare(first: Files, second: Files, studies: Sequence[str] | None = None) -> Comparison:
    """Compare the rows of two stores by experiment id; of all studies, or of those named.

    Raises:
        StoreError: a file cannot be read.
    """
    try:
        with connect_pair(first, second) as connection:
            return interruptible(connection, partial(_compare, connection, studies))
    except duckdb.Error as error:
        raise StoreError(f"The rows could not be compared: {error}") from error


def _compare(connection: duckdb.DuckDBPyConnection, studies: Sequence[str] | None) -> Comparison:
    # Columns are compared only where the hashes differ: those of all rows need too much memory.
    for side in ("a", "b"):
        connection.execute(
            f"CREATE TEMP TABLE keys_{side} AS SELECT experiment_id, study, "
            f"hash({', '.join(COMPARED)}) AS content FROM {side} "
            "WHERE $studies IS NULL OR list_contains($studies, study)",
            {"studies": None if studies is None else list(studies)},
        )
    comparison = Comparison()
    for study, only_a, only_b, equal in connection.execute(
        "SELECT coalesce(a.study, b.study) AS study, "
        "count(*) FILTER (b.experiment_id IS NULL), count(*) FILTER (a.experiment_id IS NULL), "
        "count(*) FILTER (a.content = b.content) "
        "FROM keys_a AS a FULL JOIN keys_b AS b USING (experiment_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        comparison.studies[study] = RowCounts(only_a, only_b, equal)
    connection.execute(f"CREATE TEMP TABLE pairs AS {_pairs()}")
    groups = connection.execute(
        "SELECT study, differ, lack, backend_a, backend_b, count(*) FROM pairs GROUP BY ALL"
    ).fetchall()
    for study, differ, lack, backend_a, backend_b, count in groups:
        counts = comparison.studies[study]
        comparison.lacking.update(dict.fromkeys(lack, count))
        if not differ:
            counts.lacking += count if lack else 0
            counts.equal += 0 if lack else count
            continue
        counts.different += count
        comparison.columns.update(dict.fromkeys(differ, count))
        if backend_a != backend_b:
            comparison.other_backend += count
            comparison.backend_alone += count if differ == ["backend"] else 0
    comparison.examples = [
        Example(experiment_id, label, columns, (backend_a, backend_b))
        for experiment_id, label, columns, backend_a, backend_b in connection.execute(
            "SELECT experiment_id, label, differ, backend_a, backend_b FROM pairs "
            f"WHERE len(differ) > 0 ORDER BY study, study_index LIMIT {EXAMPLES}"
        ).fetchall()
    ]
    return comparison


def _pairs() -> str:
    """Return SQL for the rows that are not the same in both stores, with what differs."""
    lack = {name: f"(a.{name} IS NULL) <> (b.{name} IS NULL)" for name in MAY_LACK}
    differ = {
        name: f"a.{name} IS DISTINCT FROM b.{name}"
        + (f" AND NOT {lack[name]}" if name in lack else "")
        for name in COMPARED
    }
    return (
        "SELECT experiment_id, a.study AS study, a.study_index AS study_index, "
        "coalesce(a.paper_group, a.study) || ':' || coalesce(a.paper_run_id, a.study_index + 1) "
        "AS label, a.backend AS backend_a, b.backend AS backend_b, "
        f"{_names(differ)} AS differ, {_names(lack)} AS lack "
        "FROM a JOIN b USING (experiment_id) WHERE experiment_id IN (SELECT a.experiment_id "
        "FROM keys_a AS a JOIN keys_b AS b USING (experiment_id) WHERE a.content <> b.content)"
    )


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in names.most_common())


def _names(conditions: Mapping[str, str]) -> str:
    """Return SQL for the list of the names whose condition holds."""
    return f"list_where({sql_list(conditions)}, [{', '.join(conditions.values())}])"
