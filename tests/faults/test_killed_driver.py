"""A driver that is killed repeatedly keeps every stored row and repeats none."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from orchestrator.planning.targets import find_targets
from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.errors import NotAStore
from storage.reading.reader import StoreReader
from tests.faults.killed_driver import run_killed, stored_by
from tests.orchestrator.running import INLINE, rates, rows, sparsest, write_sweep

CALLS = 100
"""Input/output calls at which a process is killed: opening the store, the start of a sweep, and
some commits."""


def _stored(store: Path, digest: str) -> IndexSet:
    try:
        with StoreReader(store) as reader:
            return reader.stored(digest)
    except NotAStore:
        return IndexSet()


def run_killed_repeatedly(folder: Path, count: int, deaths: list[tuple[int, float | None]]) -> str:
    """Run a sweep in processes that are killed; return the figures."""
    sweep = write_sweep(folder / "mine.toml", f'structure = ["1x1x1"]\n{rates(count)}')
    (selection,) = find_targets([str(sweep)])
    digest = selection.study.digest
    store, report = folder / "killed", folder / "report"
    words = ["run", str(sweep), "--store", str(store), *INLINE]
    before, unfinished, longest = IndexSet(), 0, 0.0
    for at, delay_s in deaths:
        assert run_killed(words, report, at, delay_s) == -signal.SIGKILL
        start = time.perf_counter()
        now = _stored(store, digest)
        longest = max(longest, time.perf_counter() - start)
        assert not before - now, "stored rows were lost"
        assert not stored_by(report, digest) - now, "rows reported as stored were lost"
        unfinished += now != before
        before = now
    assert 0 < len(before) < count, "the sweep was not running at the last kill"
    assert sparsest(*words).code == 0
    assert sparsest("run", sweep, "--store", folder / "undisturbed", *INLINE).code == 0
    found, undisturbed = rows(store), rows(folder / "undisturbed")
    assert found.equals(undisturbed)
    assert (
        len(set(undisturbed.column("experiment_id").to_pylist())) == undisturbed.num_rows == count
    )
    assert verify_store(store) == []
    return (
        f"{len(deaths)} kills, {unfinished} of them after a commit; {len(before):,} of {count:,} "
        f"rows were stored after the last; opening the store took {longest * 1000:.0f} ms at most"
    )


def test_rows_are_trained_once_by_a_driver_killed_at_some_calls(tmp_path: Path) -> None:
    deaths: list[tuple[int, float | None]] = [(at, None) for at in (3, 18, 40, 50, 61, 66, 72, 80)]
    # Twice as many experiments as these kills leave undone on an idle machine; on a busy one, kills
    # with a delay come later.
    run_killed_repeatedly(tmp_path, 400, [*deaths, (45, 0.01), (60, 0.002), (70, 0.02)])


@pytest.mark.campaign
def test_rows_are_trained_once_by_a_driver_killed_200_times(
    tmp_path: Path,
) -> None:
    draw = random.Random(0)
    deaths: list[tuple[int, float | None]] = [(at, None) for at in range(CALLS)]
    deaths += [(draw.randrange(CALLS), draw.random() * 0.03) for _ in range(CALLS)]
    draw.shuffle(deaths)
    print(run_killed_repeatedly(tmp_path, 8_000, deaths))
