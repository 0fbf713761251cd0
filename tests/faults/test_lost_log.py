"""Rows survive the loss of the log: data files are kept, and a log can be made from them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from storage.checking.rebuild import rebuild_log
from storage.checking.verify import verify_store
from storage.data.new_parts import STUDIES_NOTE
from storage.log.entries import EntryLost, RowsCommitted
from storage.log.files import read_log
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    INLINE,
    count_rows,
    rates,
    refused,
    sparsest,
    train,
    write_sweep,
)
from tests.orchestrator.running import (
    rows as all_rows,
)
from tests.storage.made_rows import Rows

COUNT = 6


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(COUNT)}')


@pytest.fixture
def trained(sweep: Path, tmp_path: Path) -> Path:
    """A store of three commits of a sweep and one of the paper's."""
    store = tmp_path / "store"
    for limit in (2, 2, 2):
        train([sweep], store, limit=limit)
    train(["phase1"], store, limit=2)
    return store


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def lose_entries(store: Path) -> None:
    empty(store / "log")


def lose_log(store: Path) -> None:
    shutil.rmtree(store / "log")


def keep_only_data(store: Path) -> None:
    for path in store.iterdir():
        if path.name != "data":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("lose", [lose_entries, lose_log, keep_only_data])
def test_store_without_its_log_is_refused_and_rebuilt(
    lose: Callable[[Path], None], trained: Path, sweep: Path
) -> None:
    before = all_rows(trained)
    data = sorted(file.name for file in (trained / "data").iterdir())
    lose(trained)
    for words in (["run", sweep, *INLINE], ["status"], ["query", "FROM results"], ["compact"]):
        assert "--rebuild" in refused(*words, "--store", trained)
    assert sorted(file.name for file in (trained / "data").iterdir()) == data

    ended = sparsest("verify", "--rebuild", "--store", trained)
    assert ended.code == 0, ended
    assert f"{COUNT + 2} rows in {len(data)} files" in ended.out
    assert all_rows(trained).equals(before)
    assert verify_store(trained) == []
    # Nothing is trained again.
    ended = sparsest("run", sweep, "--store", trained, *INLINE)
    assert ended.code == 0
    assert f"{COUNT} stored, 0 to train" in ended.err
    assert not (trained / "quarantine").exists()
    # A second time there is nothing to do.
    entries = len(read_log(StorePaths(trained)))
    assert sparsest("verify", "--rebuild", "--store", trained).code == 0
    assert len(read_log(StorePaths(trained))) == entries


def test_files_that_do_not_name_their_studies_are_rebuilt(trained: Path, sweep: Path) -> None:
    before = all_rows(trained)
    with StoreReader(trained) as reader:
        digests = {part.file: [*part.studies] for part in reader.state.parts}
    for file in (trained / "data").iterdir():
        table = pq.read_table(file, partitioning=None)
        notes = {k: v for k, v in table.schema.metadata.items() if k != STUDIES_NOTE}
        file.unlink()
        pq.write_table(table.replace_schema_metadata(notes), file)
    lose_log(trained)
    assert sparsest("verify", "--rebuild", sweep, "--store", trained).code == 0
    assert all_rows(trained).equals(before)
    with StoreReader(trained) as reader:
        assert {part.file: [*part.studies] for part in reader.state.parts} == digests
    # Without the sweep file the digest is made up; the experiments count as stored all the same.
    lose_log(trained)
    assert sparsest("verify", "--rebuild", "--store", trained).code == 0
    ended = sparsest("run", sweep, "--store", trained, *INLINE)
    assert f"{COUNT} stored, 0 to train" in ended.err


def test_older_log_leaves_newer_data_files_in_the_quarantine(trained: Path, sweep: Path) -> None:
    paths = StorePaths(trained)
    before = all_rows(trained)
    parts = [entry for entry in read_log(paths) if isinstance(entry, RowsCommitted)]
    kept = {part.file for part in parts[:1]}
    for number in range(4, len(list(paths.log.iterdir())) + 1):
        paths.entry(number).unlink()
    ended = sparsest("verify", "--store", trained)
    assert ended.code == 0
    assert "--rebuild" in ended.out

    ended = sparsest("run", sweep, "--limit", "1", "--store", trained, *INLINE)
    assert ended.code == 0
    assert str(paths.quarantine) in ended.err
    moved = {file.name for file in paths.quarantine.iterdir()}
    assert moved == {part.file for part in parts} - kept
    # They can be brought back; what was trained again meanwhile stays.
    for file in paths.quarantine.iterdir():
        (paths.data / file.name).unlink(missing_ok=True)
        file.rename(paths.data / file.name)
    assert sparsest("verify", "--rebuild", "--store", trained).code == 0
    assert verify_store(trained) == []
    assert sparsest("run", sweep, "phase1", "--limit", "1", "--store", trained, *INLINE).code == 0
    assert count_rows(trained) >= before.num_rows


def test_every_other_writer_keeps_unnamed_files_too(
    rows: Rows, fill: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    store = fill(2, 2)
    paths = StorePaths(store)
    part = min(paths.data.iterdir())
    unnamed = paths.data / ("0" * 32 + ".parquet")
    unnamed.write_bytes(part.read_bytes())
    for name in ("second", "third"):
        with StoreWriter(store) as writer:
            writer.begin_sweep(rows.begin(name))
        assert (paths.quarantine / unnamed.name).read_bytes() == part.read_bytes()
    # The next writer removes it from its folder, once the quarantine is durable.
    assert not unnamed.exists()
    assert str(paths.quarantine) in caplog.text
    assert verify_store(store) == []


def test_newer_of_two_files_with_an_experiment_is_used(trained: Path) -> None:
    paths = StorePaths(trained)
    old = {file.name for file in paths.data.iterdir()}
    compact_store(trained, command="compact")
    new = {file.name for file in paths.data.iterdir()} - old
    before = all_rows(trained)
    lose_entries(trained)
    done = rebuild_log(trained, command="rebuild")
    assert {file.name for file in done.unused} == old
    with StoreReader(trained) as reader:
        assert {part.file for part in reader.state.parts} == new
    assert all_rows(trained).equals(before)


def test_damaged_data_file_is_not_added(trained: Path) -> None:
    paths = StorePaths(trained)
    first, second, *_ = sorted(paths.data.iterdir())
    content = first.read_bytes()
    first.unlink()
    first.write_bytes(content[: len(content) // 2])
    table = pq.read_table(second, partitioning=None)
    second.unlink()
    wrong = table.set_column(
        table.schema.get_field_index("lr"), table.schema.field("lr"), [[0.5] * len(table)]
    )
    pq.write_table(wrong, second)
    lose_entries(trained)
    done = rebuild_log(trained, command="rebuild")
    assert set(done.unused) == {first, second}
    assert verify_store(trained) == []
    assert isinstance(read_log(paths)[0], EntryLost)


def test_data_file_names_its_studies(trained: Path) -> None:
    with StoreReader(trained) as reader:
        for part in reader.state.parts:
            notes = pq.read_metadata(reader.paths.part(part.file)).metadata
            named = json.loads(notes[STUDIES_NOTE])
            assert [(digest, name) for digest, name, _ in named] == [*part.studies.items()]
