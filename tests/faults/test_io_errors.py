"""A writer that dies or fails at any of its calls keeps every stored row once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from search.indices import IndexSet
from storage import durable, lock
from storage.checking.verify import verify_store
from storage.data.parts import study_ids
from storage.errors import (
    NotAStore,
    NumberTaken,
    StoreDamaged,
    StoreError,
    WriteFailed,
    WriterClosed,
)
from storage.reading.reader import StoreReader
from storage.writing import committer
from storage.writing.writer import StoreWriter
from tests.faults.racing_writers import NoLock
from tests.storage import faulty_os
from tests.storage.faulty_os import Crash, FaultyOs
from tests.storage.made_rows import Rows

_SIZE = 4
_PART = 2


def _sweep(store: Path, rows: Rows, sweep_id: str, acknowledged: list[int]) -> None:
    """Store the missing ones of the first experiments, two per commit."""
    with StoreWriter(store) as writer:
        wanted = IndexSet.of([(0, _SIZE)]) - writer.stored(rows.digest)
        writer.begin_sweep(rows.begin(sweep_id))
        while wanted:
            task, wanted = wanted.take(_PART)
            batch = rows.batch(rows.row(index, sweep_id=sweep_id) for index in task)
            writer.append(batch, rows.digest, rows.study, task)
            writer.commit()
            acknowledged.extend(task)
        writer.end_sweep("finished")


def _runs(
    store: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> Iterator[tuple[str, list[int], BaseException | None]]:
    """Run a new sweep with the fault at the first call, then one with it at the second, ..."""
    for at in range(10_000):
        shutil.rmtree(store, ignore_errors=True)
        faulty = FaultyOs(at, fault)
        acknowledged: list[int] = []
        ended: BaseException | None = None
        with monkeypatch.context() as patch:
            for module in (durable, lock):
                patch.setattr(module, "os", faulty)
            try:
                _sweep(store, rows, "first", acknowledged)
            except (Crash, StoreError) as error:
                ended = error
        if not faulty.reached:
            return
        with monkeypatch.context() as patch:
            patch.setattr(durable, "os", FaultyOs(-1, fault))
            yield faulty.calls[at], acknowledged, ended
    raise AssertionError("the sweep does not end")


def _check_and_resume(store: Path, rows: Rows, acknowledged: list[int]) -> None:
    try:
        with StoreReader(store) as reader:
            before = reader.stored(rows.digest)
    except NotAStore:  # it died before there was one
        before = IndexSet()
    assert set(acknowledged) <= set(before)
    _sweep(store, rows, "second", [])
    expected = [rows.row(index)["experiment_id"] for index in range(_SIZE)]
    with StoreReader(store) as reader:
        studies = [ids for part in reader.state.parts for _, ids in study_ids(reader.paths, part)]
        named = {part.file for part in reader.state.parts}
    assert sorted(chain.from_iterable(studies)) == sorted(expected)
    assert {file.name for file in (store / "data").iterdir()} == named
    assert list((store / "tmp").iterdir()) == []
    assert verify_store(store) == []


@pytest.mark.parametrize("fault", [faulty_os.crash_before, faulty_os.crash_torn])
def test_death_at_any_call_keeps_stored_rows_and_repeats_none(
    store: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    seen = set()
    for call, acknowledged, ended in _runs(store, rows, monkeypatch, fault):
        seen.add(call)
        assert isinstance(ended, Crash)
        _check_and_resume(store, rows, acknowledged)
    assert seen == set(FaultyOs.CALLS)


@pytest.mark.parametrize("fault", [faulty_os.disk_full, faulty_os.disk_broken])
def test_error_at_any_call_ends_with_a_message_and_can_be_resumed(
    store: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    failures = 0
    for call, acknowledged, ended in _runs(store, rows, monkeypatch, fault):
        if ended is None:
            # Everything is stored by then; only the lock is left, and it is freed.
            assert call in ("ftruncate", "close")
            assert len(acknowledged) == _SIZE
        else:
            assert isinstance(ended, StoreError)
            assert "run the same command again" in str(ended)
            failures += 1
        _check_and_resume(store, rows, acknowledged)
    assert failures > 40


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").write_bytes(b"new")
    with pytest.raises(WriteFailed, match="exists"):
        durable.create_exclusive(tmp_path / "a", b"new")
    with pytest.raises(NumberTaken, match="nothing was overwritten"):
        durable.publish_link(tmp_path / "b", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    durable.create_exclusive(tmp_path / "c", b"new")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o444


def test_short_writes_are_completed(
    store: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    for call, acknowledged, ended in _runs(store, rows, monkeypatch, faulty_os.short_write):
        assert ended is None
        assert acknowledged == list(range(_SIZE))
        if call == "write":
            writes += 1
            assert verify_store(store) == []
    assert writes >= 7


def test_full_disk_is_reported_with_the_file(
    store: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 2)
        with monkeypatch.context() as patch:
            patch.setattr(durable, "os", FaultyOs(1, faulty_os.disk_full))
            with pytest.raises(StoreError, match=r"[0-9a-f]{32}\.parquet.*disk is full"):
                writer.commit()
        # The disk has room again, but it is unknown how far the failed commit got.
        with pytest.raises(WriterClosed):
            writer.commit()
        with pytest.raises(WriterClosed):
            writer.end_sweep("failed")
    assert list((store / "data").iterdir()) == []


def test_files_of_a_killed_commit_are_ignored_and_removed(
    rows: Rows, fill: Callable[..., Path]
) -> None:
    store = fill(3)
    (part,) = (store / "data").iterdir()
    uncommitted = store / "data" / ("0" * 32 + ".parquet")
    uncommitted.write_bytes(part.read_bytes())
    temporary = store / "tmp" / uncommitted.name
    temporary.hardlink_to(uncommitted)
    torn = store / "tmp" / "torn"
    torn.write_bytes(b'{"sha256":"')
    with StoreReader(store) as reader:
        assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 3}]
    with StoreWriter(store) as writer:
        assert uncommitted.exists()  # another writer might still name it
        writer.begin_sweep(rows.begin("second"))
        assert [file for file in (uncommitted, temporary, torn) if file.exists()] == []
    assert part.exists()
    assert not (store / "quarantine").exists()


def test_writer_that_ignores_the_lock_overwrites_nothing(
    rows: Rows, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "StoreLock", NoLock)
    with StoreWriter(store) as first:
        first.begin_sweep(rows.begin())
        rows.append(first, 0, 2)
        first.commit()
        with StoreWriter(store) as second:
            second.begin_sweep(rows.begin("second"))
            rows.append(second, 2, 4, sweep_id="second")
            second.commit()
            rows.append(first, 2, 4)
            with pytest.raises(NumberTaken):
                first.commit()
    assert StoreReader(store).stored(rows.digest).intervals == ((0, 4),)
    assert verify_store(store) == []


def test_one_of_two_writers_of_the_next_entry_wins(
    rows: Rows, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "StoreLock", NoLock)
    with StoreWriter(store) as first:
        first.begin_sweep(rows.begin())
        rows.append(first, 0, 2)
        second = StoreWriter(store)  # knows one entry, like the first
        entry = store / "log" / "00000002.json"
        first.commit()
        content = entry.read_bytes()
        with pytest.raises(NumberTaken, match=re.escape(entry.name)):
            second.begin_sweep(rows.begin("second"))
        assert entry.read_bytes() == content
        second.close()


def test_lost_marker_is_noticed(fill: Callable[..., Path]) -> None:
    store = fill(2)
    (store / "store.json").unlink()
    with pytest.raises(StoreDamaged, match=r"store\.json"):
        StoreWriter(store)
    with pytest.raises(StoreDamaged, match=r"store\.json"):
        StoreReader(store)
