"""How a run went, for people and for programs."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from orchestrator.display.formatting import counted, human_seconds
from orchestrator.display.store_summary import fewest_weights
from orchestrator.invocation import Invocation, program
from orchestrator.tally import Tally
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

    def resume_command(self, invocation: Invocation, trained: int) -> str:
        """Return the command that does what is left.

        Args:
            invocation: the command that trained.
            trained: experiments that it has trained in all its runs.
        """
        if self.outcome == "interrupted":
            return invocation.to_resume(trained)
        return invocation.to_train_all()

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
            "best_by_dataset": best.by_dataset,
            "store": str(store),
        }

    def print_summary(self, console: Console, store: Path, resume: str) -> None:
        """Prints it, and what to do next.

        Args:
            console: where to.
            store: the store of the run.
            resume: the command that does what is left.
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
            console.print(
                f"left: {counted(self.left, 'experiment')}; resume with:\n  {resume}",
                soft_wrap=True,
            )
