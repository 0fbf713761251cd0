"""`sparsest verify`: every kind of damage is found and named, with what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from storage.checking import verify, verify_part
from storage.checking.verify import inspect_store
from storage.data.new_parts import make_part, to_parquet
from storage.data.parts import read_part
from storage.log.entries import NumberedEntry, RowsCommitted
from storage.log.files import read_log
from storage.log.seal import seal
from storage.paths import StorePaths
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import refused, sparsest

STRANGE = "0" * 32

Change = Callable[[pa.Table], pa.Table]


@pytest.fixture
def store(trained: Path, tmp_path: Path) -> Path:
    """A copy of a store of six rows that a test may damage."""
    shutil.copytree(trained, tmp_path / "store")
    return tmp_path / "store"


def only_part(store: Path) -> tuple[int, RowsCommitted]:
    entries = read_log(StorePaths(store))
    ((number, part),) = [(n, e) for n, e in enumerate(entries, 1) if isinstance(e, RowsCommitted)]
    return number, part


def write(file: Path, content: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(content)


def rewrite(store: Path, change: Change) -> Path:
    """Change rows, with their size and checksum in the log, as a hostile writer could."""
    paths = StorePaths(store)
    number, part = only_part(store)
    data = to_parquet(change(read_part(paths, part))).to_pybytes()
    write(paths.part(part.file), data)
    sha256 = hashlib.sha256(data).hexdigest()
    forged = part.model_copy(update={"bytes": len(data), "sha256": sha256})
    write(paths.entry(number), seal(NumberedEntry(number=number, entry=forged).model_dump_json()))
    return paths.part(part.file)


def with_column(name: str, change: Callable[[Any], Any]) -> Change:
    def changed(rows: pa.Table) -> pa.Table:
        column = rows.column_names.index(name)
        field = RESULT_SCHEMA.field(name)
        values = [change(value) for value in rows.column(name).to_pylist()]
        return rows.set_column(column, field, pa.array(values, field.type))

    return changed


def test_intact_store_has_no_problems(store: Path, trained: Path) -> None:
    ended = sparsest("verify", "--store", store)
    assert (ended.code, ended.err) == (0, "")
    assert "6 rows in 1 file" in ended.out
    assert "no problem" in ended.out
    assert "0 from study" in ended.out
    assert "6 from the row" in ended.out
    sweep = trained.parent / "six.toml"
    ended = sparsest("verify", sweep, "--store", store)
    assert ended.code == 0
    assert "6 from study" in ended.out


def flip(store: Path) -> Path:
    file = StorePaths(store).part(only_part(store)[1].file)
    content = file.read_bytes()
    write(file, content[:60] + bytes([content[60] ^ 4]) + content[61:])
    return file


def truncate(store: Path) -> Path:
    file = StorePaths(store).part(only_part(store)[1].file)
    write(file, file.read_bytes()[:-1])
    return file


def lose_data(store: Path) -> Path:
    file = StorePaths(store).part(only_part(store)[1].file)
    file.unlink()
    return file


def lose_entry(store: Path) -> Path:
    file = StorePaths(store).entry(only_part(store)[0])
    file.unlink()
    return file


def change_entry(store: Path) -> Path:
    file = StorePaths(store).entry(1)
    write(file, file.read_bytes().replace(b"cpu", b"gpu"))
    return file


def lose_marker(store: Path) -> Path:
    (store / "store.json").unlink()
    return store / "store.json"


def unknown_file_in_log(store: Path) -> Path:
    (store / "log" / "notes.txt").write_text("x")
    return store / "log" / "notes.txt"


def additional_column(store: Path) -> Path:
    paths = StorePaths(store)
    _, part = only_part(store)
    rows = read_part(paths, part)
    return rewrite(store, lambda _: rows.append_column("more", pa.nulls(len(rows), pa.int8())))


def narrower_type(store: Path) -> Path:
    def narrower(rows: pa.Table) -> pa.Table:
        column = rows.column_names.index("width")
        return rows.set_column(column, "width", rows.column("width").cast(pa.int16()))

    return rewrite(store, narrower)


def fewer_rows(store: Path) -> Path:
    return rewrite(store, lambda rows: rows.slice(1))


def other_order(store: Path) -> Path:
    return rewrite(store, lambda rows: rows.take(pa.array([1, 0, 2, 3, 4, 5])))


def other_study(store: Path) -> Path:
    return rewrite(store, with_column("study", lambda _: "other"))


def other_sweep(store: Path) -> Path:
    return rewrite(store, with_column("sweep_id", lambda _: "other"))


def other_statuses(store: Path) -> Path:
    return rewrite(store, with_column("status", lambda _: "collapsed"))


def other_settings(store: Path) -> Path:
    return rewrite(store, with_column("lr", lambda rate: 2 * rate))


def other_id(store: Path) -> Path:
    return rewrite(store, with_column("experiment_id", lambda one: one[:-1] + "0"))


def malformed_id(store: Path) -> Path:
    return rewrite(store, with_column("experiment_id", lambda _: "x"))


def nan_accuracy(store: Path) -> Path:
    return rewrite(store, with_column("accuracy", lambda _: float("nan")))


def accuracy_above_1(store: Path) -> Path:
    return rewrite(store, with_column("accuracy", lambda _: 1.5))


def no_accuracy(store: Path) -> Path:
    return rewrite(store, with_column("accuracy", lambda _: None))


def other_seconds(store: Path) -> Path:
    return rewrite(store, with_column("train_ms", lambda ms: ms + 1000))


PROBLEMS: dict[Callable[[Path], Path], str] = {
    flip: "SHA-256",
    truncate: "bytes",
    lose_data: "missing",
    lose_entry: "missing",
    change_entry: "checksum",
    lose_marker: "missing",
    unknown_file_in_log: "notes.txt",
    additional_column: "columns",
    narrower_type: "columns",
    fewer_rows: "5 rows",
    other_order: "study_index",
    other_study: "study",
    other_sweep: "sweep",
    other_statuses: "by status",
    other_settings: "6 rows",
    other_id: "the id of",
    malformed_id: "a row",
    nan_accuracy: "NaN",
    accuracy_above_1: "from 0 to 1",
    no_accuracy: "accuracy is NULL",
    other_seconds: "training time",
}


@pytest.mark.parametrize("damage", PROBLEMS, ids=lambda damage: damage.__name__)
def test_damage_is_reported_and_left_alone(store: Path, damage: Callable[[Path], Path]) -> None:
    file = damage(store)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    ended = sparsest("verify", "--store", store)
    assert ended.code == 1
    assert PROBLEMS[damage] in ended.out
    assert str(file) in ended.out
    assert " -> " in ended.out
    ended = sparsest("verify", "--store", store, "--json")
    report = json.loads(ended.out)
    assert (ended.code, report["ok"]) == (1, False)
    assert str(file) in {problem["file"] for problem in report["problems"]}
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_rows_with_exchanged_indices_are_found_with_the_sweep_file(
    store: Path, trained: Path
) -> None:
    def exchange(rows: pa.Table) -> pa.Table:
        # Each row is valid by itself, but has the index of the other.
        indices = rows.column("study_index")
        reordered = rows.take(pa.array([1, 0, 2, 3, 4, 5]))
        column = reordered.column_names.index("study_index")
        return reordered.set_column(column, RESULT_SCHEMA.field(column), indices)

    rewrite(store, exchange)
    assert sparsest("verify", "--store", store).code == 0
    ended = sparsest("verify", trained.parent / "six.toml", "--store", store)
    assert ended.code == 1
    assert "experiment_id of 2 rows" in ended.out


def test_experiment_stored_under_two_versions_of_a_sweep_file_is_found(store: Path) -> None:
    paths = StorePaths(store)
    _, part = only_part(store)
    rows = read_part(paths, part)
    with StoreWriter(store) as writer:
        data, again = make_part(
            paths,
            rows,
            {"f" * 32: IndexSet.of(next(iter(part.indices.values())))},
            {"f" * 32: "six"},
        )
        writer.publish_rows(data, again)
    ended = sparsest("verify", "--store", store)
    assert ended.code == 1
    assert "6 experiments are stored twice" in ended.out
    assert pc.min(rows.column("experiment_id")).as_py() in ended.out


@pytest.mark.parametrize(
    "name", ["tmp/" + STRANGE, f"data/{STRANGE}.parquet", "data/notes.txt", "notes.txt"]
)
def test_leftover_is_a_warning(store: Path, name: str) -> None:
    (store / name).write_text("x")
    ended = sparsest("verify", "--store", store)
    assert ended.code == 0
    assert f"warning  {store / name}: " in ended.out
    (leftover,) = json.loads(sparsest("verify", "--store", store, "--json").out)["leftovers"]
    assert leftover["file"] == str(store / name)
    assert leftover["advice"]


def test_files_for_status_are_not_leftovers(store: Path) -> None:
    paths = StorePaths(store)
    for file in (paths.live, paths.planned):
        file.write_text("{}")
    assert inspect_store(store).leftovers == []


def test_files_of_a_running_writer_are_not_leftovers(store: Path) -> None:
    with StoreWriter(store):
        (store / "data" / f"{STRANGE}.parquet").write_text("x")
        (store / "tmp" / STRANGE).write_text("x")
        assert inspect_store(store).leftovers == []
    assert len(inspect_store(store).leftovers) == 2


def test_files_replaced_during_the_check_are_checked_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StorePaths(store)
    whole = inspect_store(store)

    # When a data file is checked first, it has just been replaced and removed.
    check = verify_part.check_part

    def first_replace(*arguments: Any) -> Any:
        if has_one_part(store):
            old = only_part(store)[1]
            with StoreWriter(store) as writer:
                first = read_part(paths, old).column("experiment_id")[0].as_py()
                writer.forget([first])
            paths.part(old.file).unlink()
        return check(*arguments)

    monkeypatch.setattr(verify, "check_part", first_replace)
    report = inspect_store(store)
    assert report.problems == []
    assert whole.rows == 6
    monkeypatch.undo()
    assert inspect_store(store).rows == 5


def has_one_part(store: Path) -> bool:
    return len(list((store / "data").iterdir())) == 1


def test_leftovers_of_one_kind_share_a_line(store: Path) -> None:
    for number in range(30):
        (store / "tmp" / f"{number:032x}").write_text("x")
    ended = sparsest("verify", "--store", store)
    assert "and 29 others" in ended.out
    assert len(ended.out.splitlines()) == 4


def test_missing_store_is_refused(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refused("verify", "--store", tmp_path / "none")
