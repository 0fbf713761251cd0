"""Merging stores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.indices import IndexSet
from search.layers import Layer
from search.schema import RESULT_SCHEMA
from storage import durable
from storage.checking.verify import verify_store
from storage.errors import MergeRefused, NotAStore, StoreDamaged, StoreError, StoreLocked
from storage.log.init_entries import SearchChoice
from storage.merging.merge import merge_stores
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage import faulty_os
from tests.storage.faulty_os import Crash, FaultyOs
from tests.storage.made_rows import Row, Rows
from tests.storage.test_compare import put

_COLUMNS = ", ".join(RESULT_SCHEMA.names)


def shard(store: Path, rows: Rows, *indices: int, **changes: object) -> Path:
    """Create a store with some rows of the study."""
    return put(store, rows, [rows.row(index, **changes) for index in indices])


def merge(*sources: Path, into: Path, take_first: bool = False) -> list[int]:
    merged = merge_stores(sources, into, command="sparsest merge", take_first=take_first)
    return [one.copied for one in merged]


def results(store: Path) -> list[Row]:
    with StoreReader(store) as reader:
        found: list[Row] = reader.sql(
            f"SELECT {_COLUMNS} FROM results ORDER BY study_index, experiment_id"
        ).to_pylist()
    return found


def sweeps(store: Path) -> list[Row]:
    with StoreReader(store) as reader:
        found: list[Row] = reader.sql("FROM sweeps ORDER BY sweep_id").to_pylist()
    return found


def layers(seed: int) -> list[Layer]:
    generator = np.random.default_rng(seed)
    return [(generator.random((2, 2), np.float32), generator.random(2, np.float32))]


def test_merged_shards_keep_rows_and_sweeps(rows: Rows, tmp_path: Path) -> None:
    shards = [shard(tmp_path / f"shard{n}", rows, n, n + 3, n + 6) for n in range(3)]
    whole = tmp_path / "whole"
    assert merge(*shards, into=whole) == [3, 3, 3]
    assert results(whole) == sorted(
        chain.from_iterable(map(results, shards)), key=lambda row: row["study_index"]
    )
    assert sweeps(whole) == [sweep for store in shards for sweep in sweeps(store)]
    assert verify_store(whole) == []
    with StoreReader(whole) as reader:
        assert reader.stored(rows.digest).intervals == ((0, 9),)
        entries = reader.state.entries
    assert merge(*shards, into=whole) == [0, 0, 0]
    with StoreReader(whole) as reader:
        assert reader.state.entries == entries


def test_row_of_several_stores_is_stored_once(rows: Rows, tmp_path: Path) -> None:
    first = shard(tmp_path / "first", rows, 0, 1, 2)
    second = shard(tmp_path / "second", rows, 1, 2, 3, 4)
    third = put(
        tmp_path / "third",
        rows,
        [rows.row(4, study_index=0), rows.row(9, study_index=1)],
        digest="e" * 64,
    )
    before = [sorted(path.rglob("*")) for path in (first, second, third)]
    assert merge(second, third, into=first) == [2, 1]
    found = results(first)
    assert len({row["experiment_id"] for row in found}) == len(found) == 6
    assert verify_store(first) == []
    assert [sorted(path.rglob("*")) for path in (second, third)] == before[1:]
    logged = {sweep["sweep_id"]: (sweep["rows_logged"], sweep["stored"]) for sweep in sweeps(first)}
    assert logged == {
        "sweep-of-first": (3, 3),
        "sweep-of-second": (2, 4),
        "sweep-of-third": (1, 2),
    }


@pytest.mark.parametrize("new", [True, False])
def test_conflicting_rows_prevent_the_merge(rows: Rows, tmp_path: Path, new: bool) -> None:
    first = shard(tmp_path / "first", rows, 0, 1)
    second = shard(tmp_path / "second", rows, 2, 3)
    third = shard(tmp_path / "third", rows, 1, 4, loss=2.0, backend="x")
    into = tmp_path / "into"
    if not new:
        shutil.copytree(first, into)
    sources = (first, second, third) if new else (second, third)
    with pytest.raises(MergeRefused) as refused:
        merge(*sources, into=into)
    message = str(refused.value)
    for part in (str(third), "loss (1)", "random:18956", "numba / x", "--take-first"):
        assert part in message
    assert into.exists() != new
    if not new:
        assert results(into) == results(first)
    assert merge(*sources, into=into, take_first=True)[-2:] == [2, 1]
    assert [row["backend"] for row in results(into)] == ["numba"] * 4 + ["x"]


def test_conflicting_initialisations_are_refused(rows: Rows, tmp_path: Path) -> None:
    stores = []
    for n in range(3):
        store = shard(tmp_path / f"s{n}", rows, n)
        with StoreWriter(store) as writer:
            writer.record_init("bench-95", "abc" if n < 2 else "def", layers(n // 2))
        stores.append(store)
    with pytest.raises(MergeRefused, match=r"bench-95.*abc.*def"):
        merge(*stores, into=tmp_path / "into")
    assert not (tmp_path / "into").exists()
    merge(*stores[:2], into=tmp_path / "into")
    with StoreReader(tmp_path / "into") as reader:
        ((weight, bias),) = reader.state.inits["bench-95"].layers
    assert weight.tobytes() == layers(0)[0][0].tobytes()
    assert bias.tobytes() == layers(0)[0][1].tobytes()


def test_different_sweeps_of_one_id_are_refused(rows: Rows, tmp_path: Path) -> None:
    stores = [tmp_path / "a", tmp_path / "b"]
    for n, store in enumerate(stores):
        with StoreWriter(store) as writer:
            writer.begin_sweep(rows.begin().model_copy(update={"workers": n}))
    with pytest.raises(MergeRefused, match=Rows.sweep_id):
        merge(*stores, into=tmp_path / "into")


def test_later_rows_of_a_running_sweep_are_merged_later(rows: Rows, tmp_path: Path) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    with StoreWriter(source) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 2)
        writer.commit()
        assert merge(source, into=into) == [2]
        assert sweeps(into)[0]["outcome"] is None
        rows.append(writer, 2, 5)
        writer.end_sweep("finished")
    assert merge(source, into=into) == [3]
    assert sweeps(into) == sweeps(source)
    assert results(into) == results(source)


def test_first_choice_of_a_search_is_kept(rows: Rows, tmp_path: Path) -> None:
    stores = [shard(tmp_path / name, rows, n) for n, name in enumerate("ab")]
    network = {
        "experiment_id": "0" * 32, "label": "random:1", "study": "phase1", "root_seed": 0,
        "structure": "2x2x1", "masks": [], "accuracy": 0.99, "weight_nnz": 8, "model_nnz": 13,
        "target": 0.95, "reached": 1, "trained": 2,
    }  # fmt: skip
    for store, chosen in zip(stores, ("first", "second"), strict=True):
        choice = {
            "settings": "a search", "phase": 2, "trained": 2, "reached": 1,
            "networks": [network], "chosen": chosen,
        }  # fmt: skip
        with StoreWriter(store) as writer:
            writer.publish(SearchChoice.model_validate(choice))
    merge(*stores, into=tmp_path / "into")
    with StoreReader(tmp_path / "into") as reader:
        assert [choice.chosen for choice in reader.state.searches.values()] == ["first"]


def test_damaged_source_is_refused(rows: Rows, tmp_path: Path) -> None:
    good, bad = (shard(tmp_path / name, rows, n) for n, name in enumerate(("good", "bad")))
    (part,) = (bad / "data").iterdir()
    content = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(StoreDamaged, match="SHA-256"):
        merge(good, bad, into=tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_merge_into_itself_or_a_store_in_use_is_refused(
    rows: Rows, fill: Callable[..., Path], tmp_path: Path
) -> None:
    store, other = fill(2), shard(tmp_path / "other", rows, 5)
    link = tmp_path / "link"
    link.symlink_to(store)
    for sources in ([store, link], [other, other]):
        with pytest.raises(MergeRefused, match="twice"):
            merge(*sources, into=store)
    with StoreWriter(store, command="a sweep"), pytest.raises(StoreLocked, match="a sweep"):
        merge(other, into=store)
    with pytest.raises(NotAStore):
        merge(tmp_path / "none", into=tmp_path / "into")
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("fault", [faulty_os.crash_torn, faulty_os.disk_broken])
def test_killed_merge_resumes(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    first = shard(tmp_path / "first", rows, 0, 1)
    second = shard(tmp_path / "second", rows, 1, 2)
    with StoreWriter(second) as writer:
        writer.record_init("bench-95", "abc", layers(0))
    into = tmp_path / "into"
    # It only reads, and takes most of the time.
    monkeypatch.setattr("storage.merging.merge._conflicts", lambda readers: [])
    for at in range(10_000):
        shutil.rmtree(into, ignore_errors=True)
        faulty = FaultyOs(at, fault)
        ended: BaseException | None = None
        with monkeypatch.context() as patch:
            patch.setattr(durable, "os", faulty)
            try:
                merge(first, second, into=into)
            except (Crash, StoreError) as error:
                ended = error
        if not faulty.reached:
            break
        assert ended is not None
        with monkeypatch.context() as patch:
            patch.setattr(durable, "os", FaultyOs(-1, fault))
            merge(first, second, into=into)
        with StoreReader(into) as reader:
            assert reader.stored(rows.digest) == IndexSet.of([(0, 3)])
            assert reader.state.rows == 3
            assert set(reader.state.inits) == {"bench-95"}
            assert [sweep.end is None for sweep in reader.state.sweeps.values()] == [False, False]
        assert verify_store(into) == []
    assert at > 50


def test_parent_is_not_replaced_by_another_result(rows: Rows, tmp_path: Path) -> None:
    init = f"row:{rows.row(0)['experiment_id']}/final"
    family = put(tmp_path / "family", rows, [rows.row(0), rows.row(1, init=init)])
    same = shard(tmp_path / "same", rows, 0, train_ms=1.0)
    assert merge(same, family, into=tmp_path / "both", take_first=True) == [1, 1]
    other = shard(tmp_path / "other", rows, 0, loss=0.5)
    with pytest.raises(MergeRefused, match=rows.row(0)["experiment_id"]):
        merge(other, family, into=tmp_path / "lost", take_first=True)
    assert not (tmp_path / "lost").exists()
    assert merge(family, other, into=tmp_path / "kept", take_first=True) == [2, 0]
