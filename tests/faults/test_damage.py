"""Every truncated or flipped file is noticed, and costs its own rows only."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import task_scheduler
from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.errors import DataFileDamaged, StoreDamaged
from storage.log.entries import Entry, EntryLost, RowsCommitted, RowsReplaced
from storage.log.files import read_log
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import INLINE, query, rates, refused, rows, sparsest, write_sweep
from tests.storage.made_rows import Rows

COUNT = 12
TASK = 4

Damage = Callable[[bytes], bytes | None]
"""Turns the content of a file into the damaged content; None if the file is gone."""


def spoil(file: Path, damage: Damage) -> bytes:
    """Damage a file; return its content before."""
    content = file.read_bytes()
    spoilt = damage(content)
    file.unlink()
    if spoilt is not None:
        file.write_bytes(spoilt)
    return content


def flip(draw: random.Random) -> Damage:
    """Return a damage that flips one random bit."""

    def flipped(content: bytes) -> bytes:
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]

    return flipped


def noticed(store: Path, file: Path, damage: Damage) -> bool:
    """Return whether damage to a file is noticed, and no other file is reported."""
    content = spoil(file, damage)
    problems = verify_store(store)
    file.write_bytes(content)
    return [problem.file for problem in problems] == [str(file)]


def flips_noticed(store: Path, count: int, seed: int) -> int:
    """Flip `count` random bits in the store's files; return how many are noticed."""
    draw = random.Random(seed)
    files = [store / "store.json", *sorted((store / "log").iterdir())]
    files += sorted((store / "data").iterdir())
    sizes = [file.stat().st_size for file in files]
    found = 0
    for number in range(count):
        # Half of them by size of the file, half in each file alike.
        (file,) = draw.choices(files, sizes if number % 2 else None)
        found += noticed(store, file, flip(draw))
    return found


def cuts_noticed(store: Path, file: Path, offsets: range) -> int:
    """Return how many truncations of a file are noticed, by readers too."""
    content, found = file.read_bytes(), 0
    for offset in offsets:
        cut = content[:offset]
        file.unlink()
        file.write_bytes(cut)
        with pytest.raises(StoreDamaged, match=file.name):
            StoreReader(store)
        found += [problem.file for problem in verify_store(store)] == [str(file)]
    file.unlink()
    file.write_bytes(content)
    return found


def test_flipped_bits_are_noticed(fill: Callable[..., Path]) -> None:
    assert flips_noticed(fill(3, 4), 100, seed=0) == 100


def test_truncated_data_file_is_refused(fill: Callable[..., Path]) -> None:
    store = fill(3)
    (file,) = (store / "data").iterdir()
    offsets = range(0, file.stat().st_size, 150)
    assert cuts_noticed(store, file, offsets) == len(offsets) > 50


@pytest.mark.campaign
def test_each_of_10_000_flipped_bits_is_noticed(fill: Callable[..., Path]) -> None:
    found = flips_noticed(fill(3, 4), 10_000, seed=1)
    print(f"{found:,} of 10,000 flipped bits noticed")
    assert found == 10_000


