"""What happens to a store at this moment, or what ran last: for those who look from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from orchestrator.display.formatting import counted
from orchestrator.display.throughput import progress_line
from storage.errors import Holder
from storage.live import LiveProgress, read_live
from storage.reading.reader import Progress, StoreReader


@dataclass(frozen=True)
class Activity:
    """What happens to a store.

    Attributes:
        last_run: the sweep that runs or that ran last, and its state; None where nothing was run
            yet.
        running: how far the running sweep is; None where none runs, or its driver has said nothing
            yet.
        busy: who writes to the store while no sweep runs: a run whose workers start, or another
            command.
    """

    last_run: dict[str, Any] | None = None
    running: LiveProgress | None = None
    busy: Holder | None = None

    @classmethod
    def of(cls, reader: StoreReader, progress: Progress) -> Self:
        """What happens to a store now.

        Args:
            reader: of the store.
            progress: what it holds.
        """
        holder = reader.holder()
        if not progress.sweeps:
            return cls(busy=holder)
        sweep = progress.sweeps[-1]
        if sweep.end is not None:
            state: str = sweep.end.outcome
        elif holder is None or sweep.begin.started < holder.since:
            # Whoever writes now came after it: the same command again, perhaps.
            state = "killed"
        else:
            state = "running"
        runs = state == "running"
        last = {
            "state": state,
            "sweep_id": sweep.begin.sweep_id,
            "started": sweep.begin.started,
            "host": sweep.begin.host,
            "pid": holder.pid if holder is not None and runs else None,
            "command": sweep.begin.command,
            "rows": sweep.rows,
        }
        if not runs:
            return cls(last, busy=holder)
        return cls(last, running=read_live(reader.paths, sweep.begin.sweep_id))

    @property
    def throughput(self) -> str | None:
        """How far the running sweep is, and how fast; None where that is not known."""
        return None if self.running is None else progress_line(self.running)

    def lines(self) -> list[str]:
        """All but the throughput."""
        lines = []
        if self.busy is not None:
            lines.append(
                f"at work, no training has begun: {self.busy.command} (since {self.busy.since} on "
                f"{self.busy.host})"
            )
        if self.last_run is not None:
            lines.append(_in_words(self.last_run))
        return lines or ["nothing was run yet"]


def _in_words(last: dict[str, Any]) -> str:
    said = "is running" if last["state"] == "running" else f"last run, {last['state']}"
    return (
        f"{said}: {last['command']} (begun {last['started']} on {last['host']}, "
        f"{counted(last['rows'], 'row')})"
    )
