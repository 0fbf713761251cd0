from __future__ import annotations

import sys
from pathlib import Path

import pytest

from search.cache_folder import cache_folder


def test_cache_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSEST_CACHE", "/some/folder")
    assert cache_folder() == Path("/some/folder")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other conventions")
def test_cache_folder_follows_the_xdg_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSEST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/sparsest")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "sparsest"
