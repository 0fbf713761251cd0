from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search.schema import SCHEMA_VERSION
from storage.errors import StoreDamaged, StoreVersion
from storage.log.entries import (
    LOG_FORMAT,
    NumberedEntry,
    RowsCommitted,
    RowsOfSweep,
    RowsReplaced,
    SweepBegin,
    SweepEnd,
    no_rows_by_status,
)
from storage.log.files import publish, read_log
from storage.log.init_entries import FrozenInit, InitLayer, init_entry
from storage.log.seal import seal, unseal
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

_PART = RowsCommitted(
    file="0" * 32 + ".parquet",
    bytes=10,
    sha256="0" * 64,
    rows=3,
    schema_version=1,
    schema_sha256="0" * 64,
    sweeps={
        "sweep": RowsOfSweep(rows=3, by_status=no_rows_by_status() | {"ok": 3}, train_seconds=0.5)
    },
    indices={"a": [(0, 2)], "b": [(4, 5)]},
    studies={"a": "phase1", "b": "phase2"},
)
_THIS = f'"format":{LOG_FORMAT}'
_SHARE = _PART.sweeps["sweep"].model_dump()


def _rewrite(file: Path, old: str, new: str) -> None:
    """Change an entry, with a valid checksum."""
    body = unseal(file.read_bytes()).decode()
    assert old in body
    file.chmod(0o644)
    file.write_bytes(seal(body.replace(old, new)))


def _refused(store: Path, file: Path) -> StoreDamaged:
    with pytest.raises(StoreDamaged, match=re.escape(str(file))) as caught:
        StoreReader(store)
    with pytest.raises(StoreDamaged):
        StoreWriter(store)
    assert caught.value.file == file
    return caught.value


@pytest.mark.parametrize("number", [1, 2, 3])
def test_missing_entry_is_noticed(fill: Callable[..., Path], number: int) -> None:
    store = fill(2, 2)  # begin, rows, rows, end
    missing = store / "log" / f"{number:08d}.json"
    missing.unlink()
    assert "missing" in _refused(store, missing).problem


def test_every_torn_entry_is_noticed(fill: Callable[..., Path]) -> None:
    store = fill(2)
    entry = store / "log" / "00000002.json"
    whole = entry.read_bytes()
    entry.chmod(0o644)
    for size in range(len(whole)):
        entry.write_bytes(whole[:size])
        with pytest.raises(StoreDamaged, match=r"00000002\.json"):
            read_log(StorePaths(store))
    entry.write_bytes(whole)
    assert len(read_log(StorePaths(store))) == 3


def test_every_flipped_byte_of_the_log_is_noticed(fill: Callable[..., Path]) -> None:
    store = fill(2)
    for file in (store / "log" / "00000002.json", store / "store.json"):
        whole = file.read_bytes()
        file.chmod(0o644)
        for position in range(len(whole)):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << position % 8
            file.write_bytes(flipped)
            with pytest.raises(StoreDamaged, match=re.escape(file.name)):
                StoreReader(store)
        file.write_bytes(whole)


def test_entry_under_another_number_is_noticed(fill: Callable[..., Path]) -> None:
    store = fill(2, 2)
    copied = store / "log" / "00000003.json"
    copied.unlink()
    shutil.copy(store / "log" / "00000002.json", copied)
    assert "entry 2" in _refused(store, copied).problem


@pytest.mark.parametrize("name", ["00000005.json~", "5.json", "000000005.json", "notes.txt"])
def test_stray_file_in_the_log_is_refused(fill: Callable[..., Path], name: str) -> None:
    store = fill(2)
    stranger = store / "log" / name
    stranger.write_text("x")
    assert "does not belong" in _refused(store, stranger).problem


