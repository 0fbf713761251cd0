"""A second driver is refused; without a working lock, nothing is stored twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from storage.checking.verify import verify_store
from storage.data.parts import read_part
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.faults.racing_writers import WANTED, Outcome, race
from tests.orchestrator.running import INLINE, environment, refused, write_sweep
from tests.storage.made_rows import Rows

_HOLD = """
import sys
from storage.writing.writer import StoreWriter
with StoreWriter(sys.argv[1], command="sparsest run phase1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_driver_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]')
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(store)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        start = time.perf_counter()
        message = refused("run", sweep, "--store", store, *INLINE)
        print(f"refused within {1000 * (time.perf_counter() - start):.0f} ms: {message}")
        assert f"process {holder.pid} on " in message
        assert "(sparsest run phase1), since 2" in message
        holder.communicate()


def run_races(folder: Path, count: int) -> str:
    """Run a number of races, check each result, and return the figures."""
    stores = [folder / f"store-{number}" for number in range(count)]
    for number, store in enumerate(stores):
        if number % 2:  # the others do not exist yet
            StoreWriter(store).close()
    ends: Counter[str] = Counter()
    for store, outcomes in zip(stores, race(stores), strict=True):
        check_race(store, outcomes)
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        ends["both done" if not errors else "one stopped" if len(errors) == 1 else "both"] += 1
        ends["number taken"] += sum("exists already" in error for error in errors)
    return f"{count} races: {dict(ends)}"


def check_race(store: Path, outcomes: tuple[Outcome, Outcome]) -> None:
    """Check that every row reported as stored is there as written, and none is there twice."""
    rows = Rows()
    with StoreReader(store) as reader:
        tables = [read_part(reader.paths, part) for part in reader.state.parts]
    found = [row for table in tables for row in table.to_pylist()]
    by_index = {row["study_index"]: row for row in found}
    assert len(by_index) == len(found), "an experiment was stored twice"
    for outcome in outcomes:
        for index in outcome.stored:
            assert by_index[index] == rows.row(index, sweep_id=outcome.sweep_id)
        # A writer that did not finish got a reason.
        assert outcome.error is None or "same command again" in outcome.error
    # A writer that stopped may have published rows that it did not report as stored.
    assert verify_store(store) == []
    with StoreWriter(store) as writer:
        missing = set(range(WANTED)) - set(writer.stored(rows.digest))
        writer.begin_sweep(rows.begin("afterwards"))
        for index in sorted(missing):
            rows.append(writer, index, index + 1, sweep_id="afterwards")
    with StoreReader(store) as reader:
        assert reader.stored(rows.digest).intervals == ((0, WANTED),)
    assert verify_store(store) == []


def test_writers_without_a_lock_store_no_experiment_twice(tmp_path: Path) -> None:
    run_races(tmp_path, 20)


@pytest.mark.campaign
def test_writers_without_a_lock_store_no_experiment_twice_in_1000_races(tmp_path: Path) -> None:
    print(run_races(tmp_path, 1_000))
