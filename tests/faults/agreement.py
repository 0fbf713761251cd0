"""The one check of every fault: what a store has afterwards, beside an uninterrupted run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from storage.checking.verify import verify_store
from storage.merging.compare import compare
from storage.reading.reader import StoreReader


@dataclass
class Witness:
    """Remembers which rows were stored, and from which sweep, whenever it looks.

    A row that is stored stays as it is: one that vanishes was lost, one that comes from another
    sweep later was trained twice.
    """

    store: Path
    seen: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0

    def look(self) -> int:
        """Looks at the store; returns its number of rows."""
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
    """How a store that went through faults compares with one that did not.

    Attributes:
        rows: rows that it has.
        equal: rows that are the same in all columns but `train_ms` and `sweep_id`.
        different: rows that are not.
        missing: experiments that only the uninterrupted run has.
        surplus: experiments that only this store has.
        lost: rows that were stored once and later were not.
        twice: experiments with two rows, or whose row was replaced by a later sweep's.
        findings: what `verify` has to say.
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
        """Whether every row is there once and is the same, and the store is whole."""
        return (
            self.equal == self.rows > 0
            and not (self.different or self.missing or self.surplus or self.lost or self.twice)
            and not self.findings
        )


def agreement(witness: Witness, whole: Path) -> Agreement:
    """Compares the store that a witness has watched with that of an uninterrupted run."""
    rows = witness.look()
    with StoreReader(witness.store) as one, StoreReader(whole) as other:
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
