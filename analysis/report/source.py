"""The rows of a report: those of one data set, with settings as part of the methods' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa

from analysis.selection import VARIANT, choose_dataset
from storage.log.init_entries import FrozenInit, PublishedInit
from storage.reading.literals import sql_text, sql_tuple
from storage.results_reader import ParentRow, ResultsReader

_ALL_ROWS = "FROM results"


class Source(Protocol):
    """Access to the rows of a report."""

    def sql(self, query: str, *, every_dataset: bool = False) -> pa.Table:
        """Run a query over the rows of the report, or over those of every data set."""

    def as_asked(self, query: str, *, every_dataset: bool = False) -> str:
        """Return a query as `sql` runs it and as the page shows it."""

    def rows(self, experiment_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return whole rows, in the order of the ids."""

    def init(self, token: str) -> FrozenInit | PublishedInit | ParentRow | None:
        """Return a stored initialisation, or how to recreate it, by its token."""


class OneDataset:
    """The rows of one data set.

    A method with other hyperparameters than the authors', or with another `init_scheme` than its
    own, is a separate method, such as "snip (batches=4)".

    Args:
        reader: reader of the results.
        dataset: data set; None if there is only one.

    Attributes:
        methods: names of the methods of every data set.

    Raises:
        ValueError: there are several data sets and none is chosen, none has this name, or there
            are no rows.
    """

    def __init__(self, reader: ResultsReader, dataset: str | None = None) -> None:
        self._reader = reader
        self.dataset = choose_dataset(reader.sql, dataset, option="--dataset NAME")
        (found,) = reader.sql(
            "SELECT count(DISTINCT dataset) AS datasets, "
            "count(coalesce(hyperparameters, init_scheme)) AS with_settings FROM results"
        ).to_pylist()
        columns = f"* REPLACE ({VARIANT} AS method)" if found["with_settings"] else "*"
        condition = f" WHERE dataset = {sql_text(self.dataset)}"
        condition = condition if found["datasets"] > 1 else ""
        self._rows = {
            every_dataset: _ALL_ROWS
            if columns == "*" and not where
            else f"FROM (SELECT {columns} FROM results{where}) AS results"
            for every_dataset, where in ((True, ""), (False, condition))
        }
        methods = self.sql("SELECT DISTINCT method FROM results ORDER BY 1", every_dataset=True)
        self.methods: list[str] = methods.column("method").to_pylist()

    def sql(self, query: str, *, every_dataset: bool = False) -> pa.Table:
        """Run a query over these rows, or over those of every data set."""
        return self._reader.sql(self.as_asked(query, every_dataset=every_dataset))

    def as_asked(self, query: str, *, every_dataset: bool = False) -> str:
        """Return the query restricted to these rows, or with every data set's."""
        return query.replace(_ALL_ROWS, self._rows[every_dataset])

    def rows(self, experiment_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return whole rows, in the order of the ids."""
        if not experiment_ids:
            return []
        ids = sql_tuple(experiment_ids)
        found = self._reader.sql(f"SELECT * FROM results WHERE experiment_id IN {ids}")
        by_id = {row["experiment_id"]: row for row in found.to_pylist()}
        return [by_id[one] for one in experiment_ids]

    def init(self, token: str) -> FrozenInit | PublishedInit | ParentRow | None:
        """Return a stored initialisation of the reader."""
        return self._reader.init(token)
