"""What a store and the published results have in common for whoever asks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import duckdb
import pyarrow as pa

from storage.log.inits import FrozenInit
from storage.published.note import PublishedInit


class ResultsReader(Protocol):
    """The views `results` and `sweeps`, for reading."""

    def refresh(self) -> bool:
        """Takes in what was committed since; returns whether there was anything."""

    def was_replaced(self) -> bool:
        """Whether what was read from is gone because something else took its place."""

    def sql(self, query: str) -> pa.Table:
        """What a statement yields."""

    def row(self, experiment_id: str) -> dict[str, Any]:
        """One result by its id, or the first digits of it."""

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """A stored initialisation, or where it can be had from, by its token."""

    def rows_by_study(self) -> Mapping[str, int]:
        """Name of each study -> number of its rows, without reading any."""

    def data_files(self) -> Mapping[int, Sequence[Path]]:
        """Version of the columns -> paths of the Parquet files with the rows."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new connection over these rows that can open no file; the caller closes it."""

    def connect_for_export(self, folder: Path) -> duckdb.DuckDBPyConnection:
        """A connection that may write into one folder, for statements of this package alone."""

    def close(self) -> None:
        """Frees the memory of the database."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *args: Any) -> None: ...
