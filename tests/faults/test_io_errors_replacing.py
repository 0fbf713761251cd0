"""A writer that dies or fails while it replaces data files keeps every row once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.data.parts import read_part
from storage.errors import StoreError
from storage.log.entries import RowsReplaced
from storage.log.files import read_log
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage import faulty_os
from tests.storage.faulty_os import Crash, one_call_changed
from tests.storage.made_rows import Rows

_SIZE = 4
_FORGOTTEN, _RETRIED = 1, 2
_KEPT = {0: "ok", 3: "ok"}


def rewrite(store: Path, rows: Rows) -> None:
    """Forget a row and retry another one, unless that is done already."""
    with StoreWriter(store) as writer:
        writer.forget([rows.row(_FORGOTTEN)["experiment_id"]])
        writer.retry(["failed"])
        sweep = f"retry-{len(list((store / 'log').iterdir()))}"
        writer.begin_sweep(rows.begin(sweep))
        if _RETRIED not in writer.stored(rows.digest):
            rows.append(writer, _RETRIED, _RETRIED + 1, sweep_id=sweep)
            writer.commit()
        writer.end_sweep("finished")


def statuses(store: Path) -> dict[int, str]:
    """Return index -> status of each row; a repeated row fails the test."""
    with StoreReader(store) as reader:
        found = [
            row
            for part in reader.state.parts
            for row in read_part(reader.paths, part).select(["study_index", "status"]).to_pylist()
        ]
    by_index = {row["study_index"]: row["status"] for row in found}
    assert len(by_index) == len(found)
    return by_index


def files(store: Path) -> tuple[set[str], set[str]]:
    """Return the names of the data files of the store, and of those that were replaced."""
    entries = read_log(StorePaths(store))
    replaced = {f for entry in entries if isinstance(entry, RowsReplaced) for f in entry.removed}
    with StoreReader(store) as reader:
        return {part.file for part in reader.state.parts}, replaced


@pytest.fixture
def store_with_failures(rows: Rows, store: Path) -> Path:
    """A store of two files with two rows each; one row failed."""
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 2)
        writer.commit()
        failed = rows.diverged(_RETRIED, status="failed", reason="x")
        batch = rows.batch([failed, rows.row(3)])
        writer.append(batch, rows.digest, rows.study, IndexSet.of([(2, _SIZE)]))
        writer.end_sweep("finished")
    return store


@pytest.mark.parametrize(
    "fault",
    [faulty_os.crash_before, faulty_os.crash_torn, faulty_os.disk_full, faulty_os.disk_broken],
)
def test_death_or_error_at_any_call_keeps_every_row_once(
    store_with_failures: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    before = store_with_failures.with_name("before")
    store_with_failures.rename(before)
    seen = set()
    for at in range(10_000):
        shutil.rmtree(store_with_failures, ignore_errors=True)
        shutil.copytree(before, store_with_failures)
        ended: BaseException | None = None
        with one_call_changed(monkeypatch, at, fault) as faulty:
            try:
                rewrite(store_with_failures, rows)
            except (Crash, StoreError) as error:
                ended = error
        if not faulty.reached:
            break
        seen.add(faulty.calls[at])
        assert ended is not None
        now = statuses(store_with_failures)
        # The retried row is always present: the old or the new one.
        assert now.keys() - {_FORGOTTEN} == {*_KEPT, _RETRIED}
        assert now[_RETRIED] == "failed" or _FORGOTTEN not in now
        with one_call_changed(monkeypatch, -1, fault):
            rewrite(store_with_failures, rows)
        assert statuses(store_with_failures) == _KEPT | {_RETRIED: "ok"}
        assert verify_store(store_with_failures) == []
        named, replaced = files(store_with_failures)
        present = {file.name for file in (store_with_failures / "data").iterdir()}
        assert named <= present <= named | replaced
        assert list((store_with_failures / "tmp").iterdir()) == []
    assert seen == {"open", "write", "fsync", "close", "link", "unlink"}


def test_replaced_files_are_removed_by_the_next_writer(
    store_with_failures: Path, rows: Rows
) -> None:
    rewrite(store_with_failures, rows)
    assert len(list((store_with_failures / "data").iterdir())) == 5
    with StoreWriter(store_with_failures) as writer:
        writer.begin_sweep(rows.begin("last"))
    assert {file.name for file in (store_with_failures / "data").iterdir()} == files(
        store_with_failures
    )[0]
