"""Watching a store from another terminal while it is compacted."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import durable
from storage.writing.compact import compact_store
from tests.orchestrator.running import rates, sparsest, train, write_sweep


def test_status_counts_all_rows_while_files_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sweep = (
        tmp_path / "store",
        write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(6)}'),
    )
    for _ in range(3):
        train([sweep], store, limit=2)
    before = sparsest("status", "--store", store).out
    assert "6 rows" in before
    assert "in 3 files" in before
    seen = []
    create, link = durable.create_exclusive, durable.publish_link

    def watched_create(file: Path, data: bytes) -> None:
        create(file, data)
        seen.append(sparsest("status", "--store", store))

    def watched_link(aside: Path, final: Path) -> None:
        seen.append(sparsest("status", "--store", store))
        link(aside, final)
        seen.append(sparsest("status", "--store", store))

    monkeypatch.setattr(durable, "create_exclusive", watched_create)
    monkeypatch.setattr(durable, "publish_link", watched_link)
    compact_store(store, command="test")
    assert len(seen) >= 4
    assert {ended.code for ended in seen} == {0}
    assert all("6 rows" in ended.out for ended in seen)
    assert "in 3 files" in seen[0].out
    assert "in 1 file" in seen[-1].out
