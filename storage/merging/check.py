"""What keeps stores from being merged: rows, initialisations and sweeps that contradict."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from storage.data.parts import check_part_content
from storage.errors import MergeRefused
from storage.log.entries import SweepBegin, SweepEnd
from storage.merging.compare import Comparison, compare
from storage.reading.reader import StoreReader
from storage.remote.origin import store_name


def check_sources(readers: Sequence[StoreReader]) -> None:
    """Passes where every byte of the stores is the one that was written.

    Raises:
        StoreDamaged: a data file is missing or was changed.
    """
    for reader in readers:
        for part in reader.parts:
            check_part_content(reader.paths, part)


def check_inits(readers: Sequence[StoreReader]) -> None:
    """Passes where no name stands for two initialisations.

    Raises:
        MergeRefused: one does.
    """
    seen: dict[str, tuple[str, StoreReader]] = {}
    for reader in readers:
        for name, init in reader.inits.items():
            digest, first = seen.setdefault(name, (init.digest, reader))
            if digest != init.digest:
                raise MergeRefused(
                    f"The initialisation {name} is {digest} in {store_name(first.paths)} and "
                    f"{init.digest} in {store_name(reader.paths)}. A store has one of each name, "
                    "and all rows of the studies that start from it hang on it: merge these stores "
                    "into different ones. Nothing was written."
                )


def check_sweeps(readers: Sequence[StoreReader]) -> None:
    """Passes where a sweep that several stores know is the same in all of them.

    Raises:
        MergeRefused: one is not.
    """
    begins: dict[str, SweepBegin] = {}
    ends: dict[str, SweepEnd] = {}
    for reader in readers:
        for sweep in reader.progress().sweeps:
            sweep_id = sweep.begin.sweep_id
            same = begins.setdefault(sweep_id, sweep.begin) == sweep.begin
            if sweep.end is not None:
                same = same and ends.setdefault(sweep_id, sweep.end) == sweep.end
            if not same:
                raise MergeRefused(
                    f"The sweep {sweep_id} of {store_name(reader.paths)} is another one than that "
                    "of the same id in a store named before it. Nothing was written."
                )


def conflicts(readers: Sequence[StoreReader]) -> list[tuple[StoreReader, StoreReader, Comparison]]:
    """Pairs of stores that have rows of the same experiment with different contents.

    Only pairs that share experiments are looked into: shards of one sweep cost nothing.

    Raises:
        StoreError: a data file cannot be read.
    """
    found = []
    for first, second in combinations(readers, 2):
        shared = _shared_studies(first, second)
        if not shared:
            continue
        compared = compare(first.data_files(), second.data_files(), shared)
        if compared.total.different or compared.total.lacking:
            found.append((first, second, compared))
    return found


def describe(first: StoreReader, second: StoreReader, compared: Comparison) -> list[str]:
    """What is to be said of two stores' conflicting rows, in lines."""
    total = compared.total
    lines = [
        f"{store_name(first.paths)} and {store_name(second.paths)}: "
        f"{total.different + total.lacking:,} experiments with other contents"
    ]
    if total.different:
        columns = ", ".join(f"{name} ({n:,})" for name, n in compared.columns.most_common())
        lines.append(f"  {total.different:,} rows differ in {columns}")
    if compared.other_backend:
        lines.append(
            f"  {compared.other_backend:,} of them were trained by different backends"
            + (
                f", {compared.backend_alone:,} differ in nothing else"
                if compared.backend_alone
                else " (rows are the same to the bit on one kind of processor only)"
            )
        )
    if total.lacking:
        columns = ", ".join(compared.lacking)
        lines.append(f"  {total.lacking:,} rows have {columns} in one of the two only")
    for example in compared.examples:
        lines.append(
            f"  {example.label} ({example.experiment_id}), {' / '.join(example.backends)}: "
            f"{', '.join(example.columns)}"
        )
    return lines


def _shared_studies(first: StoreReader, second: StoreReader) -> list[str]:
    """Names of the studies of which both may have the same experiments."""
    ours, theirs = first.progress().studies, second.progress().studies
    shared = {
        study.name
        for digest, study in ours.items()
        if digest in theirs and study.indices & theirs[digest].indices
    }
    # An edited sweep file has another digest, and perhaps some of the same experiments.
    digests = [{(study.name, digest) for digest, study in all.items()} for all in (ours, theirs)]
    for name in {name for name, _ in digests[0]} & {name for name, _ in digests[1]}:
        if {d for n, d in digests[0] if n == name} != {d for n, d in digests[1] if n == name}:
            shared.add(name)
    return sorted(shared)
