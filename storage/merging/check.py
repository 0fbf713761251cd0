"""Contradictions that prevent a merge: between rows, initialisations or sweeps.

A check that fails raises `MergeRefused`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

from storage.errors import MergeRefused
from storage.log.entries import SweepBegin, SweepEnd
from storage.merging.compare import Comparison, compare
from storage.reading.literals import sql_tuple
from storage.reading.reader import StoreReader
from storage.remote.working_copy import store_name


def check_inits(readers: Sequence[StoreReader]) -> None:
    """Check that stored initialisations of the same name are the same."""
    seen: dict[str, tuple[str, StoreReader]] = {}
    for reader in readers:
        for name, init in reader.state.inits.items():
            digest, first = seen.setdefault(name, (init.digest, reader))
            if digest != init.digest:
                raise MergeRefused(
                    f"The initialisation {name} is {digest} in {store_name(first.paths)} and "
                    f"{init.digest} in {store_name(reader.paths)}. A store has one initialisation "
                    "of each name, on which all rows that start from it depend: merge these stores "
                    "into different ones. Nothing was written."
                )


def check_sweeps(readers: Sequence[StoreReader]) -> None:
    """Check that sweeps of the same id are the same."""
    begins: dict[str, SweepBegin] = {}
    ends: dict[str, SweepEnd] = {}
    for reader in readers:
        for sweep_id, sweep in reader.state.sweeps.items():
            same = begins.setdefault(sweep_id, sweep.begin) == sweep.begin
            if sweep.end is not None:
                same = same and ends.setdefault(sweep_id, sweep.end) == sweep.end
            if not same:
                raise MergeRefused(
                    f"The sweep {sweep_id} of {store_name(reader.paths)} differs from the sweep "
                    "with the same id in a store named before it. Nothing was written."
                )


Conflict = tuple[StoreReader, StoreReader, Comparison]
"""Two stores with different rows of the same experiment, and their differences."""


def conflicts(readers: Sequence[StoreReader]) -> list[Conflict]:
    """Return the pairs of stores with different rows of the same experiment.

    Only stores that share experiments are compared: shards of one sweep take no time.

    Raises:
        StoreError: a data file cannot be read.
    """
    pairs = []
    for first, second in combinations(readers, 2):
        if shared := _shared_studies(first, second):
            compared = compare(first.data_files(), second.data_files(), shared)
            if compared.total.different or compared.total.lacking:
                pairs.append((first, second, compared))
    return pairs


def check_parents(pairs: Sequence[Conflict]) -> None:
    """Check that no row loses the row whose weights it starts from (column `parent`).

    Of two stores with different rows of the same experiment, those of the first are kept.

    Raises:
        MergeRefused: the first store has another row of a parent in the second, so that the
            parent's children could not be made again.
    """
    for first, second, _ in pairs:
        parents = second.sql("SELECT DISTINCT parent FROM results WHERE parent IS NOT NULL")
        if not parents.num_rows:
            continue
        names = sql_tuple(parents.column("parent").to_pylist())
        query = (
            "SELECT experiment_id, backend, status, accuracy, loss FROM results "
            f"WHERE experiment_id IN {names} ORDER BY experiment_id"
        )
        kept = {row["experiment_id"]: row for row in first.sql(query).to_pylist()}
        for row in second.sql(query).to_pylist():
            if kept.get(row["experiment_id"], row) != row:
                raise MergeRefused(
                    f"Rows of {store_name(second.paths)} start from the weights of its row "
                    f"{row['experiment_id']}, and {store_name(first.paths)} has a different row of "
                    "that experiment: without theirs they could not be made again. Merge these "
                    "stores into different ones. Nothing was written."
                )


def describe(first: StoreReader, second: StoreReader, compared: Comparison) -> list[str]:
    """Return lines that describe the conflicting rows of two stores."""
    total = compared.total
    return [
        f"{store_name(first.paths)} and {store_name(second.paths)}: "
        f"{total.different + total.lacking:,} experiments with different rows",
        *(f"  {line}" for line in compared.details()),
    ]


def _shared_studies(first: StoreReader, second: StoreReader) -> list[str]:
    """Return the names of the studies of which both stores may have the same experiments."""
    pairs = product(first.state.studies.items(), second.state.studies.items())
    return sorted(
        {
            study.name
            for (digest, study), (other_digest, other) in pairs
            # An edited sweep file has another digest, but may have some of the same experiments.
            if study.name == other.name
            and (digest != other_digest or study.indices & other.indices)
        }
    )