@pytest.mark.campaign
def test_data_file_truncated_anywhere_is_refused(fill: Callable[..., Path]) -> None:
    store = fill(3)
    (file,) = (store / "data").iterdir()
    offsets = range(file.stat().st_size)
    found = cuts_noticed(store, file, offsets)
    print(f"{found:,} of {len(offsets):,} truncations noticed")
    assert found == len(offsets)


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of a few tasks, each with its own data file."""
    monkeypatch.setattr(task_scheduler, "LARGEST_TASK", TASK)
    monkeypatch.setattr(task_scheduler, "SMALLEST_TASK", TASK)
    monkeypatch.setattr("orchestrator.run_store.StoreWriter", _commit_at_once)
    return write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(COUNT)}')


def _commit_at_once(path: Path, *, command: str) -> StoreWriter:
    return StoreWriter(path, command=command, max_seconds=0.0)


def run_again_after(damage: Damage, sweep: Path, store: Path, number: int) -> None:
    """Damage a data file, run again, and compare the rows with those before."""
    before, paths = rows(store), StorePaths(store)
    with StoreReader(store) as reader:
        part = reader.state.parts[number]
    file = store / "data" / part.file
    spoil(file, damage)
    spoilt = file.read_bytes() if file.exists() else None
    (problem,) = verify_store(store)

    ended = sparsest("run", sweep, "--store", store, *INLINE)
    assert ended.code == 0
    assert problem.problem in ended.err
    assert f"{COUNT - part.rows} stored, {part.rows} to train" in ended.err
    assert rows(store).equals(before)
    assert verify_store(store) == []
    # The new run trained exactly its rows; its bytes are kept, and the log has the reason.
    with StoreReader(store) as reader:
        sweep_id = list(reader.state.sweeps.values())[-1].begin.sweep_id
    trained = query(store, f"SELECT study_index FROM results WHERE sweep_id = '{sweep_id}'")
    (indices,) = part.indices.values()
    assert sorted(trained.column(0).to_pylist()) == list(IndexSet.of(indices))
    kept = paths.quarantine / part.file
    assert (kept.read_bytes() if kept.exists() else None) == spoilt
    damaged = [e for e in read_log(paths) if isinstance(e, RowsReplaced)][-1]
    assert damaged.damage == {part.file: problem.problem}
    assert damaged.command.startswith("sparsest run ")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:1] + bytes([content[1] ^ 4]) + content[2:],
        lambda content: content[: len(content) // 2],
        pytest.param(lambda content: content + b"\0", marks=pytest.mark.campaign),
        pytest.param(lambda content: b"", marks=pytest.mark.campaign),
        lambda content: None,
    ],
    ids=["a flipped bit", "half of it", "more than it", "nothing of it", "no file"],
)
def test_damaged_data_file_is_quarantined_and_its_rows_trained_again(
    sweep: Path, tmp_path: Path, damage: Damage
) -> None:
    store = tmp_path / "store"
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    run_again_after(damage, sweep, store, number=1)
    # Nothing is left to do.
    assert "damaged" not in sparsest("run", sweep, "--store", store, *INLINE).err
    ended = sparsest("verify", "--store", store)
    assert (ended.code, "problem " in ended.out) == (0, False)
    assert str(store / "quarantine") in ended.out


@pytest.mark.campaign
def test_each_of_200_damaged_files_is_quarantined_and_its_rows_trained_again(
    sweep: Path, tmp_path: Path
) -> None:
    draw = random.Random(2)
    store = tmp_path / "store"
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    for number in range(200):
        damage = flip(draw)
        if number % 2:
            damage = _cut(draw)
        run_again_after(damage, sweep, store, number=draw.randrange(COUNT // TASK))
    kept = len(list(StorePaths(store).quarantine.iterdir()))
    print(f"200 damaged files, {kept} kept, each time {TASK} of {COUNT} rows trained again")


def _cut(draw: random.Random) -> Damage:
    return lambda content: content[: draw.randrange(len(content))]


def test_other_commands_refuse_a_damaged_file_and_name_run(sweep: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    file = min((store / "data").iterdir())
    spoil(file, lambda content: content[:-1])
    for words in (["status"], ["query", "FROM results"], ["forget", "mine", "--yes"]):
        message = refused(*words, "--store", store)
        assert str(file) in message
        assert re.search(r"has \d+ bytes; the log says \d+", message)
        assert "sparsest run" in message
    with pytest.raises(DataFileDamaged):
        StoreReader(store)


def rows_that_only_it_named(entries: list[Entry], number: int) -> int:
    """Return the number of stored rows whose data file no other entry names."""
    replaced = {f for entry in entries if isinstance(entry, RowsReplaced) for f in entry.removed}
    match entries[number - 1]:
        case RowsCommitted() as part:
            return 0 if part.file in replaced else part.rows
        case RowsReplaced() as entry:
            return sum(part.rows for part in entry.parts)
        case _:
            return 0


@pytest.mark.parametrize(
    "number",
    [
        # A sweep start, a file that was replaced later, a replacement, rows named by one entry.
        number if number in (1, 2, 6, 8) else pytest.param(number, marks=pytest.mark.campaign)
        for number in range(1, 10)
    ],
)
def test_damaged_log_entry_costs_only_the_rows_that_it_named(
    sweep: Path, tmp_path: Path, number: int
) -> None:
    store = tmp_path / "store"
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    assert sparsest("forget", "--where", "study_index = 0", "--store", store, "--yes").code == 0
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    before, paths = rows(store), StorePaths(store)
    entries = read_log(paths)
    file = paths.entry(number)
    content = spoil(file, lambda content: None if number == 4 else content[:-2] + b"\0\n")
    spoilt = file.read_bytes() if file.exists() else None
    for words in (["status"], ["query", "FROM results"], ["forget", "mine", "--yes"]):
        message = refused(*words, "--store", store)
        assert str(file) in message
        assert "sparsest run" in message
    (problem,) = verify_store(store)

    ended = sparsest("run", sweep, "--store", store, *INLINE)
    assert ended.code == 0
    assert str(file) in ended.err
    assert rows(store).equals(before)
    assert verify_store(store) == []
    lost = read_log(paths)[number - 1]
    assert isinstance(lost, EntryLost)
    assert problem.problem.partition(",")[0] in lost.problem
    kept = [kept.read_bytes() for kept in paths.quarantine.glob(f"{number:08d}-*")]
    assert kept == ([] if spoilt is None else [spoilt])
    assert spoilt != content
    gone = rows_that_only_it_named(entries, number)
    assert f"{COUNT - gone} stored, {gone} to train" in ended.err
    assert "damaged" not in sparsest("run", sweep, "--store", store, *INLINE).err
    assert sparsest("status", "--store", store).code == 0


def test_damaged_marker_and_stray_file_are_refused(sweep: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    content = spoil(store / "store.json", flip(random.Random(3)))
    for words in (["status"], ["run", sweep, *INLINE], ["query", "FROM results"]):
        message = refused(*words, "--store", store)
        assert str(store / "store.json") in message
        assert "store.json" in message
    (store / "store.json").write_bytes(content)
    stranger = store / "log" / "notes.txt"
    stranger.write_text("x")
    message = refused("run", sweep, "--store", store, *INLINE)
    assert str(stranger) in message
    stranger.unlink()
    assert verify_store(store) == []
    assert not (store / "quarantine").exists()


def test_unreadable_file_is_not_taken_for_damaged(
    rows: Rows, fill: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fill(2)

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with StoreWriter(store) as writer:
        with monkeypatch.context() as patch:
            patch.setattr("storage.data.parts.open_regular", forbidden)
            with pytest.raises(DataFileDamaged, match="ermission"):
                writer.quarantine_damaged()
        assert len(writer.stored(rows.digest)) == 2
    assert not (store / "quarantine").exists()
