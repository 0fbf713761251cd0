"""Comparing a store after faults with that of an undisturbed run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from storage.checking.verify import verify_store
from storage.merging.compare import compare
from storage.reading.reader import StoreReader


@dataclass
class Witness:
    """Records which rows are stored, and from which sweep, whenever `look` is called.

    A row that disappears was lost; one that is of another sweep later was trained twice.
    """

    store: Path
    seen: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0

    def look(self) -> int:
        """Record the rows of the store; return their number."""
        if not (self.store / "store.json").exists():
            return 0
        with StoreReader(self.store) as reader:
            table = reader.sql("SELECT experiment_id, sweep_id FROM results")
        ids = table.column("experiment_id").to_pylist()
        now = dict(zip(ids, table.column("sweep_id").to_pylist(), strict=True))
        self.lost += len(self.seen.keys() - now.keys())
        self.twice += len(ids) - len(now)
        self.twice += sum(now.get(key, sweep) != sweep for key, sweep in self.seen.items())
        self.seen = now
        return len(ids)


@dataclass(frozen=True)
class Agreement:
    """Comparison of a store that went through faults with an undisturbed one.

    Attributes:
        rows: number of its rows.
        equal: number of rows that agree in all columns but `train_ms` and `sweep_id`.
        different: number of rows that do not.
        missing: number of experiments that only the undisturbed run has.
        surplus: number of experiments that only this store has.
        lost: number of rows that were stored and later were not.
        twice: number of experiments with two rows, or with a row of a later sweep.
        findings: problems that `verify` found.
    """

    rows: int
    equal: int
    different: int
    missing: int
    surplus: int
    lost: int
    twice: int
    findings: list[str]

    @property
    def holds(self) -> bool:
        """Whether every row is stored once and equal, and the store is intact."""
        return (
            self.equal == self.rows > 0
            and not (self.different or self.missing or self.surplus or self.lost or self.twice)
            and not self.findings
        )


def agreement(witness: Witness, undisturbed: Path) -> Agreement:
    """Compare the store that a witness has watched with that of an undisturbed run."""
    rows = witness.look()
    with StoreReader(witness.store) as one, StoreReader(undisturbed) as other:
        found = compare(one.data_files(), other.data_files()).total
        counted = one.sql("SELECT count(*), count(DISTINCT experiment_id) FROM results").to_pylist()
    (counts,) = [list(row.values()) for row in counted]
    twice = witness.twice + counts[0] - counts[1]
    return Agreement(
        rows,
        found.equal,
        found.different + found.lacking,
        found.only_b,
        found.only_a,
        witness.lost,
        twice,
        [str(finding) for finding in verify_store(witness.store)],
    )
