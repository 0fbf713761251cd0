"""Are stored rows made again bit for bit? Trains a sample of a store's rows once more.

    python -m benchmarks.retrain runs/paper --rows 1000

Every column but train_ms and sweep_id is compared, the trained weights included. The rows must
have been made by the same backend (column `backend`) as this machine's.
"""

from __future__ import annotations

import argparse
import sys

import pyarrow as pa

from orchestrator.inits import combined, tokens
from orchestrator.targets import find_targets, with_inits
from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from storage.reader import StoreReader
from workers.task import Task, run_task

COMPARED = [name for name in RESULT_SCHEMA.names if name not in ("train_ms", "sweep_id")]


def main() -> None:
    """Prints how many rows of each study are the same; exit code 1 where one is not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--rows", type=int, default=1000, help="evenly spread over the store")
    arguments = parser.parse_args()
    differing = 0
    with StoreReader(arguments.store) as reader:
        studies = reader.progress().studies
        targets = with_inits(
            find_targets([study.name for study in studies.values()]), tokens(reader.inits)
        )
        by_token = {init.token: init for init in combined(reader.inits, {}).values()}
        for selection in targets.selections:
            study = selection.study
            stored = list(reader.stored(study.digest))
            share = max(1, arguments.rows * len(stored) // reader.progress().rows)
            chosen = IndexSet.from_indices(stored[:: max(1, len(stored) // share)][:share])
            task = Task(study, chosen, "again")
            again = pa.Table.from_batches([run_task(task, by_token, "cpu")]).select(COMPARED)
            numbers = ", ".join(map(str, chosen))
            before = reader.sql(
                f"SELECT {', '.join(COMPARED)} FROM results WHERE study = '{study.name}' "
                f"AND study_index IN ({numbers}) ORDER BY study_index"
            ).cast(again.schema)
            same = sum(a == b for a, b in zip(before.to_pylist(), again.to_pylist(), strict=True))
            differing += len(chosen) - same
            print(f"{study.name}: {same} of {len(chosen)} rows are the same bits")
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
