"""A store in a notebook: SQL to Arrow or pandas, and any row as a trained network."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa

from analysis.network import Network
from analysis.networks import Networks
from analysis.retrain import WeightsNotStored, retrained, was_left_out
from analysis.row_network import network_from_row, reduced_row
from search.cache_folder import cache_folder
from search.catalogue import STUDY_NAMES, named_study
from search.columns import COLUMNS
from search.extras import optional
from search.paper import PAPER_STUDIES
from search.suggestions import suggestion
from storage.paths import published_folder
from storage.published.reader import PublishedReader
from storage.reading.literals import sql_text
from storage.reading.query import run_query
from storage.reading.reader import StoreReader
from storage.reading.views import results_query
from storage.remote.objects import S3Address, is_address
from storage.remote.working_copy import working_copy
from storage.results_reader import ResultsReader

if TYPE_CHECKING:
    import pandas as pd
    import polars

_ALL_COLUMNS = frozenset(column.name for column in COLUMNS)
"""Columns of a row that remembers where it comes from."""


MAX_ROWS = 20
"""Number of rows shown."""

_MAX_CHARACTERS = 40
"""Characters of a value; longer ones are cut."""


class QueryResult:
    """The result of a query, or the rows of trainings.

    A notebook shows its first rows as a table.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("gmp", width=4, target_nnz=12, seeds=range(2), epochs=1)
        >>> frame = rows.df()  # pandas
        >>> frame.groupby("method").target_nnz.max().to_dict()
        {'gmp': 12}
        >>> len(rows), rows.arrow().num_rows, len(rows.networks())
        (2, 2, 2)
    """

    def __init__(self, table: pa.Table) -> None:
        """Wrap an Arrow table."""
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows: {', '.join(self._table.column_names)})"

    def arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self._table

    def df(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        optional("pandas", "df()")
        frame: pd.DataFrame = self._table.to_pandas()
        return frame

    def pl(self) -> polars.DataFrame:
        """Return the rows as a polars data frame.

        Raises:
            ImportError: polars is not installed.
        """
        frame: polars.DataFrame = optional("polars", "pl()").from_arrow(self._table)
        return frame

    def networks(self) -> Networks:
        """Return the trained network of every row.

        Raises:
            ValueError: a row has no network, or lacks its columns; `Store.networks` fetches these.
            analysis.retrain.WeightsNotStored: the networks were not published.
        """
        return Networks(map(network_from_row, self._table.to_pylist()))

    def sql(self, query: str) -> QueryResult:
        """Run a query over these rows, as the view `results`.

        Raises:
            storage.errors.QueryError: the query is invalid.
            storage.errors.ReadOnlyError: the query is not a read.
        """
        with duckdb.connect() as connection:
            connection.register("results", self._table)
            return QueryResult(run_query(connection, query))

    def _repr_html_(self) -> str:
        """Return the first rows as HTML, with the number of rows and columns, for notebooks.

        All text is escaped: names and messages in a store come from whoever made the store.
        """
        shown = self._table.slice(0, MAX_ROWS).to_pylist()
        head = "".join(f"<th>{escape(name)}</th>" for name in self._table.column_names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row.values()) + "</tr>"
            for row in shown
        )
        more = f", the first {MAX_ROWS} shown" if self._table.num_rows > MAX_ROWS else ""
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{self._table.num_rows:,} rows, {self._table.num_columns} columns{more}</p>"
        )


def _text(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str("" if value is None else value)
    is_long = len(text) > _MAX_CHARACTERS
    return text[: _MAX_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}" if is_long else text


def rows_of_results(stored: pa.Table) -> QueryResult:
    """Return rows of `search.schema.RESULT_SCHEMA` with all columns of the view `results`."""
    return QueryResult(stored).sql(results_query("results"))


class Store:
    """Results open for reading; rows that are committed later are included."""

    def __init__(self, reader: ResultsReader, where: str) -> None:
        """Wrap a reader and a description of its source, as `open_store` does."""
        self._reader = reader
        self._where = where
        # At the end of a script too, where DuckDB would report what is still open as leaked.
        weakref.finalize(self, reader.close)

    def __repr__(self) -> str:
        self._reader.refresh()
        stored = self._reader.rows_by_study()
        studies = ", ".join(f"{name} {rows:,}" for name, rows in stored.items())
        return f"{type(self).__name__}({self._where}: {sum(stored.values()):,} rows; {studies})"

    def sql(self, query: str) -> QueryResult:
        """Run a query over the views `results` and `sweeps`; for errors see `QueryResult.sql`."""
        self._reader.refresh()
        return QueryResult(self._reader.sql(query))

    def row(self, experiment_id: str) -> dict[str, Any]:
        """Return all columns of one result.

        Args:
            experiment_id: the id, a unique prefix of it, or the number, such as "random:43531".

        Raises:
            storage.errors.UnknownExperiment: no result or several have this id.
        """
        self._reader.refresh()
        return self._reader.row(experiment_id)

    def network(
        self,
        experiment_id: str,
        *,
        retrain: bool = False,
        init_file: str | Path | None = None,
        pruned: bool = False,
        live: bool = False,
    ) -> Network:
        """Return the trained network of one result.

        Args:
            experiment_id: see `row`.
            retrain: whether to train the network again if its weights were not published, with the
                arithmetic of the processor that made it.
            init_file: torch file of the stored initialisation to train from, if the published
                results cannot recreate it.
            pruned: whether to remove the weights that magnitude pruning without retraining can
                remove while the accuracy stays within 0.001 (column `prunable_own`).
            live: whether to remove the weights that no point uses (column `live_nnz`).

        Raises:
            storage.errors.UnknownExperiment: see `row`.
            analysis.retrain.WeightsNotStored: its weights were not published and `retrain` is not
                set.
            analysis.retrain.NotTheSame: training it again gave another network.
            ValueError: the training failed or diverged, or cannot be repeated; or `pruned` is set
                and `prunable_own` is not defined.
        """
        row = self.row(experiment_id)
        if was_left_out(row):
            if not retrain:
                raise WeightsNotStored(row)
            row = retrained(row, self._reader.init, None if init_file is None else Path(init_file))
        return network_from_row(reduced_row(row, pruned=pruned, live=live))

    def networks(self, query: str) -> Networks:
        """Return the trained networks of a query's rows, all read at once.

        Args:
            query: a query over the view `results` whose result has the column experiment_id, such
                as "SELECT * FROM results WHERE accuracy >= 0.95 LIMIT 1000".

        Returns:
            The networks in the order of the query's rows.

        Raises:
            ValueError: the result has no column experiment_id, or see `QueryResult.networks`.
            storage.errors.QueryError: the query is invalid.
            storage.errors.ReadOnlyError: the query is not a read.

        Example:
            >>> import sparsest
            >>> store = sparsest.run(
            ...     {"name": "three", "base": {"epochs": 1}, "grid": {"structure": ["3x2", "4"]}},
            ...     store="runs/three",
            ... )
            >>> networks = store.networks("FROM results ORDER BY structure")
            >>> networks.logits([[0.5, 0.5]]).shape
            (2, 1)
        """
        found = self.sql(query).arrow()
        if set(found.column_names) >= _ALL_COLUMNS:
            return QueryResult(found).networks()
        if "experiment_id" not in found.column_names:
            raise ValueError(
                f"the query's columns are {', '.join(found.column_names)}: select experiment_id too"
            )
        ids = found.column("experiment_id").to_pylist()
        return Networks(map(network_from_row, self._reader.rows(ids)))

    def rows(self, experiment_ids: Sequence[str]) -> QueryResult:
        """Return all columns of some results, by study and index; unknown ids are left out."""
        listed = ", ".join(map(sql_text, experiment_ids)) or "NULL"
        return self.sql(
            f"SELECT * FROM results WHERE experiment_id IN ({listed}) ORDER BY study, study_index"
        )

    def experiments(self) -> QueryResult:
        """Return every result without the columns of its network."""
        return self.sql(
            "SELECT * EXCLUDE (weight_index, weights, bias_index, biases) FROM results "
            "ORDER BY study, study_index"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the memory and files that queries hold; the next query opens them again."""
        self._reader.close()


