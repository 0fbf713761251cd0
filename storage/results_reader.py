"""Reading results, of a store or published ones, through the same two views."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from search.lineage import RowInit
from storage.errors import StoreError, UnknownExperiment
from storage.log.init_entries import FrozenInit, PublishedInit
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.views import SweepRows

if TYPE_CHECKING:  # imported where they are needed: not every reader runs a query
    import duckdb
    import pyarrow as pa

_ID_DIGITS = 32
_ID_PREFIX = re.compile(rf"[0-9a-f]{{4,{_ID_DIGITS}}}")
_LABEL = re.compile(r"(?P<name>[\w.-]+):(?P<number>[0-9]{1,18})")
_T = TypeVar("_T")

ParentRow = dict[str, Any]
"""The row whose network an experiment starts from (`search.lineage`): column -> value."""


class ResultsReader(ABC):
    """Reads the views `results` and `sweeps`: by SQL or one experiment at a time.

    Threads may share a reader: one reads at a time.
    """

    def __init__(self) -> None:
        self._database: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.RLock()

    def init(self, token: str) -> FrozenInit | PublishedInit | ParentRow | None:
        """Return the initialisation of a token, or how to make it again; None if not stored."""
        parent = RowInit.parse(token)
        if parent is None:
            return self._stored_init(token)
        try:
            return self.row(parent.experiment_id)
        except UnknownExperiment:
            return None

    @abstractmethod
    def _stored_init(self, token: str) -> FrozenInit | PublishedInit | None:
        """Return the stored initialisation of a token (NAME:DIGEST), or how to make it again."""

    @abstractmethod
    def rows_by_study(self) -> Mapping[str, int]:
        """Return the number of rows of each study, by name, without reading a row."""

    @abstractmethod
    def data_files(self) -> Mapping[int, Sequence[Path]]:
        """Return the Parquet files with the rows, by schema version."""

    @abstractmethod
    def _sweeps(self) -> SweepRows:
        """Return the rows made by `storage.reading.views.sweeps_table`."""

    @abstractmethod
    def _cannot_open(self, error: duckdb.Error) -> StoreError:
        """Return what to raise when DuckDB cannot open the data files."""

    def refresh(self) -> bool:
        """Read what was committed since; return whether there was anything."""
        return False

    def was_replaced(self) -> bool:
        """Return whether data files were replaced and removed."""
        return False

    def sql(self, query: str) -> pa.Table:
        """Return the result of one statement that reads the views.

        If a data file was replaced since the store was opened, the result is that of the store as
        it is now.

        Raises:
            StoreError: as for `storage.reading.query.run_query`, or the rows cannot be read.
        """
        from storage.reading.query import run_query

        return self._read(lambda connection: run_query(connection, query))

    @contextmanager
    def stream(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Read the result of one statement in batches, however large it is.

        Raises:
            StoreError: as for `sql`, also while the batches are read.
        """
        from storage.reading.query import open_result

        with self._lock, ExitStack() as stack:
            result = self._read(
                lambda connection: stack.enter_context(open_result(connection, query))
            )
            try:
                yield result
            except StoreError as error:
                self._explain(error.__cause__)
                raise

    def row(self, name: str) -> dict[str, Any]:
        """Return the result of one experiment: column of `results` -> value.

        Args:
            name: id of 32 hexadecimal digits, or its first digits (at least 4) if no other id
                starts with them. Or a number that only one result has: GROUP:RUN_ID of the paper,
                or SWEEP:NUMBER as in `sparsest list`.

        Raises:
            UnknownExperiment: no experiment has that name, or several have it.
        """
        label, prefix = _LABEL.fullmatch(name), name.lower()
        if label is not None:
            group, number = sql_text(label["name"]), int(label["number"])
            condition = (
                f"(paper_group = {group} AND paper_run_id = {number}) OR "
                f"(paper_group IS NULL AND study = {group} AND study_index = {number - 1})"
            )
            description, advice = f"with the number {name}", "use its experiment_id"
        elif _ID_PREFIX.fullmatch(prefix):
            # A range, not a prefix test: DuckDB can skip files by their smallest and largest id.
            first, last = prefix.ljust(_ID_DIGITS, "0"), prefix.ljust(_ID_DIGITS, "f")
            condition = f"experiment_id BETWEEN {sql_text(first)} AND {sql_text(last)}"
            description, advice = f"whose id starts with {prefix}", "give more digits"
        else:
            raise UnknownExperiment(
                f"{name!r} is not an experiment: give its id (32 hexadecimal digits, or at least "
                "the first 4), or its number, such as random:43531."
            )
        rows = self.sql(f"SELECT * FROM results WHERE {condition} LIMIT 2").to_pylist()
        if not rows:
            raise UnknownExperiment(f"No stored experiment {description}.")
        if len(rows) > 1:
            raise UnknownExperiment(f"Several stored experiments {description}: {advice}.")
        return dict(rows[0])

    def rows(self, experiment_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return some results in the order of their ids; a KeyError if one is unknown."""
        if not experiment_ids:
            return []
        listed = sql_tuple(dict.fromkeys(experiment_ids))
        found = self.sql(f"SELECT * FROM results WHERE experiment_id IN {listed}").to_pylist()
        by_id = {row["experiment_id"]: row for row in found}
        return [by_id[experiment_id] for experiment_id in experiment_ids]

    def close(self) -> None:
        """Free the memory of the database, which is opened again when needed."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, read: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        """Return what a function reads, which is called again if data files were replaced."""
        with self._lock:
            while True:
                try:
                    return read(self._current_database())
                except StoreError as error:
                    if self.was_replaced():
                        continue
                    self._explain(error.__cause__)
                    raise

    def _current_database(self) -> duckdb.DuckDBPyConnection:
        """Return the database, which is kept from one query to the next."""
        if self._database is None:
            self._database = self.connect_guarded()
        return self._database

    def _explain(self, error: BaseException | None) -> None:  # noqa: B027 - need not do anything
        """Raise a better error if a data file caused this one."""

    def connect_guarded(self, writable: Path | None = None) -> duckdb.DuckDBPyConnection:
        """Return a new connection for checked statements, which can also write one folder or file.

        Raises:
            StoreError: the rows cannot be read.
        """
        import duckdb

        from storage.reading.connections import connect_guarded

        try:
            return connect_guarded(self.data_files(), self._sweeps(), writable)
        except duckdb.Error as error:
            raise self._cannot_open(error) from error