def test_newer_log_format_is_refused(fill: Callable[..., Path]) -> None:
    store = fill(2)
    entry = store / "log" / "00000002.json"
    now, newer = (f'"format":{LOG_FORMAT + n}' for n in (0, 1))
    _rewrite(entry, now, newer)
    for use in (StoreReader, StoreWriter):
        with pytest.raises(StoreVersion, match="newer"):
            use(store)
    _rewrite(entry, newer, now)
    now, newer = (f'"schema_version":{SCHEMA_VERSION + n}' for n in (0, 1))
    _rewrite(entry, now, newer)
    for use in (StoreReader, StoreWriter):
        with pytest.raises(StoreVersion, match="newer"):
            use(store)
    _rewrite(entry, newer, now)
    _rewrite(store / "store.json", '"format": 1', '"format": 2')
    for use in (StoreReader, StoreWriter):
        with pytest.raises(StoreVersion, match="newer"):
            use(store)


@pytest.mark.parametrize("earlier", [1, 2, 3])
def test_earlier_log_format_is_read(fill: Callable[..., Path], earlier: int) -> None:
    store = fill(2)
    for entry in sorted((store / "log").iterdir()):
        _rewrite(entry, _THIS, f'"format":{earlier}')
    share = '"rows":2,"by_status":{"ok":2,"collapsed":0,"diverged":0,"failed":0}'
    _rewrite(
        store / "log" / "00000002.json",
        f'"sweeps":{{"{Rows.sweep_id}":{{{share},"train_seconds":0.017}}}}',
        f'"sweep_id":"{Rows.sweep_id}",{share.partition(",")[2]},"train_seconds":0.017',
    )
    layers = [(np.zeros((1, 2), np.float32), np.zeros(1, np.float32))]
    with StoreWriter(store) as writer:
        writer.record_init("bench-95", "abc", layers)
    _rewrite(store / "log" / "00000004.json", ',"found":null', "")
    _rewrite(store / "log" / "00000004.json", _THIS, f'"format":{earlier}')
    with StoreReader(store) as reader:
        assert reader.state.rows == 2
        assert reader.state.inits["bench-95"].found is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"kind":"rows"', '"kind":"cows"'),
        ('"rows":2', '"rows":3'),
        ('"rows":2', '"rows":2.0'),
        ('"rows":2', '"rows":"2"'),
        ('"rows":2', '"rows":2,"mood":1'),
        (_THIS, '"format":0'),
        (_THIS, '"format":null'),
        ("[[0,2]]", "[[1,2],[0,1]]"),
        ("[[0,2]]", "[[0,1],[1,2]]"),
        ('"ok":2', '"ok":3'),
        ('"number":2', '"number":true'),
        ('.parquet"', '.parquet/../../x"'),
        ('"file":"', '"file":"../'),
        ('"sweeps":{"2024', '"sweeps":{"3024'),
    ],
)
def test_invalid_entry_is_refused(fill: Callable[..., Path], old: str, new: str) -> None:
    store = fill(2)
    entry = store / "log" / "00000002.json"
    _rewrite(entry, old, new)
    _refused(store, entry)


def test_sweep_that_starts_or_ends_twice_is_refused(
    rows: Rows, store: Path, fill: Callable[..., Path]
) -> None:
    paths = StorePaths(fill(2))
    end = read_log(paths)[-1]
    assert isinstance(end, SweepEnd)
    publish(paths, 4, end)
    assert "again" in _refused(store, paths.entry(4)).problem
    paths.entry(4).unlink()
    publish(paths, 4, rows.begin())
    assert "again" in _refused(store, paths.entry(4)).problem


def test_rows_stored_twice_by_two_writers_are_noticed(
    store: Path, fill: Callable[..., Path]
) -> None:
    paths = StorePaths(fill(3))
    part = read_log(paths)[1]
    assert isinstance(part, RowsCommitted)
    copy = "0" * 32 + ".parquet"
    shutil.copy(paths.part(part.file), paths.part(copy))
    publish(paths, 4, part.model_copy(update={"file": copy}))
    assert "twice" in _refused(store, paths.log).problem


def test_data_file_named_by_two_entries_is_noticed(store: Path, fill: Callable[..., Path]) -> None:
    paths = StorePaths(fill(3))
    part = read_log(paths)[1]
    publish(paths, 4, part)
    assert "again" in _refused(store, paths.entry(4)).problem


