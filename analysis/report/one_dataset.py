"""Results of one data set alone: accuracies on different data are not to be compared."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from storage.log.inits import FrozenInit
from storage.published.note import PublishedInit
from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader

_ALL = "FROM results"


class Source(Protocol):
    """What the report asks."""

    def sql(self, query: str) -> pa.Table:
        """What a query yields."""

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """A stored initialisation, or where it can be had from, by its token."""

    def narrowed(self, query: str) -> str:
        """The query as it is asked, which is what the page shows."""


class OneDataset:
    """The rows of a data set, of results that may hold others too.

    Args:
        reader: of the results.
        dataset: whose rows are wanted; None where there is only one.

    Raises:
        ValueError: there are several, or none is of that name, or there are no rows.
    """

    def __init__(self, reader: ResultsReader, dataset: str | None = None) -> None:
        self._reader = reader
        found = reader.sql("SELECT DISTINCT dataset FROM results ORDER BY dataset").to_pylist()
        names = [row["dataset"] for row in found]
        if not names:
            raise ValueError("there are no rows yet: a report needs some trainings")
        if dataset is None and len(names) > 1:
            raise ValueError(
                f"the rows are of several data sets, {', '.join(names)}: say which one the report "
                "is about (--dataset)"
            )
        if dataset is not None and dataset not in names:
            raise ValueError(
                f"there are no rows of {dataset}; there are some of {', '.join(names)}"
            )
        self._dataset = dataset if len(names) > 1 else None

    def sql(self, query: str) -> pa.Table:
        """What a query yields of these rows."""
        return self._reader.sql(self.narrowed(query))

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """As the reader has it."""
        return self._reader.init(token)

    def narrowed(self, query: str) -> str:
        """The query with the rows of the data set in the place of all."""
        if self._dataset is None:
            return query
        return query.replace(
            _ALL,
            f"FROM (SELECT * FROM results WHERE dataset = {sql_text(self._dataset)}) AS results",
        )
