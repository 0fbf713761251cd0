"""The result of a run, printed for the user or as JSON."""

from __future__ import annotations

import shlex
import signal
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.display.formatting import counted, human_seconds
from orchestrator.display.store_summary import fewest_weights
from orchestrator.invocation import Invocation, program
from orchestrator.run_store import RunStore
from orchestrator.tally import Tally


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        tally: the counts of its sweeps.
        left: wanted experiments that are not stored.
        wall_s: seconds from the first task to the last, without starting up.
        workers: number of workers.
        stopped_by: the signal with which the user stopped it, perhaps when everything was done.
    """

    tally: Tally = field(default_factory=Tally)
    left: int = 0
    wall_s: float = 0.0
    workers: int = 0
    stopped_by: signal.Signals | None = None

    @property
    def outcome(self) -> Literal["finished", "interrupted"]:
        """Outcome: "interrupted" if the user stopped the run before everything was stored."""
        return "interrupted" if self.stopped_by is not None and self.left else "finished"

    @property
    def training_share(self) -> float:
        """Share of the workers' time that went into training."""
        return self.tally.train_s / (self.wall_s * self.workers) if self.wall_s else 0.0

    def summary(self, store: RunStore) -> dict[str, Any]:
        """Return what `run --json` prints."""
        fewest = fewest_weights(store.reader)
        return {
            "outcome": self.outcome,
            "trained": self.tally.trained,
            "left": self.left,
            "wall_seconds": round(self.wall_s, 3),
            "workers": self.workers,
            "train_seconds": round(self.tally.train_s, 3),
            "training_share": round(self.training_share, 4),
            "best": {str(target): weights for target, weights in fewest.by_target.items()},
            "store": str(store.folder),
        }

    def print_summary(self, store: RunStore, invocation: Invocation, trained: int) -> None:
        """Print the result, and what to do next, given the experiments trained in all runs."""
        console = store.console
        if not self.tally.trained and not self.left:
            console.print("nothing to train: everything asked for is stored")
            return
        console.print(
            f"{self.outcome}: {self.tally.trained:,} trained in {human_seconds(self.wall_s)} by "
            f"{counted(self.workers, 'worker')}; {100 * self.training_share:.0f} % of their "
            "time was training",
            soft_wrap=True,
        )
        if self.tally.trained:
            folder = shlex.quote(str(store.folder))
            console.print(
                f"ask the store: {program()} query "
                f'"SELECT status, count(*) FROM results GROUP BY status" --store {folder}',
                soft_wrap=True,
            )
        if self.left:
            interrupted = self.outcome == "interrupted"
            resume = invocation.to_resume(trained) if interrupted else invocation.to_train_all()
            console.print(
                f"left: {counted(self.left, 'experiment')}; resume with:\n  {resume}",
                soft_wrap=True,
            )
