"""What the fault tests share with those of the storage room."""

from __future__ import annotations

from tests.storage.conftest import fill, rows, store

__all__ = ["fill", "rows", "store"]
