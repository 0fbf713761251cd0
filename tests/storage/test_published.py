"""Publishing rows and reading them back."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from search.paper import paper_study
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.data.parts import index_set
from storage.errors import (
    NotPublished,
    PublishedDamaged,
    PublishedRefused,
    ReadOnlyError,
    RowsRefused,
    StoreError,
    StoreVersion,
    UnknownExperiment,
    WriteFailed,
)
from storage.log.entries import PUBLISHED
from storage.paths import published_folder
from storage.published.file import LEFT_OUT, NOTE_KEY, open_published
from storage.published.publish import Publication, publish_study
from storage.published.reader import PublishedReader, read_restored, restored_path
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

STUDY = paper_study("phase1")
PARAMETERS = ["weight_index", "weights", "bias_index", "biases"]


@pytest.fixture
def rows() -> Rows:
    made = Rows()
    made.digest = STUDY.digest
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results"


def publish(store: Path, folder: Path, *, overwrite: bool = False) -> Publication:
    with StoreReader(store) as reader:
        return publish_study(reader, STUDY, folder, {}, overwrite=overwrite)


@pytest.fixture
def published(fill: Callable[..., Path], folder: Path) -> Path:
    publish(fill(3, 2), folder)
    return folder


def read(folder: Path, query: str) -> list[dict[str, object]]:
    with PublishedReader(folder, folder.parent / "cache") as reader:
        answer: list[dict[str, object]] = reader.sql(query).to_pylist()
    return answer


def change(folder: Path, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Replace the published file by one with other rows and the same note."""
    path = folder / "phase1.parquet"
    table = pq.read_table(path)
    pq.write_table(edit(table).replace_schema_metadata(table.schema.metadata), path)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_reading_published_rows_starts_no_thread(published: Path) -> None:
    count = "len(os.listdir('/proc/self/task'))"
    code = f"""
import os, sys
from pathlib import Path
from storage.published.file import open_published
before = {count}
found = open_published(Path(sys.argv[1]), "phase1")
print(found.rows().num_rows, {count} - before)
"""
    command = [sys.executable, "-c", code, str(published)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.split() == ["5", "0"]


def test_published_rows_have_all_columns_but_weights(published: Path, rows: Rows) -> None:
    back = read(published, "SELECT * FROM results ORDER BY study_index")
    assert [row["study_index"] for row in back] == [0, 1, 2, 3, 4]
    for index, row in enumerate(back):
        experiment = STUDY[index]
        assert row["experiment_id"] == experiment.experiment_id
        assert (row["lr"], row["structure"]) == (experiment.lr, f"1x1x{index + 1}")
        assert (row["paper_group"], row["paper_run_id"]) == ("random", 18_955 + index)
        assert row["d3"] == index + 1
        assert [row[name] for name in PARAMETERS] == [None] * 4
        stored = rows.row(index)
        for name in set(RESULT_SCHEMA.names) - LEFT_OUT:
            assert row[name] == stored[name], name


def test_computable_columns_are_not_in_the_file(published: Path) -> None:
    names = pq.read_schema(published / "phase1.parquet").names
    assert not set(names) & {"experiment_id", "masks", "lr", "method", "weights", "init"}
    assert {"study_index", "status", "accuracy", "loss", "backend", "train_ms"} <= set(names)


def test_note_describes_sweeps_without_machine_and_command(published: Path, rows: Rows) -> None:
    note = json.loads(pq.read_schema(published / "phase1.parquet").metadata[NOTE_KEY])
    (sweep,) = note["sweeps"]
    assert sweep["begin"]["host"] == sweep["begin"]["command"] == ""
    assert sweep["begin"]["processor"] == rows.begin().processor
    assert sweep["begin"]["versions"] == rows.begin().versions
    assert (note["schema_version"], note["study_digest"]) == (SCHEMA_VERSION, STUDY.digest)
    (row,) = read(published, "SELECT sweep_id, processor, rows_logged, ok, ended FROM sweeps")
    assert row["sweep_id"] == rows.sweep_id
    assert row["processor"] == rows.begin().processor
    assert (row["rows_logged"], row["ok"]) == (5, 5)
    assert row["ended"] is not None


def test_rows_without_metrics_are_kept(rows: Rows, store: Path, folder: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        batch = rows.batch([rows.row(0), rows.diverged(1, reason="too large")])
        writer.append(batch, STUDY.digest, "phase1", index_set(batch["study_index"].to_numpy()))
    publish(store, folder)
    back = read(folder, "SELECT status, reason, accuracy FROM results ORDER BY study_index")
    assert back[1] == {"status": "diverged", "reason": "too large", "accuracy": None}


def test_query_of_published_results_only_reads(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "written.csv"
    for query in (
        f"COPY results TO '{target}'",
        f"SELECT * FROM read_parquet('{published / 'phase1.parquet'}')",
        "CREATE TABLE more AS FROM results",
    ):
        with pytest.raises(ReadOnlyError):
            read(published, query)
    assert not target.exists()


def test_row_is_found_by_the_start_of_its_id(published: Path) -> None:
    with PublishedReader(published, published.parent / "cache") as reader:
        assert reader.row(STUDY[2].experiment_id[:10])["study_index"] == 2
        with pytest.raises(UnknownExperiment):
            reader.row("0" * 32)


def test_computed_columns_are_cached(published: Path) -> None:
    cache = published.parent / "cache"
    with PublishedReader(published, cache) as reader:
        assert reader.unprepared == 5
        reader.sql("FROM results")
        assert reader.unprepared == 0
    with PublishedReader(published, cache) as reader:
        assert reader.unprepared == 0
    assert len(list((cache / "published").iterdir())) == 1


def test_changed_file_replaces_the_cached_one(published: Path, fill: Callable[..., Path]) -> None:
    assert len(read(published, "FROM results")) == 5
    publish(fill(7, path=published.parent / "more"), published)
    assert len(read(published, "FROM results")) == 7


def test_folders_of_killed_processes_are_removed_by_the_next(
    fill: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    publish(fill(3), folder)
    left = [folder / ".publish-killed", tmp_path / "cache" / "published" / ".restored-killed"]
    for scratch in left:
        scratch.mkdir(parents=True)
        (scratch / ".in-use").touch()
        (scratch / "half").write_text("written")
    publish(tmp_path / "store", folder)
    assert len(read(folder, "FROM results")) == 3
    assert not any(scratch.exists() for scratch in left)


def test_unwritable_cache_is_reported(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        PublishedReader(published, tmp_path / "file") as reader,
        pytest.raises(StoreError, match="SPARSEST_CACHE"),
    ):
        reader.sql("FROM results")


def test_damaged_cache_is_reported(published: Path, tmp_path: Path) -> None:
    file = open_published(published, "phase1")
    assert file is not None
    assert read_restored(file, tmp_path).num_rows == 5
    restored_path(file, tmp_path).write_bytes(b"half")
    with pytest.raises(StoreError, match="phase1"):
        read_restored(file, tmp_path)


def test_missing_results_are_reported(folder: Path) -> None:
    with pytest.raises(NotPublished, match="SPARSEST_RESULTS"):
        PublishedReader(folder, folder)
    assert open_published(folder, "phase1") is None


def test_environment_names_the_folder_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSEST_RESULTS", raising=False)
    assert (published_folder().parent / "pyproject.toml").exists()
    monkeypatch.setenv("SPARSEST_RESULTS", "/elsewhere")
    assert published_folder() == Path("/elsewhere")


def test_fewer_rows_do_not_replace_more(published: Path, fill: Callable[..., Path]) -> None:
    fewer = fill(4, path=published.parent / "fewer")
    before = (published / "phase1.parquet").read_bytes()
    with pytest.raises(PublishedRefused, match=r"1 rows .*--overwrite"):
        publish(fewer, published)
    assert (published / "phase1.parquet").read_bytes() == before
    assert publish(fewer, published, overwrite=True).rows == 4


def test_unreadable_file_is_not_replaced(published: Path, fill: Callable[..., Path]) -> None:
    (published / "phase1.parquet").write_bytes(b"mine")
    with pytest.raises(PublishedRefused, match="--overwrite"):
        publish(fill(1, path=published.parent / "one"), published)
    assert (published / "phase1.parquet").read_bytes() == b"mine"


def test_study_without_rows_is_not_published(fill: Callable[..., Path], folder: Path) -> None:
    with (
        StoreReader(fill(1)) as reader,
        pytest.raises(PublishedRefused, match="no rows of phase1 with the root seed 5"),
    ):
        publish_study(reader, STUDY.with_root_seed(5), folder, {})
    assert not folder.exists()


def test_full_disk_keeps_the_old_file(
    published: Path, fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (published / "phase1.parquet").read_bytes()
    more = fill(6, path=published.parent / "more")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match="The disk is full"):
        publish(more, published)
    assert [file.name for file in published.iterdir()] == ["phase1.parquet"]
    assert (published / "phase1.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda table: table.slice(0, 4), "4 rows"),
        (lambda table: table.take([0, 1, 2, 4, 3]), "study_index"),
        (lambda table: table.take([0, 1, 2, 3, 3]), "study_index"),
        (
            lambda table: table.set_column(0, "study_index", pa.array([0, 1, 2, 3, 24_576])),
            "index outside phase1",
        ),
        (
            lambda table: table.drop_columns("loss").append_column("loss", pa.array(["x"] * 5)),
            "type",
        ),
    ],
)
def test_damaged_rows_are_refused(
    published: Path, edit: Callable[[pa.Table], pa.Table], problem: str
) -> None:
    change(published, edit)
    with pytest.raises(PublishedDamaged, match=problem):
        read(published, "FROM results")


@pytest.mark.parametrize(
    ("field", "value", "error", "problem"),
    [
        ("format", 2, StoreVersion, "format 2"),
        ("schema_version", 1000, StoreVersion, "version 1000"),
        ("study", "phase2-95", PublishedDamaged, "results of 'phase2-95'"),
        ("study_digest", "0" * 32, PublishedDamaged, "not those of phase1"),
        ("rows", "many", PublishedDamaged, "note"),
        ("format", "one", PublishedDamaged, "note"),
    ],
)
def test_wrong_note_is_refused(
    published: Path, field: str, value: object, error: type[Exception], problem: str
) -> None:
    path = published / "phase1.parquet"
    table = pq.read_table(path)
    note = json.loads(table.schema.metadata[NOTE_KEY]) | {field: value}
    pq.write_table(table.replace_schema_metadata({NOTE_KEY: json.dumps(note)}), path)
    with pytest.raises(error, match=problem):
        open_published(published, "phase1")


def test_file_without_a_note_is_refused(published: Path) -> None:
    path = published / "phase1.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(PublishedDamaged, match="no note"):
        open_published(published, "phase1")


def test_file_that_is_not_parquet_is_refused(published: Path) -> None:
    (published / "phase1.parquet").write_bytes(b"<html>")
    with pytest.raises(PublishedDamaged, match="not a Parquet file"):
        open_published(published, "phase1")


def test_only_published_rows_may_lack_weights(rows: Rows, store: Path) -> None:
    missing = dict.fromkeys(PARAMETERS)
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        with pytest.raises(RowsRefused, match="weights is NULL"):
            rows.append(writer, 0, 2, **missing)
    with StoreWriter(store) as writer:
        taken = rows.begin("taken").model_copy(update={"device": PUBLISHED})
        writer.begin_sweep(taken)
        rows.append(writer, 0, 2, sweep_id="taken", **missing)
        writer.end_sweep("finished")
    with StoreReader(store) as reader:
        assert len(reader.stored(STUDY.digest)) == 2