Results = Store | QueryResult
"""Rows that tables and figures are made of: those of a store, or those that `train` returns."""


def open_store(path: str | Path) -> Store:
    """Open a store for reading, even while a sweep writes to it.

    Args:
        path: folder of the store, as in `sparsest run --store`, or its address on S3.

    Raises:
        storage.errors.StoreError: there is no store, or it cannot be read.

    Example:
        >>> import sparsest
        >>> sweep = {"name": "one", "base": {"epochs": 1}, "grid": {"structure": ["3x2"]}}
        >>> sparsest.run(sweep, store="runs/one").close()
        >>> with sparsest.open("runs/one") as store:
        ...     store.sql("SELECT structure, d1, d2 FROM results").arrow().to_pylist()
        [{'structure': '3x2', 'd1': 3, 'd2': 2}]
    """
    where = str(path)
    if isinstance(path, str) and is_address(path):
        path = working_copy(S3Address.parse(path), cache_folder())
    return Store(StoreReader(path), where)


def open_published(
    folder: str | Path | None = None, studies: Iterable[str] = PAPER_STUDIES
) -> Store:
    """Open the published results, which have no weights.

    Args:
        folder: folder of the files; None for `results/` of the checkout, or $SPARSEST_RESULTS.
        studies: names of the studies (`sparsest studies`), by default the paper's.

    Raises:
        ValueError: a study is unknown.
        storage.errors.StoreError: there are no results, or they cannot be read.

    Example:
        >>> import sparsest
        >>> store = sparsest.open_published()
        >>> isinstance(store, sparsest.Store)
        True
    """
    chosen = tuple(studies)
    for name in chosen:
        if named_study(name) is None:
            raise ValueError(f"unknown study {name!r}{suggestion(name, STUDY_NAMES)}")
    where = published_folder() if folder is None else Path(folder)
    return Store(PublishedReader(where, cache_folder(), chosen), f"published, {where}")
