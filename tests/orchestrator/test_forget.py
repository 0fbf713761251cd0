"""The command forget, and retries of failed rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.checking.verify import verify_store
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    INLINE,
    count_rows,
    query,
    refused,
    rows,
    sparsest,
    write_sweep,
)

COUNTS = "SELECT status, count(*) AS n FROM results GROUP BY status ORDER BY status"


@pytest.fixture
def six(trained: Path, tmp_path: Path) -> Path:
    """A copy of the store with six rows of the sweep "six"."""
    return Path(shutil.copytree(trained, tmp_path / "store"))


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        (["six"], 0),
        (["--where", "lr < 0.015 -- the slow ones"], 4),
        (["six", "--where", "structure = '1x1x1' OR lr = 0.03"], 2),
        (["--where", "accuracy > 2"], 6),
    ],
)
def test_rows_that_meet_the_criteria_are_deleted(six: Path, criteria: list[str], left: int) -> None:
    ended = sparsest("forget", *criteria, "--store", six, "--yes")
    assert (ended.code, ended.out) == (0, "")
    assert count_rows(six) == left
    assert ("nothing" if left == 6 else f"{6 - left} rows") in ended.err
    assert verify_store(six) == []


def test_rows_of_one_sweep_are_deleted(six: Path, trained: Path) -> None:
    sweep = trained.parent / "six.toml"
    assert sparsest("forget", "--where", "lr = 0.02", "--store", six, "--yes").code == 0
    assert sparsest("run", sweep, "--store", six, *INLINE).code == 0
    assert rows(six) == rows(trained)
    (second,) = query(six, "SELECT sweep_id FROM sweeps WHERE skipped = 4").to_pylist()
    ended = sparsest("forget", "--sweep", second["sweep_id"], "--store", six, "--yes")
    assert "2 rows" in ended.err
    assert query(six, "SELECT DISTINCT lr FROM results ORDER BY lr").to_pylist() == [
        {"lr": 0.01},
        {"lr": 0.03},
    ]


def test_deletion_needs_confirmation(six: Path) -> None:
    words = ("forget", "six", "--store", six)
    assert sparsest(*words, stdin="n\n").code == 1
    unanswered = sparsest(*words, stdin="")
    assert unanswered.code == 1
    assert "--yes" in unanswered.err
    assert count_rows(six) == 6
    agreed = sparsest(*words, stdin="y\n")
    assert "6 rows of 6" in agreed.err
    assert count_rows(six) == 0


@pytest.mark.parametrize(
    ("criteria", "named"),
    [
        ([], "--where"),
        (["seven"], "six"),
        (["--sweep", "x' OR '' = '"], "x' OR"),
        (["--where", "1 = 1; DROP VIEW results"], "Not a condition"),
        (["--where", "1 = 1) OR (1 = 1"], "Not a condition"),
        (["--where", "1 = 1 /*"], "Not a condition"),
        (["--where", "colour = 'red'"], "colour"),
        (["--where", "study IN (SELECT content FROM read_text('/etc/passwd'))"], "Refused"),
        (["--where", "EXISTS (WITH x AS (COPY results TO '/tmp/x') FROM x)"], ""),
    ],
)
def test_wrong_criteria_delete_nothing(six: Path, criteria: list[str], named: str) -> None:
    assert named in refused("forget", *criteria, "--store", six, "--yes")
    assert count_rows(six) == 6


def test_forget_creates_no_store(tmp_path: Path) -> None:
    refused("forget", "six", "--store", tmp_path / "none", "--yes")
    assert list(tmp_path.glob("none*")) == []


def test_store_in_use_is_refused(six: Path) -> None:
    with StoreWriter(six, command="a sweep"):
        assert "a sweep" in refused("forget", "six", "--store", six, "--yes")


def test_retry_trains_only_rows_with_its_statuses(tmp_path: Path) -> None:
    store = tmp_path / "store"
    # The second learning rate always diverges.
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["3x3x3"]\nlr = [0.1, 1e9]')
    run = ("run", sweep, "--store", store, *INLINE)
    assert sparsest(*run).code == 0
    before = rows(store)
    assert [row["n"] for row in query(store, COUNTS).to_pylist()] == [1, 1]
    assert "0 to train" in sparsest(*run, "--retry", "failed").err

    again = sparsest(*run, "--retry", "failed,diverged")
    assert "1 row" in again.err
    assert "mine: 2 planned, 1 stored, 1 to train\n" in again.err
    assert rows(store) == before
    sweeps = query(store, "SELECT rows_logged, stored, skipped FROM sweeps").to_pylist()
    assert [tuple(sweep.values()) for sweep in sweeps] == [(1, 2, 0), (1, 1, 1)]
    assert verify_store(store) == []


def test_retry_of_other_statuses_is_refused(tmp_path: Path) -> None:
    for statuses in ("ok", "failed,collapsed", ""):
        message = refused("run", "phase1", "--retry", statuses, "--store", tmp_path / "s", *INLINE)
        assert "failed" in message
        assert "diverged" in message
    assert not (tmp_path / "s").exists()
