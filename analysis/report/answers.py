"""Query results and sections: every figure of the report shows the SQL that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from analysis.figures.chart import Chart
from analysis.findings import question
from analysis.report.source import Scope, Source


@dataclass(frozen=True)
class Answer:
    """A table with the query that gave it.

    Attributes:
        name: stem of its file, in lower case.
        title: one-line description.
        sql: the query; empty if there is none.
        method: how the table was computed from other rows or without any; empty for a query's own
            result.
    """

    name: str
    title: str
    sql: str
    table: pa.Table
    method: str = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes:
        name: id in the page.
        tab: label of its tab, two or three words.
        title, text: heading and paragraphs.
        answers: tables; those with few rows are shown.
        needs: studies of the paper that the figures are made from.
    """

    name: str
    tab: str
    title: str
    text: Sequence[str]
    charts: Sequence[Chart]
    answers: Sequence[Answer]
    needs: Sequence[str] = ()


def ask(source: Source, name: str, title: str, scope: Scope = "report") -> Answer:
    """Run a query of `analysis.findings` over the rows of a scope.

    Raises:
        KeyError: there is no query of this name.
    """
    sql = question(name)
    asked = source.as_asked(sql, scope)
    return Answer(name.replace("_", "-"), title, asked, source.sql(sql, scope))


def grouped(
    rows: Sequence[dict[str, Any]], *by: str
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Group rows by the values of some columns, in the order of the rows."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return groups


def percent_name(target: float) -> str:
    """Format an accuracy without trailing zeros, such as "95 %" or "99.5 %"."""
    return f"{100 * target:g} %"


def statistic_note(statistic: str) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that describes the best, the mean or the median of a row's trainings.

    A click on a point opens the best network, so the note of a mean or a median says that the
    network is not the one of this value.
    """

    def note(row: Mapping[str, Any]) -> str:
        if row["trainings"] == 1:
            return "the only training"
        text = f"{statistic} of {row['trainings']:,} trainings"
        return text if statistic == "best" else f"{text}; the network shown is the best of them"

    return note


def sparsest_note(row: Mapping[str, Any]) -> str:
    """Describe a point that is the sparsest of a row's networks."""
    return f"sparsest of {row['networks']:,} that reach it"
