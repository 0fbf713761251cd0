"""The state of a store while a sweep may be filling it: what runs, how fast, what is stored."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from orchestrator.display.formatting import clock, counted
from orchestrator.display.store_summary import FewestWeights, fewest_weights, stored_studies
from storage.errors import Holder, NoStoreYet
from storage.lock import current_holder
from storage.reading.reader import StoreReader
from storage.status_files import LiveProgress, read_live


@dataclass(frozen=True)
class Activity:
    """Activity on a store.

    Attributes:
        last_run: running or most recent sweep and its state; None if there was no sweep.
        running: progress of the running sweep; None if none runs or its driver has not reported.
        busy: process that holds the store while no sweep runs: a run that is starting its workers,
            or another command.
    """

    last_run: dict[str, Any] | None = None
    running: LiveProgress | None = None
    busy: Holder | None = None

    @classmethod
    def of(cls, reader: StoreReader) -> Self:
        """Return the present activity on a store."""
        holder = current_holder(reader.paths)
        sweep = next(reversed(reader.state.sweeps.values()), None)
        if sweep is None:
            return cls(busy=holder)
        if sweep.end is not None:
            state: str = sweep.end.outcome
        elif holder is None or sweep.begin.started < holder.since:
            # The process that holds the store started after this sweep: another command.
            state = "killed"
        else:
            state = "running"
        is_running = state == "running"
        last_run = {
            "state": state,
            "sweep_id": sweep.begin.sweep_id,
            "started": sweep.begin.started,
            "host": sweep.begin.host,
            "pid": holder.pid if holder is not None and is_running else None,
            "command": sweep.begin.command,
            "rows": sweep.rows,
        }
        if not is_running:
            return cls(last_run, busy=holder)
        return cls(last_run, running=read_live(reader.paths, sweep.begin.sweep_id))

    @property
    def throughput(self) -> str | None:
        """Progress and throughput of the running sweep; None if unknown."""
        return None if self.running is None else progress_line(self.running)

    def lines(self) -> list[str]:
        """Return a line about each process or sweep, without the throughput."""
        lines = []
        if self.busy is not None:
            lines.append(
                f"in use, but no training has started: {self.busy.command} (since "
                f"{self.busy.since} on {self.busy.host})"
            )
        if self.last_run is not None:
            last = self.last_run
            state = last["state"]
            lines.append(
                f"{'running' if state == 'running' else f'last run ({state})'}: {last['command']} "
                f"(started {last['started']} on {last['host']}, {counted(last['rows'], 'row')})"
            )
        return lines or ["no run yet"]


EVEN_RATIO = 1.25
"""Ratio of the costs of remaining and recent experiments above which the text mentions it."""


def rate_and_time_left(rate: float, left_s: float | None) -> list[str]:
    """Return the rate (1/s) and, where it is known, the time left."""
    text = f"{rate:,.0f}/s" if rate >= 9.95 else f"{rate:.2g}/s"
    return [text] if left_s is None else [text, f"{clock(left_s)} left"]


def done_of(done: int, total: int | None) -> str:
    """Return the number of finished experiments, and of all if it is known."""
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def percent_done(done: int, total: int | None) -> str:
    """Return the percentage of finished experiments; empty if the number of all is unknown.

    It is rounded down, so that 100 % means all.
    """
    return "" if total is None else f"{100 * done // max(1, total)}%"


def unevenness(done: int, total: int | None, rate: float, left_s: float | None) -> list[str]:
    """Return a phrase if the time left differs from the experiments left divided by the rate."""
    if left_s is None or total is None or done == total or not rate:
        return []
    ratio = left_s * rate / (total - done)
    if 1 / EVEN_RATIO <= ratio <= EVEN_RATIO:
        return []
    return [f"each of the rest takes {float(f'{ratio:.2g}'):,g} times as long"]


def progress_line(progress: LiveProgress) -> str:
    """Return progress, throughput and time left of a running sweep in one line."""
    parts = [
        f"this run: {done_of(progress.done, progress.total)}",
        *rate_and_time_left(progress.rate, progress.left_s),
        counted(progress.workers, "worker"),
        *unevenness(progress.done, progress.total, progress.rate, progress.left_s),
    ]
    return ", ".join(parts)


class Watcher(ExitStack):
    """Summary of a store, which need not exist yet, at the last refresh.

    Attributes:
        reader: reader of the store; None while there is no store.
        best: fewest weights at each target.
        studies: records of `orchestrator.display.store_summary.stored_studies`.
        activity: activity on the store.
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.reader: StoreReader | None = None
        self.best = FewestWeights()
        self.rows = 0
        self.studies: list[dict[str, Any]] = []
        self.activity = Activity()

    def refresh(self) -> bool:
        """Read the store again and return whether it has changed.

        Raises a `StoreError` if the folder holds something else, or the store cannot be read.
        """
        changed = True
        if self.reader is None:
            try:
                self.reader = self.enter_context(StoreReader(self._store))
            except NoStoreYet:
                return False
        else:
            changed = self.reader.refresh()
        if changed:
            self.best = fewest_weights(self.reader)
        self.rows = self.reader.state.rows
        self.studies = stored_studies(self.reader)
        self.activity = Activity.of(self.reader)
        return changed
