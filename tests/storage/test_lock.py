from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.errors import StoreLocked, WriteFailed
from storage.lock import current_holder
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

_PROJECT = Path(__file__).resolve().parents[2]

_HOLD = """
import sys
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows
rows = Rows()
with StoreWriter(sys.argv[1], command="sparsest run phase1") as writer:
    writer.begin_sweep(rows.begin())
    start = 0
    while True:
        rows.append(writer, start, start + 3)
        writer.commit()
        start += 3
        print(start, flush=True)
"""


@contextmanager
def _other_writer(store: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another process that commits three rows at a time, as fast as it can."""
    command = [sys.executable, "-c", _HOLD, str(store)]
    process = subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _acknowledged(process: subprocess.Popen[str], least: int) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= least:
            return int(line)
    raise AssertionError("the other writer ended too early")


def test_second_writer_is_refused_with_the_name_of_the_first(store: Path) -> None:
    with _other_writer(store) as other:
        _acknowledged(other, 3)
        with pytest.raises(StoreLocked) as caught:
            StoreWriter(store)
        holder = caught.value.holder
        assert holder is not None
        assert holder == current_holder(StorePaths(store))
        assert (holder.pid, holder.command) == (other.pid, "sparsest run phase1")
        assert holder.host == os.uname().nodename
        for words in (str(other.pid), holder.host, holder.command, holder.since):
            assert words in str(caught.value)


def test_killed_writer_frees_the_store_and_keeps_stored_rows(rows: Rows, store: Path) -> None:
    with _other_writer(store) as other:
        acknowledged = _acknowledged(other, 9)
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with StoreWriter(store) as writer:
        stored = writer.stored(rows.digest)
        assert len(IndexSet.of([(0, acknowledged)]) - stored) == 0
        assert stored.intervals == ((0, len(stored)),)
        writer.begin_sweep(rows.begin("second"))
        rows.append(writer, len(stored), len(stored) + 3, sweep_id="second")
    assert verify_store(store) == []
    ids = StoreReader(store).sql("SELECT study_index FROM results ORDER BY 1")
    assert ids.column(0).to_pylist() == list(range(len(stored) + 3))


def test_readers_see_whole_commits_while_a_writer_works(rows: Rows, store: Path) -> None:
    with _other_writer(store) as other:
        _acknowledged(other, 3)
        with StoreReader(store) as reader:
            before = reader.state.rows
            for _ in range(10):
                _acknowledged(other, before + 3)
                assert reader.refresh()
                found = reader.sql("SELECT count(*) AS n, max(study_index) AS m FROM results")
                ((count, largest),) = (row.values() for row in found.to_pylist())
                assert count % 3 == 0
                assert count > before
                assert largest == count - 1
                assert count == len(reader.stored(rows.digest)) == reader.state.rows
                before = count


def test_name_left_by_a_dead_process_is_ignored(
    fill: Callable[..., Path],
) -> None:
    store = fill(1)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (store / "lock").write_text(
        f'{{"pid": {dead.pid}, "host": "{os.uname().nodename}", "command": "x", "since": "y"}}'
    )
    assert current_holder(StorePaths(store)) is None
    with StoreWriter(store):
        assert current_holder(StorePaths(store)) is not None
    assert current_holder(StorePaths(store)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_unreadable_name_of_the_holder_still_refuses(
    fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    store = fill(1)
    monkeypatch.setattr("storage.lock._NAME_WAIT_S", 0.0)
    with StoreWriter(store):
        (store / "lock").write_text(text)
        with pytest.raises(StoreLocked, match="another process") as caught:
            StoreWriter(store)
        assert caught.value.holder is None


def test_child_processes_do_not_inherit_the_lock(store: Path) -> None:
    with StoreWriter(store):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        StoreWriter(store).close()
    finally:
        child.communicate(b"\n")


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_permissions_of_the_lock_follow_the_umask(store: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        StoreWriter(store).close()
    finally:
        os.umask(before)
    assert (store / "lock").stat().st_mode & 0o777 == mode


def test_lock_of_another_user_is_named(
    fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fill(1)
    real = os.open

    def refusing(path: Path, flags: int, *arguments: Any, **options: Any) -> int:
        if path == store / "lock" and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(WriteFailed) as caught:
        StoreWriter(store)
    assert f"Make {store / 'lock'} writable" in str(caught.value)
