"""Two processes that write to the same stores at the same time, without a lock."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from search.indices import IndexSet
from storage.errors import StoreError
from storage.paths import StorePaths
from storage.writing import committer
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

WANTED = 8
PART = 2

_SERVER = get_context("forkserver")
_SERVER.set_forkserver_preload(["storage.writing.writer"])


@dataclass
class Outcome:
    """Result of one writer in one race.

    Attributes:
        sweep_id: sweep id of its rows.
        stored: indices that it reported as stored.
        error: message of the error that ended it; None if it finished.
    """

    sweep_id: str
    stored: list[int] = field(default_factory=list)
    error: str | None = None


def race(stores: Sequence[Path]) -> list[tuple[Outcome, Outcome]]:
    """Let two processes write to each store in turn, and return their results."""
    barrier = _SERVER.Barrier(2)
    ends, racers = [], []
    for number in range(2):
        ours, theirs = _SERVER.Pipe(duplex=False)
        racer = _SERVER.Process(target=_race, args=(number, [*stores], barrier, theirs))
        racer.start()
        theirs.close()
        ends.append(ours)
        racers.append(racer)
    first, second = (end.recv() for end in ends)
    for racer in racers:
        racer.join()
    return list(zip(first, second, strict=True))


class NoLock:
    """A replacement for `StoreLock` that excludes no process."""

    def __init__(self, paths: StorePaths, command: str) -> None:
        pass

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def _race(number: int, stores: list[Path], barrier: Barrier, results: Connection) -> None:
    setattr(committer, "StoreLock", NoLock)  # noqa: B010 - not exported
    draw = random.Random(number)
    outcomes = []
    for store in stores:
        outcome = Outcome(f"sweep-{number}")
        barrier.wait()
        try:
            _write(store, outcome, draw)
        except StoreError as error:
            outcome.error = str(error)
        outcomes.append(outcome)
    results.send(outcomes)


def _write(store: Path, outcome: Outcome, draw: random.Random) -> None:
    rows = Rows()
    time.sleep(draw.random() * 0.003)
    with StoreWriter(store) as writer:
        wanted = IndexSet.of([(0, WANTED)]) - writer.stored(rows.digest)
        writer.begin_sweep(rows.begin(outcome.sweep_id))
        while wanted:
            task, wanted = wanted.take(PART)
            made = [rows.row(index, sweep_id=outcome.sweep_id) for index in task]
            writer.append(rows.batch(made), rows.digest, rows.study, task)
            time.sleep(draw.random() * 0.003)
            writer.commit()
            outcome.stored.extend(task)
        writer.end_sweep("finished")
