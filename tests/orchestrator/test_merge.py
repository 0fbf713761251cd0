"""The commands merge and diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.orchestrator.running import (
    INLINE,
    count_rows,
    query,
    refused,
    rows,
    sparsest,
    write_sweep,
)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2, 0.3]')


def test_merged_stores_equal_one_trained_at_once(sweep: Path, tmp_path: Path) -> None:
    one, two, into, whole = (tmp_path / name for name in ("one", "two", "into", "whole"))
    sparsest("run", sweep, "--run-id", "1", "--run-id", "2", "--store", one, *INLINE)
    sparsest("run", sweep, "--run-id", "2", "--run-id", "3", "--store", two, *INLINE)
    sparsest("run", sweep, "--store", whole, *INLINE)
    ended = sparsest("merge", one, two, "--into", into)
    assert ended.code == 0
    assert f"{two}: 1 row" in ended.out
    assert f"{into}: 3 rows\n" in ended.out
    assert rows(into) == rows(whole)
    same = sparsest("diff", into, whole)
    assert (same.code, same.out.splitlines()[-1]) == (0, "the same")
    assert "nothing to train" in sparsest("run", sweep, "--store", into, *INLINE).err
    again = json.loads(sparsest("merge", one, two, "--into", into, "--json").out)
    assert [store["copied"] for store in again["stores"]] == [0, 0]

    other = sparsest("diff", one, two, "--json")
    assert other.code == 1
    report = json.loads(other.out)
    assert (report["only_a"], report["only_b"], report["equal"]) == (1, 1, 1)


def test_impossible_merge_is_refused(sweep: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for store in (one, two):
        sparsest("run", sweep, "--store", store, *INLINE)
    other = write_sweep(tmp_path / "other.toml", 'structure = ["2x1x1"]\nlr = [0.1]', name="mine")
    sparsest("run", other, "--store", two, *INLINE)
    assert sparsest("merge", two, "--into", one).code == 0
    assert count_rows(one) == 4
    assert "named twice" in refused("merge", one, "--into", one)
    assert str(tmp_path / "none") in refused("merge", tmp_path / "none", "--into", one)


def test_diff_needs_exactly_two_stores(trained: Path) -> None:
    assert "--published" in refused("diff", trained)
    assert "--published" in refused("diff", trained, trained, "--published")


def test_diff_of_an_unknown_study_is_refused(trained: Path) -> None:
    message = refused("diff", trained, trained, "--study", "sicks")
    assert "'sicks'" in message
    assert "six" in message


def test_diff_shows_lacking_columns(trained: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    sweep = trained.parent / "six.toml"
    sparsest("run", sweep, "--curves", "--limit", "4", "--store", store, *INLINE)
    ended = sparsest("diff", trained, store)
    assert ended.code == 1
    assert ended.out.splitlines()[3].split() == ["six", "2", "0", "0", "4", "0"]
    assert "epoch_loss (4), epoch_accuracy (4)" in ended.out
    assert query(store, "SELECT count(*) AS n FROM results").to_pylist() == [{"n": 4}]
