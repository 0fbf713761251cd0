from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from storage.errors import NotAStore, StoreDamaged, UnknownExperiment
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows


def test_missing_store_is_reported_with_advice(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match=r"sparsest run .*'.*/no store'"):
        StoreReader(tmp_path / "no store")
    with pytest.raises(NotAStore):
        StoreReader(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotAStore):
        StoreReader(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_structure_and_masks_are_split_into_columns(rows: Rows, store: Path) -> None:
    made = [
        rows.row(0, structure="7x3x11", masks=["10|01", "11|10", "111"]),
        rows.row(1, structure="4x2", masks=["10|01"]),
        rows.row(2, structure=None, masks=None),
        rows.row(3, structure="3x3x3", masks=[None, "11|10"]),
    ]
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        writer.append(rows.batch(made), rows.digest, rows.study, IndexSet.of([(0, 4)]))
    query = "SELECT d1, d2, d3, mask1, mask2, mask3 FROM results ORDER BY study_index"
    with StoreReader(store) as reader:
        found = [tuple(row.values()) for row in reader.sql(query).to_pylist()]
        columns = reader.sql("SELECT * FROM results LIMIT 0").schema.names
    assert found == [
        (7, 3, 11, "10|01", "11|10", "111"),
        (4, 2, None, "10|01", None, None),
        (None,) * 6,
        (3, 3, 3, None, "11|10", None),
    ]
    at = columns.index("structure")
    assert columns[at : at + 9] == [
        "structure", "d1", "d2", "d3", "masks", "mask1", "mask2", "mask3", "lr",
    ]  # fmt: skip
    assert [name for name in columns if name in RESULT_SCHEMA.names] == RESULT_SCHEMA.names


def test_empty_store_has_the_same_columns(fill: Callable[..., Path], tmp_path: Path) -> None:
    query = "SELECT * FROM results"
    with StoreWriter(tmp_path / "empty"):
        pass
    with StoreReader(tmp_path / "empty") as empty, StoreReader(fill(1)) as filled:
        nothing = empty.sql(query)
        assert nothing.num_rows == 0
        assert nothing.schema.equals(filled.sql(query).schema)
        assert empty.sql("SELECT * FROM sweeps").num_rows == 0
        assert empty.state.rows == 0


def test_sweeps_describe_runs_and_their_results(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin("first"))
        failed = rows.diverged(0, status="failed", reason="killed", sweep_id="first")
        writer.append(rows.batch([failed]), rows.digest, rows.study, IndexSet.of([(0, 1)]))
        rows.append(writer, 1, 4, sweep_id="first")
        writer.end_sweep("finished", skipped=5, core_seconds=2.5)
    with StoreWriter(store) as writer:  # this one is killed
        begin = writer.begin_sweep(rows.begin("second"))
        rows.append(writer, 4, 6, sweep_id=begin)
        writer.commit()
    with StoreReader(store) as reader:
        first, second = reader.sql("SELECT * FROM sweeps ORDER BY sweep_id").to_pylist()
        total = reader.sql("SELECT sum(rows_logged)::BIGINT AS n FROM sweeps").to_pylist()
    assert total == [{"n": 6}]
    assert first["sweep_id"] == "first"
    assert first["command"] == "sparsest run phase1 mine.toml"
    assert first["studies"] == ["phase1", "mine"]
    assert dict(first["sweep_files"]).keys() == {"mine.toml"}
    assert dict(first["versions"])["duckdb"] == duckdb.__version__
    assert first["host"] == os.uname().nodename
    assert (first["workers"], first["root_seed"], first["device"]) == (2, 7, "cpu")
    assert (first["outcome"], first["skipped"], first["stored"]) == ("finished", 5, 4)
    assert (first["ok"], first["failed"], first["diverged"], first["collapsed"]) == (3, 1, 0, 0)
    assert (first["core_seconds"], first["rows_logged"]) == (2.5, 4)
    assert first["train_seconds"] == pytest.approx(4 * 0.0085)
    assert isinstance(first["started"], datetime.datetime)
    assert first["started"] <= first["ended"]
    unknown = ("ended", "outcome", "stored", "skipped", "core_seconds", "wall_seconds")
    assert [second[name] for name in unknown] == [None] * len(unknown)
    assert (second["ok"], second["rows_logged"]) == (2, 2)


def test_reader_shows_new_rows_after_a_refresh(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        with StoreReader(store) as reader:
            assert not reader.refresh()
            rows.append(writer, 0, 3)
            writer.commit()
            count = "SELECT count(*) AS n FROM results"
            assert reader.sql(count).to_pylist() == [{"n": 0}]
            assert reader.refresh()
            assert reader.sql(count).to_pylist() == [{"n": 3}]
            assert reader.stored(rows.digest).intervals == ((0, 3),)
            assert not reader.refresh()


def test_progress_needs_only_the_log(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        writer.append(rows.range(5, 6, study="other"), "o", "other", IndexSet.of([(5, 6)]))
        writer.commit()
        rows.append(writer, 7, 9)
        writer.commit()
    reader = StoreReader(store)
    for file in (store / "data").iterdir():
        file.unlink()
    state = reader.state
    assert (state.rows, len(state.parts), state.entries) == (6, 2, 3)
    assert state.studies[rows.digest].indices.intervals == ((0, 3), (7, 9))
    assert (state.studies["o"].name, state.studies["o"].rows) == ("other", 1)
    assert [sweep.rows for sweep in state.sweeps.values()] == [6]
    assert state.bytes == sum(part.bytes for part in reader.state.parts) > 0


def test_missing_data_file_is_named(fill: Callable[..., Path]) -> None:
    store = fill(2, 2)
    file = sorted((store / "data").iterdir())[1]
    file.unlink()
    with pytest.raises(StoreDamaged, match=file.name) as caught:
        StoreReader(store)
    assert caught.value.file == file


def test_truncated_data_file_is_named(fill: Callable[..., Path]) -> None:
    store = fill(2)
    (file,) = (store / "data").iterdir()
    whole = file.read_bytes()
    file.chmod(0o644)
    for size in [*range(0, len(whole), 501), len(whole) - 1]:
        file.write_bytes(whole[:size])
        with pytest.raises(StoreDamaged, match=f"{file.name}: has {size} bytes"):
            StoreReader(store)
    file.write_bytes(whole + b"x")
    with pytest.raises(StoreDamaged, match=file.name):
        StoreReader(store)


def test_file_that_vanishes_under_a_reader_is_named(
    fill: Callable[..., Path],
) -> None:
    store = fill(2, 2)
    reader = StoreReader(store)
    reader.sql("SELECT 1")
    for file in (store / "data").iterdir():
        file.unlink()
    with pytest.raises(StoreDamaged, match=r"\.parquet.*missing"):
        reader.sql("SELECT count(*) FROM results")


def test_changed_data_file_is_named_when_a_query_fails(fill: Callable[..., Path]) -> None:
    store = fill(50, 50)
    file = sorted((store / "data").iterdir())[1]
    file.chmod(0o644)
    whole = file.read_bytes()
    for place in (slice(len(whole) - 40, len(whole) - 8), slice(4, 200)):  # footer, first pages
        damaged = bytearray(whole)
        damaged[place] = bytes(0xFF for _ in whole[place])
        file.write_bytes(damaged)
        with (
            StoreReader(store) as reader,
            pytest.raises(StoreDamaged, match=f"{file.name}.*SHA-256"),
        ):
            reader.sql("SELECT * FROM results")


def test_file_that_vanishes_before_the_first_query_is_named(
    fill: Callable[..., Path],
) -> None:
    reader = StoreReader(fill(2))
    next(reader.paths.data.iterdir()).unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        reader.sql("SELECT 1")
    with pytest.raises(StoreDamaged, match="missing"):
        reader.row("abcd")


@pytest.mark.parametrize("name", ["run[1]", "a*b?", "it's", "with space", "ünïcode", "{x,y}"])
def test_names_that_look_like_patterns_are_read_literally(
    rows: Rows, fill: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    for neighbour in ("run1", "aXbY", "x", "y"):
        fill(5, path=tmp_path / neighbour)
    with StoreReader(fill(2, 1, path=tmp_path / name)) as reader:
        assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 3}]


def test_relative_path_survives_a_change_of_folder(
    fill: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(2)
    monkeypatch.chdir(tmp_path)
    reader = StoreReader("store")
    monkeypatch.chdir("/")
    assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 2}]


def test_row_is_found_by_its_id_or_first_digits(rows: Rows, fill: Callable[..., Path]) -> None:
    with StoreReader(fill(30, 30)) as reader:
        for index in (0, 45):
            made = rows.row(index)
            for digits in (6, 31, 32):
                found = reader.row(made["experiment_id"][:digits].upper())
                assert {name: found[name] for name in made} == made
                assert (found["d1"], found["mask2"]) == (2, "11|10")


def test_ambiguous_or_unknown_id_is_refused(rows: Rows, store: Path) -> None:
    twins = [
        rows.row(0, experiment_id="abcd" + "0" * 28),
        rows.row(1, experiment_id="abcd" + "f" * 28),
        rows.row(2, experiment_id="0" * 32),
    ]
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        writer.append(rows.batch(twins), rows.digest, rows.study, IndexSet.of([(0, 3)]))
    with StoreReader(store) as reader:
        assert reader.row("abcd0")["study_index"] == 0
        assert reader.row("abcdf")["study_index"] == 1
        assert reader.row("0000")["study_index"] == 2
        with pytest.raises(UnknownExperiment, match="Several"):
            reader.row("abcd")
        for wrong, message in (
            ("abce", "No stored"),
            ("abc", "hexadecimal"),
            ("' OR 1=1 --", "hexadecimal"),
            ("' OR 1=1 --:3", "hexadecimal"),
            ("0" * 33, "hexadecimal"),
        ):
            with pytest.raises(UnknownExperiment, match=message):
                reader.row(wrong)


def test_row_is_found_by_its_number(rows: Rows, store: Path) -> None:
    made = [
        rows.row(0),
        rows.row(1),
        rows.row(2, paper_group=None, paper_run_id=None),
        rows.row(3, paper_group="fixed-95", paper_run_id=18_955),
        rows.row(4, paper_run_id=18_956, root_seed=1),
    ]
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        writer.append(rows.batch(made), rows.digest, rows.study, IndexSet.of([(0, 5)]))
    with StoreReader(store) as reader:
        assert reader.row("random:18955")["study_index"] == 0
        assert reader.row("fixed-95:18955")["study_index"] == 3
        # Numbers in a sweep file start at 1, as in `sparsest list`.
        assert reader.row("phase1:3")["study_index"] == 2
        with pytest.raises(UnknownExperiment, match=r"Several .*random:18956"):
            reader.row("random:18956")
        for unknown in ("random:1", "mine:3", "phase1:1", "random:999999999999999999"):
            with pytest.raises(UnknownExperiment, match=unknown):
                reader.row(unknown)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_times_are_utc_in_every_time_zone(
    fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    age = "SELECT epoch(now()) - epoch(max(coalesce(ended, now()))) AS seconds FROM sweeps"
    try:
        with StoreReader(fill(1)) as reader:
            assert 0 <= reader.sql(age).to_pylist()[0]["seconds"] < 600
            assert reader.sql("SELECT now() AS t").schema.field("t").type.tz == "UTC"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_reader_that_shares_the_state_of_a_writer_shows_its_commits(
    rows: Rows, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = "SELECT count(*) AS n FROM results"
    with StoreWriter(store) as writer:
        monkeypatch.setattr("storage.reading.reader.read_log", lambda paths, after: [])
        with StoreReader(store, state=writer.state) as reader:
            assert reader.sql(count).to_pylist() == [{"n": 0}]
            writer.begin_sweep(rows.begin())
            for number in (1, 2):
                rows.append(writer, 2 * number, 2 * number + 2)
                writer.commit()
                assert reader.sql(count).to_pylist() == [{"n": 2 * number}]
                assert len(reader.stored(rows.digest)) == 2 * number
            assert not reader.refresh()


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_reading_a_few_columns_starts_no_thread(fill: Callable[..., Path]) -> None:
    count = "len(os.listdir('/proc/self/task'))"
    code = f"""
import os, sys
import pyarrow.parquet
from pathlib import Path
from storage.reading.reader import StoreReader
with StoreReader(Path(sys.argv[1])) as reader:
    before = {count}
    batches = list(reader.batches(["dataset", "accuracy"]))
    print(sum(batch.num_rows for batch in batches), {count} - before)
"""
    command = [sys.executable, "-c", code, str(fill(3))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found, threads = map(int, output.split())
    assert found == 3
    assert threads == 0
