"""The sparsest networks so far, for whoever watches a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.display.show import counted

TARGETS = (0.95, 0.995)
"""The accuracies for which the paper asks how few weights suffice."""


@dataclass
class Best:
    """Fewest nonzero weights seen at each accuracy of `TARGETS`.

    Attributes:
        weights: accuracy -> weight_nnz; accuracies that nobody has reached are missing.
    """

    weights: dict[float, int] = field(default_factory=dict)

    def see(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Takes rows with the columns `accuracy` and `weight_nnz` into account."""
        highest = pc.max(rows.column("accuracy")).as_py()
        for target in TARGETS:
            if highest is None or highest < target:
                continue  # as with most tasks, of which a driver sees a thousand a second
            reached = pc.fill_null(pc.greater_equal(rows.column("accuracy"), target), False)
            fewest = pc.min(pc.filter(rows.column("weight_nnz"), reached)).as_py()
            if fewest is not None:
                self.weights[target] = min(fewest, self.weights.get(target, fewest))

    def __str__(self) -> str:
        if not self.weights:
            return f"none at {_percent(TARGETS[0])} yet"
        return ", ".join(
            f"{counted(fewest, 'weight')} at {_percent(target)}"
            for target, fewest in self.weights.items()
        )


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:g} %"
