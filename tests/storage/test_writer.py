from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.errors import InitFrozen, NotAStore, RowsRefused, SweepError, WriterClosed
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows


def test_buffered_rows_are_not_reported_as_stored(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        assert rows.append(writer, 0, 5) == 0
        assert writer._pending.rows == 5
        assert len(writer.stored(rows.digest)) == 0
        (sweep,) = writer.state.sweeps.values()
        assert sweep.rows == 0
        assert writer.commit() == 5
        assert writer.stored(rows.digest) == IndexSet.of([(0, 5)])
        assert sweep.rows == 5
        assert sweep.by_status == {"ok": 5, "collapsed": 0, "diverged": 0, "failed": 0}
        assert sweep.train_seconds == pytest.approx(5 * 0.0085)


def test_full_buffer_is_committed(rows: Rows, store: Path) -> None:
    with StoreWriter(store, max_rows=10) as writer:
        writer.begin_sweep(rows.begin())
        assert rows.append(writer, 0, 9) == 0
        assert rows.append(writer, 9, 12) == 12
        assert writer._pending.rows == 0


def test_old_buffer_is_committed(rows: Rows, store: Path) -> None:
    with StoreWriter(store, max_seconds=0.0) as writer:
        writer.begin_sweep(rows.begin())
        assert writer.poll() == 0
        assert rows.append(writer, 0, 3) == 3
    with StoreWriter(store, max_seconds=1e9) as writer:
        writer.begin_sweep(rows.begin("second"))
        rows.append(writer, 3, 4, sweep_id="second")
        assert writer.poll() == 0
        assert writer._pending.rows == 1


def test_leaving_the_block_stores_what_is_buffered(rows: Rows, store: Path) -> None:
    def interrupted() -> None:
        with StoreWriter(store) as writer:
            writer.begin_sweep(rows.begin())
            rows.append(writer, 0, 4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert StoreReader(store).stored(rows.digest) == IndexSet.of([(0, 4)])


def test_resume_sees_exactly_the_stored_indices(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 4)
        writer.commit()
        rows.append(writer, 10, 11)
        rows.append(writer, 4, 6)
    with StoreWriter(store) as writer:
        assert writer.stored(rows.digest).intervals == ((0, 6), (10, 11))
        assert not writer.stored("another digest")
        writer.begin_sweep(rows.begin("second"))
        rows.append(writer, 6, 10, sweep_id="second")
        writer.commit()
        assert writer.stored(rows.digest).intervals == ((0, 11),)
    ids = StoreReader(store).sql("SELECT study_index FROM results ORDER BY 1").to_pylist()
    assert [row["study_index"] for row in ids] == list(range(11))


@pytest.mark.parametrize("committed", [True, False])
def test_repeated_experiment_is_refused(rows: Rows, store: Path, committed: bool) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 4)
        if committed:
            writer.commit()
        with pytest.raises(RowsRefused, match="index 3"):
            rows.append(writer, 3, 6)
        assert writer._pending.rows == (0 if committed else 4)


def test_id_at_two_indices_is_refused(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 1)
        twin = rows.batch([rows.row(1, experiment_id=rows.row(0)["experiment_id"])])
        with pytest.raises(RowsRefused, match="twice"):
            writer.append(twin, rows.digest, rows.study, IndexSet.of([(1, 2)]))
        pair = rows.batch([rows.row(i, experiment_id=rows.row(5)["experiment_id"]) for i in (5, 6)])
        with pytest.raises(RowsRefused, match="twice"):
            writer.append(pair, rows.digest, rows.study, IndexSet.of([(5, 7)]))


def test_rows_without_a_sweep_are_refused(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        with pytest.raises(SweepError):
            rows.append(writer, 0, 1)
        writer.begin_sweep(rows.begin())
        with pytest.raises(SweepError, match=rows.sweep_id):
            writer.begin_sweep(rows.begin("second"))
        writer.end_sweep("finished")
        with pytest.raises(SweepError):
            rows.append(writer, 0, 1)


def test_closed_writer_refuses_to_write(rows: Rows, store: Path) -> None:
    writer = StoreWriter(store)
    writer.close()
    writer.close()
    with pytest.raises(WriterClosed):
        writer.begin_sweep(rows.begin())


def test_end_of_a_sweep_counts_what_it_stored(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        failed = rows.batch([rows.diverged(3), rows.diverged(4, status="failed", reason="killed")])
        writer.append(failed, rows.digest, rows.study, IndexSet.of([(3, 5)]))
        writer.end_sweep("interrupted", skipped=2, core_seconds=1.5)
    (sweep,) = StoreReader(store).state.sweeps.values()
    assert sweep.end is not None
    assert (sweep.end.outcome, sweep.end.stored, sweep.end.skipped) == ("interrupted", 5, 2)
    assert sweep.end.by_status == {"ok": 3, "collapsed": 0, "diverged": 1, "failed": 1}
    assert sweep.end.core_seconds == 1.5
    assert sweep.rows == 5


def test_ids_of_an_edited_study_leave_out_other_studies_in_the_file(
    rows: Rows, store: Path
) -> None:
    older, other = "0" * 64, "1" * 64
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        # One data file of three studies, whose digests are not in the order of their arrival.
        rows.append(writer, 5, 7)
        writer.append(rows.range(10, 12, study="other"), other, "other", IndexSet.of([(10, 12)]))
        writer.append(rows.range(20, 23), older, rows.study, IndexSet.of([(20, 23)]))
        rows.append(writer, 0, 2)
        writer.commit()
        (file,) = (store / "data").iterdir()
        order = pq.read_table(file).column("study_index").to_pylist()
        assert order == [20, 21, 22, 10, 11, 0, 1, 5, 6]  # by digest, then by index
        rows.append(writer, 7, 8)

    def ids(*indices: int) -> set[bytes]:
        return {bytes.fromhex(rows.row(index)["experiment_id"]) for index in indices}

    with StoreWriter(store) as writer, StoreReader(store) as reader:
        for access in (writer, reader):
            assert set(access.ids_of_other_versions(rows.study, rows.digest)) == ids(20, 21, 22)
            assert set(access.ids_of_other_versions(rows.study, older)) == ids(0, 1, 5, 6, 7)
            assert set(access.ids_of_other_versions("other", other)) == set()
            assert set(access.ids_of_other_versions("none", rows.digest)) == set()


def test_data_file_names_its_writer_and_studies(rows: Rows, fill: Callable[..., Path]) -> None:
    (file,) = (fill(4) / "data").iterdir()
    parquet = pq.ParquetFile(file)
    assert parquet.metadata.metadata[b"sparsest_schema_version"] == b"%d" % SCHEMA_VERSION
    assert b"sparsest_version" in parquet.metadata.metadata
    assert parquet.schema_arrow.equals(RESULT_SCHEMA)
    column = parquet.metadata.row_group(0).column(RESULT_SCHEMA.names.index("study_index"))
    assert (column.statistics.min, column.statistics.max) == (0, 3)
    assert column.compression == "ZSTD"


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(NotAStore, match=r"thesis\.tex"):
        StoreWriter(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(NotAStore, match="a file"):
        StoreWriter(tmp_path / "thesis.tex")


def test_initialisation_keeps_its_name(store: Path) -> None:
    def layers(seed: int) -> list[tuple[Any, Any]]:
        draw = np.random.default_rng(seed)
        sizes = [(2, 16), (16, 1)]
        return [
            (draw.normal(size=(o, i)).astype(np.float32), draw.normal(size=o).astype(np.float32))
            for i, o in sizes
        ]

    with StoreWriter(store) as writer:
        assert writer.record_init("bench-95", "abc", layers(0))
        assert not writer.record_init("bench-95", "abc", layers(0))
        with pytest.raises(InitFrozen, match="abc"):
            writer.record_init("bench-95", "def", layers(1))
        assert writer.record_init("bench-995", "def", layers(1))
    with StoreWriter(store) as writer:
        assert not writer.record_init("bench-95", "abc", layers(0))
        stored = writer.state.inits["bench-95"]
    assert stored.digest == "abc"
    for (weight, bias), (expected_weight, expected_bias) in zip(
        stored.layers, layers(0), strict=True
    ):
        assert weight.tobytes() == expected_weight.tobytes()
        assert bias.tobytes() == expected_bias.tobytes()
    assert set(StoreReader(store).state.inits) == {"bench-95", "bench-995"}


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        (np.zeros((1, 3), np.float32), np.zeros(1, np.float32)),  # 3 inputs after 2 outputs
        (np.zeros((1, 2), np.float32), np.zeros(2, np.float32)),
        (np.full((1, 2), np.nan, np.float32), np.zeros(1, np.float32)),
        (np.zeros((1, 2)), np.zeros(1)),  # float64
    ],
)
def test_mismatched_layers_are_refused(store: Path, weight: Any, bias: Any) -> None:
    first = (np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    with StoreWriter(store) as writer:
        with pytest.raises(RowsRefused):
            writer.record_init("bench-95", "abc", [first, (weight, bias)])
        assert not writer.state.inits
