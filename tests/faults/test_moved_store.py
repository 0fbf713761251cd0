"""A writer whose store is moved away or replaced stops, and writes nothing to what is there now."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.checking.repair import repair_log
from storage.checking.verify import verify_store
from storage.errors import StoreLocked, StoreMoved, WriterClosed
from storage.log.entries import Entry, EntryLost, SweepEnd
from storage.log.files import publish, read_log
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.status_files import LiveFile, LiveProgress
from storage.writing.writer import StoreWriter
from tests.faults.watching import contents
from tests.orchestrator.running import INLINE, rates, refused, sparsest, train, write_sweep
from tests.orchestrator.running import rows as rows_of
from tests.storage.made_rows import Rows


def move(store: Path) -> None:
    store.rename(store.with_name("old"))


def move_and_copy(store: Path) -> None:
    move(store)
    shutil.copytree(store.with_name("old"), store)


def replace_by_new_store(store: Path) -> None:
    move(store)
    rows = Rows()
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin("other"))
        rows.append(writer, 0, 3, sweep_id="other")
        writer.end_sweep("finished")


def replace_log(store: Path) -> None:
    (store / "log").rename(store.with_name("old-log"))
    shutil.copytree(store.with_name("old-log"), store / "log")


def remove_lock(store: Path) -> None:
    (store / "lock").unlink()


@pytest.mark.parametrize(
    "change", [move, move_and_copy, replace_by_new_store, replace_log, remove_lock]
)
def test_writer_stops_when_its_store_is_replaced(
    change: Callable[[Path], None], rows: Rows, store: Path
) -> None:
    writer = StoreWriter(store)
    writer.begin_sweep(rows.begin())
    rows.append(writer, 0, 2)
    writer.commit()
    rows.append(writer, 2, 4)
    change(store)
    after = contents(store)
    with pytest.raises(StoreMoved, match=str(store)):
        writer.commit()
    assert contents(store) == after
    with pytest.raises(WriterClosed):
        writer.end_sweep("failed")
    writer.close()
    for path in (store, store.with_name("old")):
        if (path / "store.json").exists():
            assert verify_store(path) == []


def test_second_writer_can_use_the_path_while_the_first_is_paused(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as paused:
        paused.begin_sweep(rows.begin())
        with pytest.raises(StoreLocked):
            StoreWriter(store)
        replace_by_new_store(store)
        with pytest.raises(StoreMoved):
            paused.end_sweep("finished")
    assert len(StoreReader(store).stored(rows.digest)) == 3


def test_progress_is_written_to_the_opened_store_only(rows: Rows, store: Path) -> None:
    StoreWriter(store).close()
    live = LiveFile(StorePaths(store))
    replace_by_new_store(store)
    live.write(LiveProgress(sweep_id="x", done=1, total=2, rate=1.0, left_s=1.0, workers=1))
    assert not (store / "live.json").exists()
    assert (store.with_name("old") / "live.json").exists()
    live.remove()
    assert not (store.with_name("old") / "live.json").exists()


def foreign_entries(store: Path, rows: Rows, tmp_path: Path) -> list[Entry]:
    """Return the entries that a writer of another store would append to this one."""
    other = tmp_path / "other"
    with StoreWriter(other) as writer:
        writer.begin_sweep(rows.begin("foreign"))
        for start in (0, 2, 6):
            rows.append(writer, start, start + 2, sweep_id="foreign")
            writer.commit()
        writer.end_sweep("finished")
    for file in (other / "data").iterdir():
        shutil.copy(file, store / "data" / file.name)
    return read_log(StorePaths(other))[1:]


def test_contradicting_entries_are_quarantined(
    rows: Rows, fill: Callable[..., Path], tmp_path: Path
) -> None:
    store = fill(2, 2)
    paths = StorePaths(store)
    before = len(read_log(paths))
    for entry in foreign_entries(store, rows, tmp_path):
        publish(paths, len(list(paths.log.iterdir())) + 1, entry)
    assert [problem.file for problem in verify_store(store)] == [str(paths.entry(before + 1))]

    lost = repair_log(paths, "repair")
    # The first names a sweep that is not of this store, the second repeats rows.
    assert [one.file for one in lost] == [paths.entry(before + 1), paths.entry(before + 2)]
    assert all(one.kept.exists() for one in lost)
    assert verify_store(store) == []
    entries = read_log(paths)
    assert [type(entry) for entry in entries[before:]][:2] == [EntryLost, EntryLost]
    assert isinstance(entries[-1], SweepEnd)
    # Rows that contradict nothing stay.
    assert StoreReader(store).stored(rows.digest).intervals == ((0, 4), (6, 8))
    assert repair_log(paths, "again") == []


def test_run_repairs_a_log_of_two_writers(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(6)}')
    ours, theirs, undisturbed = (tmp_path / name for name in ("ours", "theirs", "undisturbed"))
    train([sweep], undisturbed)
    train([sweep], ours, limit=2)
    train([sweep], theirs, limit=4)
    paths = StorePaths(ours)
    for file in (theirs / "data").iterdir():
        shutil.copy(file, paths.data / file.name)
    for entry in read_log(StorePaths(theirs))[1:]:
        publish(paths, len(list(paths.log.iterdir())) + 1, entry)
    message = refused("status", "--store", ours)
    assert "sparsest run" in message
    assert str(paths.entry(4)) in message

    ended = sparsest("run", sweep, "--store", ours, *INLINE)
    assert ended.code == 0, ended
    assert str(paths.entry(4)) in ended.err
    assert rows_of(ours).equals(rows_of(undisturbed))
    assert verify_store(ours) == []
    assert any(paths.quarantine.iterdir())
