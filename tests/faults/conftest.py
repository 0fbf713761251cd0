"""Fixtures that the fault tests share with the tests of the store."""

from __future__ import annotations

from tests.storage.conftest import fill, rows, store

__all__ = ["fill", "rows", "store"]
