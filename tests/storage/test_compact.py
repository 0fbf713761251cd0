"""Compacting gives fewer files with the same rows, despite readers and kills."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.errors import NotAStore, StoreDamaged, StoreError, StoreLocked
from storage.export import export_results
from storage.merging.merge import merge_stores
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from tests.storage import faulty_os
from tests.storage.faulty_os import Crash, one_call_changed
from tests.storage.made_rows import Rows

OTHER = "0" * 64
"""Digest of a second study, smaller than that of `Rows`."""


def scattered(rows: Rows, store: Path, files: int = 12, of: int = 5) -> Path:
    """Make a store of many files of two studies, from several sweeps in random order."""
    order = list(range(files * of))
    random.Random(0).shuffle(order)
    with StoreWriter(store) as writer:
        for number in range(files):
            sweep = f"sweep-{number // 4}"
            if number % 4 == 0:
                if number:
                    writer.end_sweep("finished")
                writer.begin_sweep(rows.begin(sweep))
            indices = IndexSet.from_indices(order[number * of : (number + 1) * of])
            for digest, study in ((rows.digest, rows.study), (OTHER, "mine")):
                made = [rows.row(index, sweep_id=sweep, study=study) for index in indices]
                writer.append(rows.batch(made), digest, study, indices)
            writer.commit()
        writer.end_sweep("finished")
    return store


def everything(store: Path) -> tuple[pa.Table, pa.Table]:
    with StoreReader(store) as reader:
        results = reader.sql("SELECT * FROM results ORDER BY study, study_index")
        return results, reader.sql("SELECT * FROM sweeps ORDER BY sweep_id")


def test_compaction_sorts_rows_and_changes_none(rows: Rows, store: Path) -> None:
    before = everything(scattered(rows, store))
    done = compact_store(store, command="compact", max_rows=50)
    assert (done.rows, done.files) == (120, (12, 3))
    assert verify_store(store) == []
    results, sweeps = everything(store)
    assert results.equals(before[0])
    seconds = [table.column("train_seconds").to_pylist() for table in (sweeps, before[1])]
    assert seconds[0] == pytest.approx(seconds[1])
    left = [table.drop_columns(["train_seconds"]) for table in (sweeps, before[1])]
    assert left[0].equals(left[1])
    with StoreReader(store) as reader:
        files = [file for some in reader.data_files().values() for file in some]
        in_order = reader.sql("SELECT study, study_index FROM results").to_pylist()
        assert [part.rows for part in reader.state.parts] == [40, 40, 40]
    assert len(files) == 3
    expected = [{"study": s, "study_index": i} for s in ("mine", rows.study) for i in range(60)]
    assert in_order == expected


def test_large_files_are_left_alone(rows: Rows, store: Path) -> None:
    scattered(rows, store)
    compact_store(store, command="compact", max_rows=50)
    assert compact_store(store, command="compact", max_rows=50).rows == 0
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin("later"))
        for start in (60, 65):
            rows.append(writer, start, start + 5, sweep_id="later")
            writer.commit()
    done = compact_store(store, command="compact", max_rows=50)
    assert (done.rows, done.files) == (10, (5, 4))
    assert everything(store)[0].num_rows == 130


def test_compacted_rows_can_be_forgotten_retried_and_merged(
    rows: Rows, store: Path, tmp_path: Path
) -> None:
    scattered(rows, store)
    compact_store(store, command="compact", max_rows=50)
    merge_stores([store], tmp_path / "copy", command="merge")
    assert everything(tmp_path / "copy")[0].equals(everything(store)[0])
    with StoreReader(store) as reader:
        gone = reader.sql("SELECT experiment_id FROM results WHERE sweep_id = 'sweep-1'")
    with StoreWriter(store) as writer:
        assert writer.forget(gone.column(0).to_pylist()) == 40
    logged = {row["sweep_id"]: row["rows_logged"] for row in everything(store)[1].to_pylist()}
    assert logged == {"sweep-0": 40, "sweep-1": 0, "sweep-2": 40}
    assert everything(store)[0].num_rows == 80
    assert verify_store(store) == []


def test_death_at_any_call_keeps_every_row_once(
    rows: Rows, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = faulty_os.crash_torn
    whole = everything(scattered(rows, store, files=4, of=3))[0]
    before = store.with_name("before")
    store.rename(before)
    at = 0
    while True:
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(before, store)
        with one_call_changed(monkeypatch, at, fault) as faulty, suppress(Crash, StoreError):
            compact_store(store, command="compact", max_rows=20)
        assert everything(store)[0].equals(whole)
        with one_call_changed(monkeypatch, -1, fault):
            compact_store(store, command="compact", max_rows=20)
        assert everything(store)[0].equals(whole)
        assert verify_store(store) == []
        if not faulty.reached:
            break
        at += 1
    assert at > 20


def test_queries_during_compaction_answer_correctly(
    rows: Rows, store: Path, tmp_path: Path
) -> None:
    whole = everything(scattered(rows, store))[0]
    query = "SELECT * FROM results ORDER BY study, study_index"
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        number = 0
        with StoreReader(store) as reader:
            while not done.is_set():
                number += 1
                try:
                    if not reader.sql(query).equals(whole):
                        wrong.append("another answer")
                    file = tmp_path / f"{threading.get_ident()}.csv"
                    if export_results(reader, "csv", file, overwrite=True) != whole.num_rows:
                        wrong.append("another export")
                except StoreError as error:
                    wrong.append(error)
        if not number:
            wrong.append("never asked")

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        # The files get smaller each time, and each writer removes what the last one replaced.
        for max_rows in (5, 200, 7):
            _split(store, rows, max_rows)
            compact_store(store, command="compact", max_rows=200)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert len(list((store / "data").iterdir())) < 40


def _split(store: Path, rows: Rows, max_rows: int) -> None:
    """Replace the files of a store by many small ones."""
    from storage.paths import StorePaths
    from storage.writing.committer import Committer
    from storage.writing.compact import merged_parts

    committer = Committer(store, command="split")
    try:
        parts = committer.state.parts
        names = [part.file for part in parts]
        new = merged_parts(StorePaths(store), parts, max_rows)
        committer.publish_replacement(names, new)
    finally:
        committer.close()


def test_damaged_file_is_not_compacted(rows: Rows, store: Path) -> None:
    file = sorted((scattered(rows, store) / "data").iterdir())[5]
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    log = sorted((store / "log").iterdir())
    with pytest.raises(StoreDamaged, match=file.name):
        compact_store(store, command="compact")
    assert sorted((store / "log").iterdir()) == log


def test_locked_or_missing_store_is_not_compacted(
    fill: Callable[..., Path], tmp_path: Path
) -> None:
    store = fill(2, 2)
    with StoreWriter(store), pytest.raises(StoreLocked):
        compact_store(store, command="compact")
    with pytest.raises(NotAStore):
        compact_store(tmp_path / "none", command="compact")
    assert not (tmp_path / "none").exists()
