"""Retrain a sample of a store's rows or of the published rows and compare them bit for bit.

    python -m benchmarks.retrain runs/paper --rows 1000
    python -m benchmarks.retrain --published --rows 200
    SPARSEST_ARITHMETIC=avx512 python -m benchmarks.retrain --published phase1 --rows 200

Every column except train_ms and sweep_id is compared, including a store's trained weights. Rows are
reproducible on the backend that made them (column `backend`); differences on another backend are
counted but are no error. SPARSEST_ARITHMETIC switches the CPU's backend.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from orchestrator.commands.results import results_reader
from orchestrator.inits import combined, read_inits
from orchestrator.planning.targets import find_targets, with_inits
from search.experiment import FRESH_INIT
from search.indices import IndexSet
from search.layers import StoredInit
from search.paper import PAPER_STUDIES
from search.schema import RESULT_SCHEMA
from search.specification import SPECIFICATION_COLUMNS
from search.study import Study
from storage.published.reader import PublishedReader
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.reader import StoreReader
from storage.results_reader import ResultsReader
from workers.kernel.instruction_set import ARITHMETIC, backend_name
from workers.stored_init import remade_init
from workers.task import Task, run_task

COMPARED = [name for name in RESULT_SCHEMA.names if name not in ("train_ms", "sweep_id", "backend")]


class StudySample(NamedTuple):
    """A study, the indices of its stored rows, and the columns to compare."""

    study: Study
    stored: IndexSet
    columns: list[str]


def main() -> None:
    """Print how many rows of each study agree; exit with 1 if one of the same backend differs."""
    arguments = _arguments()
    store = None if arguments.published else Path(arguments.words[0])
    given = read_inits({"bench-95": arguments.bench_95, "bench-995": arguments.bench_995})
    wrong = 0
    studies = arguments.words if store is None and arguments.words else PAPER_STUDIES
    with results_reader(store, arguments.published, studies) as reader:
        if isinstance(reader, StoreReader):
            samples, inits = _of_store(reader, given)
        else:
            assert isinstance(reader, PublishedReader)
            samples, inits = _of_published(reader, given)
        every = sum(len(sample.stored) for sample in samples)
        for sample in samples:
            count = max(1, arguments.rows * len(sample.stored) // every)
            wrong += _compare(reader, sample, count, inits)
    sys.exit(wrong > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "words", nargs="*", metavar="STORE | STUDY", help="a store, or studies with --published"
    )
    parser.add_argument("--published", action="store_true", help="retrain rows of results/")
    parser.add_argument("--rows", type=int, default=1000, help="spread evenly over all studies")
    parser.add_argument("--bench-95", type=Path, help="torch file of the stored initialisation")
    parser.add_argument("--bench-995", type=Path, help="torch file of the stored initialisation")
    arguments = parser.parse_args()
    if not arguments.published and len(arguments.words) != 1:
        parser.error("name one store, or use --published")
    return arguments


def _of_store(
    reader: StoreReader, given: Mapping[str, StoredInit]
) -> tuple[list[StudySample], dict[str, StoredInit]]:
    names = [study.name for study in reader.state.studies.values()]
    targets = with_inits(find_targets(names), reader.state.inits)
    samples = [StudySample(s.study, reader.stored(s.study.digest), COMPARED) for s in targets]
    return samples, {init.token: init for init in combined(reader.state.inits, given).values()}


def _of_published(
    reader: PublishedReader, given: Mapping[str, StoredInit]
) -> tuple[list[StudySample], dict[str, StoredInit]]:
    inits = {init.token: init for init in given.values()}
    samples = []
    for file in reader.files:
        for init in file.note.inits:
            if init.found is not None and init.token not in inits:
                name = init.token.partition(":")[0]
                inits[init.token] = remade_init(name, init.found.label, file.note.root_seed)
        missing = [token for token in file.study.inits if token not in inits]
        if missing:
            print(f"{file.study.name}: skipped; pass the file of {', '.join(missing)}")
            continue
        has = {*file.rows().column_names, *SPECIFICATION_COLUMNS}
        columns = [name for name in COMPARED if name in has]
        samples.append(StudySample(file.study, file.indices(), columns))
    return samples, inits


def _compare(
    reader: ResultsReader, sample: StudySample, count: int, inits: Mapping[str, StoredInit]
) -> int:
    """Retrain rows of a study; return how many differ although the backend is the same."""
    stored = list(sample.stored)
    chosen = IndexSet.from_indices(
        stored[rank * len(stored) // count] for rank in range(min(count, len(stored)))
    )
    task = Task(sample.study, chosen, "retrained")
    retrained = pa.Table.from_batches([run_task(task, inits, "cpu")]).select(sample.columns)
    before = reader.sql(
        f"SELECT {', '.join(sample.columns)}, backend FROM results "
        f"WHERE study = {sql_text(sample.study.name)} "
        f"AND init IN {sql_tuple((*sample.study.inits, FRESH_INIT))} "
        f"AND study_index IN ({', '.join(map(str, chosen))}) ORDER BY study_index"
    )
    makers = before.column("backend").to_pylist()
    stored_rows = before.select(sample.columns).cast(retrained.schema).to_pylist()
    pairs = list(zip(stored_rows, retrained.to_pylist(), makers, strict=True))
    same = sum(a == b for a, b, _ in pairs)
    close = sum(a["accuracy"] == b["accuracy"] for a, b, _ in pairs)
    wrong = sum(1 for a, b, maker in pairs if maker == backend_name() and a != b)
    others = sorted({*makers} - {backend_name()})
    note = f"; stored by {', '.join(others)}, retrained by {backend_name()}" if others else ""
    print(
        f"{sample.study.name}: {same} of {len(pairs)} rows agree bit for bit, {close} in "
        f"accuracy{note}"
    )
    if others and not wrong and same < len(pairs):
        print(f"  (set {ARITHMETIC}={others[0].removeprefix('numba-')} for the same arithmetic)")
    return wrong


if __name__ == "__main__":
    main()