def test_data_file_replaced_twice_is_noticed(store: Path, fill: Callable[..., Path]) -> None:
    paths = StorePaths(fill(3))
    part = read_log(paths)[1]
    assert isinstance(part, RowsCommitted)
    for number in (4, 5):
        publish(paths, number, RowsReplaced(command="", removed=[part.file], parts=[]))
    assert "not in the store" in _refused(store, paths.entry(5)).problem


def test_replacement_that_names_a_file_twice_is_refused() -> None:
    nothing: list[str] = []
    for removed in (nothing, [_PART.file], ["../x.parquet"]):
        with pytest.raises(ValidationError):
            RowsReplaced(command="", removed=removed, parts=[_PART])


def test_initialisation_under_a_taken_name_is_noticed(store: Path) -> None:
    layers = [(np.zeros((1, 2), np.float32), np.zeros(1, np.float32))]
    with StoreWriter(store) as writer:
        writer.record_init("bench-95", "abc", layers)
    paths = StorePaths(store)
    publish(paths, 2, init_entry("bench-95", "def", layers))
    assert "bench-95" in _refused(store, paths.entry(2)).problem


@given(
    values=st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20
    )
)
def test_initialisation_keeps_every_bit_of_its_floats(values: list[float]) -> None:
    weight = np.array([values], np.float32)
    bias = np.array([-0.0], np.float32)
    body = NumberedEntry(number=1, entry=init_entry("x", "y", [(weight, bias)])).model_dump_json()
    entry = NumberedEntry.model_validate_json(unseal(seal(body))).entry
    assert entry.kind == "init"
    ((read_weight, read_bias),) = FrozenInit.from_entry(entry).layers
    assert read_weight.tobytes() == weight.tobytes()
    assert read_bias.tobytes() == bias.tobytes()


@pytest.mark.parametrize("weight", [[[0.1, 0.2]], [[1e300, 0.0]]])
def test_numbers_beyond_float32_are_refused(weight: list[list[float]]) -> None:
    with pytest.raises(ValidationError, match="float32"):
        InitLayer(weight=weight, bias=[0.0])


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../../etc/passwd"},
        {"file": "0" * 32 + ".parquet\n"},
        {"file": "0" * 31 + ".parquet"},
        {"indices": {"b": [(4, 5)], "a": [(0, 2)]}},
        {"indices": {"a": [(0, 2)], "c": [(4, 5)]}},
        {"indices": {"a": [(0, 2)], "b": [(5, 4)]}},
        {"indices": {"a": [(0, 2)], "b": [(-1, 0)]}},
        {"rows": 2},
        {"sweeps": {}},
        {"sweeps": {"sweep": _SHARE | {"train_seconds": float("nan")}}},
        {"sweeps": {"sweep": _SHARE | {"by_status": no_rows_by_status()}}},
        {"sweeps": {"sweep": _SHARE, "other": _SHARE}},
        {"sha256": "0" * 63},
    ],
)
def test_impossible_data_file_is_refused(changes: dict[str, object]) -> None:
    fields = _PART.model_dump() | changes
    with pytest.raises(ValidationError):
        RowsCommitted(**fields)


def test_entries_published_while_reading_are_no_gap(
    rows: Rows, fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StorePaths(fill(2))
    listing = (1, 2, 3)
    later = [rows.begin("second"), rows.begin("third")]

    def list_then_publish(folder: Path) -> list[str]:
        for number, entry in enumerate(later, start=4):
            publish(paths, number, entry)
        return [f"{number:08d}.json" for number in listing]

    monkeypatch.setattr("storage.log.files.os.listdir", list_then_publish)
    entries = read_log(paths)
    assert [entry.sweep_id for entry in entries if isinstance(entry, SweepBegin)] == [
        rows.sweep_id,
        "second",
        "third",
    ]


def test_log_entry_is_readable_json(fill: Callable[..., Path]) -> None:
    record = json.loads((fill(2) / "log" / "00000002.json").read_text())["record"]
    assert record["number"] == 2
    assert record["entry"]["kind"] == "rows"
