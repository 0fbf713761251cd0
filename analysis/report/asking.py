"""Questions and answers: every figure of the report is what some SQL gave, and shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from analysis.findings import question
from analysis.report.one_dataset import Source


@dataclass(frozen=True)
class Answer:
    """What came out.

    Attributes:
        name: of its file, in lower case.
        title: a line.
        sql: what was asked; empty where it was computed without any.
        table: the rows.
        how: what was computed from the SQL's rows, or instead; empty where nothing was.
    """

    name: str
    title: str
    sql: str
    table: pa.Table
    how: str = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Column -> value, a dictionary a row."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows


def ask(reader: Source, name: str, title: str) -> Answer:
    """Asks one of the questions of `analysis.findings`, and keeps it.

    Raises:
        KeyError: there is no question of that name.
    """
    sql = question(name)
    return Answer(name.replace("_", "-"), title, reader.narrowed(sql), reader.sql(sql))


def grouped(
    rows: Sequence[dict[str, Any]], *by: str
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Rows by the values of some columns, in the order in which they come."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return groups


def percent_name(target: float) -> str:
    """95 %, 99.5 %."""
    return f"{100 * target:g} %"


def stands_for(statistic: str, trainings: int) -> str:
    """What a point says that is the best, the mean or the median of some trainings.

    A mean is no network: the one behind the point is the best, and the point says so.
    """
    if trainings == 1:
        return "of the only training"
    said = f"{statistic} of {trainings:,} trainings"
    return said if statistic == "best" else f"{said}; the network is the best of them"
