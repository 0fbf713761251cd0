"""The rows of a report: those of one data set, with settings as part of the methods' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa

from analysis.selection import VARIANT, choose_dataset
from storage.reading.literals import sql_text, sql_tuple
from storage.results_reader import ResultsReader

_ALL_ROWS = "FROM results"

Scope = Literal["report", "dataset", "all"]
"""Rows that a query is about: those of the report, all of its data set, or all of the reader."""


class Source:
    """The rows of one data set, which has to be chosen if there are several.

    Trainings with other hyperparameters than the authors', or another `init_scheme` than the
    method's usual one, count as another method, such as "snip (batches=4)". The report is about the
    named studies, or all. `dataset` is the name of the data set, and `methods` are those of all
    rows.

    Raises:
        ValueError: as for `choose_dataset`.
    """

    def __init__(
        self, reader: ResultsReader, dataset: str | None = None, studies: Sequence[str] = ()
    ) -> None:
        self.reader = reader
        of_studies = f"study IN {sql_tuple(studies)}" if studies else ""
        chosen = _selected("*", of_studies)
        self.dataset = choose_dataset(
            lambda query: reader.sql(query.replace(_ALL_ROWS, chosen)),
            dataset,
            option="--dataset NAME",
        )
        (found,) = reader.sql(
            "SELECT count(DISTINCT dataset) AS datasets, "
            "count(coalesce(hyperparameters, init_scheme)) AS with_settings FROM results"
        ).to_pylist()
        columns = f"* REPLACE ({VARIANT} AS method)" if found["with_settings"] else "*"
        of_dataset = f"dataset = {sql_text(self.dataset)}" if found["datasets"] > 1 else ""
        self._rows: dict[Scope, str] = {
            "report": _selected(columns, of_dataset, of_studies),
            "dataset": _selected(columns, of_dataset),
            "all": _selected(columns),
        }
        methods = self.sql("SELECT DISTINCT method FROM results ORDER BY 1", "all")
        self.methods: list[str] = methods.column("method").to_pylist()

    def sql(self, query: str, scope: Scope = "report") -> pa.Table:
        """Run a query over the rows of a scope."""
        return self.reader.sql(self.as_asked(query, scope))

    def as_asked(self, query: str, scope: Scope = "report") -> str:
        """Return a query over the rows of a scope, as `sql` runs it and as the page shows it."""
        return query.replace(_ALL_ROWS, self._rows[scope])


def _selected(columns: str, *conditions: str) -> str:
    """Return a FROM clause with columns and conditions; the view itself without any."""
    where = " AND ".join(filter(None, conditions))
    if columns == "*" and not where:
        return _ALL_ROWS
    return f"FROM (SELECT {columns} FROM results{f' WHERE {where}' if where else ''}) AS results"
