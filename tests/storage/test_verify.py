from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.checking.verify import verify_store
from storage.data import parts
from storage.errors import DataFileDamaged, NotAStore
from storage.reading.reader import StoreReader
from tests.storage.made_rows import Rows

COUNTING_POOL = pa.proxy_memory_pool(pa.default_memory_pool())
"""Counts allocations. Arrow may free memory of a pool at any later time, so it is never deleted."""


def test_intact_store_has_no_problems(fill: Callable[..., Path]) -> None:
    assert verify_store(fill(2, 2)) == []


def test_every_flipped_bit_of_a_data_file_is_noticed(fill: Callable[..., Path]) -> None:
    store = fill(3, 3)
    file = sorted((store / "data").iterdir())[0]
    whole = file.read_bytes()
    file.chmod(0o644)
    draw = random.Random(0)
    for _ in range(50):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        file.write_bytes(flipped)
        (problem,) = verify_store(store)
        assert problem.file == str(file)
        assert "SHA-256" in problem.problem
    file.write_bytes(whole)
    assert verify_store(store) == []


def test_all_problems_are_returned(fill: Callable[..., Path]) -> None:
    store = fill(1, 1, 1)
    first, second, third = sorted((store / "data").iterdir())
    first.unlink()
    second.chmod(0o644)
    second.write_bytes(second.read_bytes()[:-1])
    assert {problem.file for problem in verify_store(store)} == {str(first), str(second)}
    assert third.exists()


def test_damaged_log_is_returned_as_a_problem(fill: Callable[..., Path]) -> None:
    store = fill(1)
    entry = store / "log" / "00000001.json"
    entry.unlink()
    (problem,) = verify_store(store)
    assert problem.file == str(entry)
    assert "missing" in str(problem)


def test_missing_store_raises(tmp_path: Path) -> None:
    with pytest.raises(NotAStore):
        verify_store(tmp_path)


@pytest.mark.parametrize(
    ("free", "per_byte", "word"),
    [
        ("_FREE_VALUES", "_MAX_VALUES_PER_BYTE", "values"),
        ("_FREE_BYTES", "_MAX_BYTES_PER_BYTE", "compressed"),
    ],
)
def test_file_with_too_much_for_its_size_is_not_read(
    free: str,
    per_byte: str,
    word: str,
    fill: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with StoreReader(fill(4)) as reader:
        (part,) = reader.state.parts
        monkeypatch.setattr(parts, free, 10)
        monkeypatch.setattr(parts, per_byte, 0)
        columns = ["experiment_id"]
        for read in (
            parts.read_part,
            partial(parts.read_columns, columns=columns),
            partial(parts.read_encoded, columns=columns),
        ):
            with pytest.raises(DataFileDamaged, match=word):
                read(reader.paths, part)


def test_text_that_repeats_without_end_is_not_read(
    fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreReader(fill(4)) as reader:
        (part,) = reader.state.parts
        monkeypatch.setattr(parts, "_FREE_TEXT_BYTES", 4 * 32 - 1)
        for read in (parts.read_part, partial(parts.read_columns, columns=["experiment_id"])):
            with pytest.raises(DataFileDamaged, match="text") as error:
                read(reader.paths, part)
            assert part.file in str(error.value)


def test_text_that_repeats_takes_little_memory(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_FREE_TEXT_BYTES", 2**28)
    one = pa.Table.from_batches([rows.batch([rows.diverged(0)])])
    many = pa.array(2_000 * [0])
    huge = pa.array([2**18 * "x"]).dictionary_encode().take(many)
    column = one.schema.get_field_index("reason")
    sink = pa.BufferOutputStream()
    pq.write_table(one.take(many).set_column(column, "reason", huge), sink)
    data = sink.getvalue().to_pybytes()
    before, pool = pa.default_memory_pool(), COUNTING_POOL
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(ValueError, match="text"):
            parts.read_rows(parts.open_rows(data), len(data))
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 2**25
