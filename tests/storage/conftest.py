from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Path of a store that does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def fill(rows: Rows, store: Path) -> Callable[..., Path]:
    """Make a store from one finished sweep, with commits of the given sizes."""

    def make(*sizes: int, path: Path = store) -> Path:
        with StoreWriter(path, command="filler") as writer:
            writer.begin_sweep(rows.begin())
            start = 0
            for size in sizes:
                rows.append(writer, start, start + size)
                writer.commit()
                start += size
            writer.end_sweep("finished")
        return path

    return make
