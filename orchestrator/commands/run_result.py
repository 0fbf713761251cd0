"""How a run went, for people and for programs."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from orchestrator.called import as_called, program
from orchestrator.commands.going_on import with_rest, without_limit
from orchestrator.display.formatting import counted, human_seconds
from orchestrator.display.store_summary import fewest_weights
from orchestrator.driver import Tally
from storage.reading.reader import StoreReader


@dataclass(frozen=True)
class RunResult:
    """How a run went.

    Attributes:
        outcome: whether it did what it was asked for.
        tally: what was trained.
        wall_s: seconds from the first task to the last, start-up apart.
        workers: how many there were.
        left: experiments that are not stored yet.
        stopped_by: the signal with which its user asked to stop, perhaps when everything was done
            already; None where nobody asked.
    """

    outcome: Literal["finished", "interrupted"]
    tally: Tally
    wall_s: float
    workers: int
    left: int
    stopped_by: signal.Signals | None = None

    @property
    def training_share(self) -> float:
        """Share of the workers' time that went into training."""
        return self.tally.train_s / (self.wall_s * self.workers) if self.wall_s else 0.0

    def summary(self, store: Path) -> dict[str, Any]:
        """What `run --json` prints."""
        with StoreReader(store) as reader:
            best = fewest_weights(reader)
        return {
            "outcome": self.outcome,
            "trained": self.tally.trained,
            "left": self.left,
            "wall_seconds": round(self.wall_s, 3),
            "workers": self.workers,
            "train_seconds": round(self.tally.train_s, 3),
            "training_share": round(self.training_share, 4),
            "best": {str(target): fewest for target, fewest in best.by_target.items()},
            "store": str(store),
        }

    def tell(self, console: Console, store: Path, command: str, limit: int | None) -> None:
        """Prints it, and what to do next.

        Args:
            console: where to.
            store: the store of the run.
            command: the command line.
            limit: experiments that it was to train at most; None for all.
        """
        trained = self.tally.trained
        if not trained and not self.left:
            console.print("nothing to train: everything asked for is stored")
            return
        console.print(
            f"{self.outcome}: {trained:,} trained in {human_seconds(self.wall_s)} by "
            f"{counted(self.workers, 'worker')}; {100 * self.training_share:.0f} % of their "
            "time was training",
            soft_wrap=True,
        )
        if trained:
            console.print(
                f"ask the store: {program()} query "
                f'"SELECT status, count(*) FROM results GROUP BY status" --store {store}',
                soft_wrap=True,
            )
        if self.left:
            again = without_limit(command)
            if self.outcome == "interrupted":
                again = with_rest(command, limit, trained)
            console.print(
                f"left: {counted(self.left, 'experiment')}; go on with:\n  {as_called(again)}",
                soft_wrap=True,
            )
