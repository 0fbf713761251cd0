"""The sweep or command that is writing to a store now, or the last one that did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from orchestrator.display.formatting import counted
from orchestrator.display.throughput import progress_line
from storage.errors import Holder
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
