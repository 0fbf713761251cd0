"""Stores of earlier versions, as these wrote them, and stores of newer versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.checking.verify import verify_store
from storage.log.entries import LOG_FORMAT
from storage.log.seal import seal, unseal
from storage.marker import STORE_FORMAT
from tests.orchestrator.running import INLINE, query, refused, rows, sparsest, write_sweep

STORES = Path(__file__).with_name("stores")
"""Stores of the earlier log formats: four experiments of old.toml, trained by the version of the
project that had that format."""

EARLIER = range(1, LOG_FORMAT)


def of_format(number: int, folder: Path) -> Path:
    """Return a copy of the store of a format."""
    return shutil.copytree(STORES / f"format-{number}", folder / "store")


def content(store: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}


def test_every_earlier_format_has_a_test_store() -> None:
    assert {folder.name for folder in STORES.iterdir() if folder.is_dir()} == {
        f"format-{number}" for number in EARLIER
    }


@pytest.mark.parametrize("number", EARLIER)
def test_store_of_an_earlier_version_is_read_unchanged(number: int, tmp_path: Path) -> None:
    store = of_format(number, tmp_path)
    before = content(store)
    assert verify_store(store) == []
    for words in (["status"], ["query", "SELECT * FROM results"]):
        assert sparsest(*words, "--store", store).code == 0
    assert rows(store).num_rows == 4
    assert content(store) == before


@pytest.mark.parametrize("number", EARLIER)
def test_experiments_of_an_earlier_version_are_not_trained_again(
    number: int, tmp_path: Path
) -> None:
    store = of_format(number, tmp_path)
    before, old = content(store), rows(store)
    ended = sparsest("run", STORES / "old.toml", "--store", store, *INLINE)
    assert ended.code == 0
    assert "nothing to train: everything asked for is stored" in ended.err
    more = write_sweep(
        tmp_path / "old.toml", 'structure = ["1x1x1"]\nlr = [0.01, 0.02, 0.03, 0.04, 0.05]'
    )
    ended = sparsest("run", more, "--store", store, *INLINE)
    assert ended.code == 0
    assert "5 planned, 4 stored, 1 to train" in ended.err
    # The old files are unchanged: nothing had to be migrated.
    now = content(store)
    assert {file: now[file] for file in before if file.parent != store} == {
        file: bytes for file, bytes in before.items() if file.parent != store
    }
    both = rows(store)
    assert both.num_rows == 5
    assert set(old.column("experiment_id").to_pylist()) < set(
        both.column("experiment_id").to_pylist()
    )
    assert verify_store(store) == []


@pytest.mark.parametrize("number", EARLIER)
def test_damaged_store_of_an_earlier_version_is_repaired(number: int, tmp_path: Path) -> None:
    store = of_format(number, tmp_path)
    (file,) = (store / "data").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    ended = sparsest("run", STORES / "old.toml", "--store", store, *INLINE)
    assert ended.code == 0
    assert "0 stored, 4 to train" in ended.err
    assert query(store, "SELECT count(*) AS n FROM results").to_pylist() == [{"n": 4}]
    assert verify_store(store) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("log/00000001.json", '"format":{0}', '"format":{1}'),
        ("store.json", '"format": {0}', '"format": {1}'),
    ],
)
def test_store_of_a_newer_version_is_refused(
    file: str, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]')
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    now = STORE_FORMAT if file == "store.json" else LOG_FORMAT
    changed = store / file
    body = unseal(changed.read_bytes()).decode()
    assert old.format(now) in body
    changed.unlink()
    changed.write_bytes(seal(body.replace(old.format(now), new.format(now, now + 1))))
    before = content(store)
    commands = (["status"], ["query", "FROM results"], ["forget", "mine", "--yes"])
    for words in (*commands, ["run", str(sweep), *INLINE]):
        message = refused(*words, "--store", store)
        assert f"has format {now + 1}; this version of sparsest reads up to {now}" in message
        assert "or a newer one" in message
    assert content(store) == before
