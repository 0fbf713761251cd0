"""A store in a notebook: SQL to Arrow or pandas, and any row as a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from analysis.network import network_from_row
from analysis.reduced import reduced_row
from analysis.retrain import WeightsNotStored, retrained, was_left_out
from pruning.network import MaskedNetwork
from storage.paths import published_folder
from storage.published.reader import PublishedReader
from storage.reading.reader import StoreReader
from storage.remote.address import S3Address, is_address
from storage.remote.working_copy import working_copy
from storage.results_reader import ResultsReader
from workers.cache_folder import cache_folder

if TYPE_CHECKING:
    import pandas as pd


class QueryResult:
    """The result of a query."""

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
        try:
            import pandas  # noqa: F401 - to give a clear message if it is missing
        except ImportError as error:
            raise ImportError(
                "df() needs pandas, which is not installed: "
                "pip install 'sparsest[notebook]', or take arrow()"
            ) from error
        frame: pd.DataFrame = self._table.to_pandas()
        return frame


class Store:
    """Results open for reading; rows that are committed later are included."""

    def __init__(self, reader: ResultsReader, where: str) -> None:
        """Wrap a reader; `open_store` and `open_published` create it.

        Args:
            reader: reader of a store or of the published results.
            where: description of the source.
        """
        self._reader = reader
        self._where = where

    def __repr__(self) -> str:
        self._reader.refresh()
        stored = self._reader.rows_by_study()
        studies = ", ".join(f"{name} {rows:,}" for name, rows in stored.items())
        return f"{type(self).__name__}({self._where}: {sum(stored.values()):,} rows; {studies})"

    def sql(self, query: str) -> QueryResult:
        """Run a query over the views `results` and `sweeps`.

        Raises:
            storage.errors.QueryError: the query is invalid.
            storage.errors.ReadOnlyError: the query is not a read.
        """
        self._reader.refresh()
        return QueryResult(self._reader.sql(query))

    def row(self, experiment_id: str) -> dict[str, Any]:
        """Return all columns of one result.

        Args:
            experiment_id: the id, a unique prefix of it, or the experiment's number, such as
                "random:43531".

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
    ) -> MaskedNetwork:
        """Return the trained network of one result, from points [batch, inputs] to logits [batch].

        Args:
            experiment_id: see `row`.
            retrain: whether to train the network again if its weights were not published, with
                the arithmetic of the processor that made it.
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
            ValueError: the result has no network, because its training failed or diverged; it
                cannot be trained again; or `pruned` is set and `prunable_own` is not defined.
        """
        row = self.row(experiment_id)
        if was_left_out(row):
            if not retrain:
                raise WeightsNotStored(row)
            row = retrained(row, self._reader, None if init_file is None else Path(init_file))
        return network_from_row(reduced_row(row, pruned=pruned, live=live))

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
        """Release the memory and files that queries hold."""
        self._reader.close()


def open_store(path: str | Path) -> Store:
    """Open a store for reading, even while a sweep writes to it.

    Args:
        path: folder of the store, as in `sparsest run --store`, or its address on S3.

    Raises:
        storage.errors.StoreError: there is no store, or it cannot be read.
    """
    where = str(path)
    if isinstance(path, str) and is_address(path):
        path = working_copy(S3Address.parse(path), cache_folder())
    return Store(StoreReader(path), where)


def open_published(folder: str | Path | None = None) -> Store:
    """Open the published results, which have no weights.

    Args:
        folder: folder of the files; None for `results/` of the checkout, or $SPARSEST_RESULTS.

    Raises:
        storage.errors.StoreError: there are no results, or they cannot be read.
    """
    where = published_folder() if folder is None else Path(folder)
    return Store(PublishedReader(where, cache_folder()), f"published, {where}")
