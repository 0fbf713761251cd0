"""Time of aggregate queries over a store.

python -m benchmarks.queries runs/paper
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.report import table
from storage.reading.reader import StoreReader

QUERIES = {
    "count by status": "SELECT status, count(*) FROM results GROUP BY status",
    "best by schedule and rate": "SELECT lr, schedule, max(accuracy), avg(accuracy), "
    "quantile_cont(accuracy, 0.5) FROM results GROUP BY ALL ORDER BY ALL",
    "fewest weights by accuracy": "SELECT floor(accuracy * 100) AS percent, min(weight_nnz), "
    "count(*) FROM results GROUP BY ALL ORDER BY ALL",
    "the best network of each size": "SELECT weight_nnz, max(accuracy), "
    "arg_max(experiment_id, accuracy), arg_max(mask2, accuracy) FROM results GROUP BY ALL",
    "over all weights": "SELECT avg(list_sum(weights)), max(list_max(biases)) FROM results",
}


def time_queries(store: Path) -> None:
    """Print the wall-clock seconds of each query, run in sequence in one process."""
    start = time.perf_counter()
    with StoreReader(store) as reader:
        rows: list[tuple[str, float]] = [("opening the store", time.perf_counter() - start)]
        total = reader.state.rows
        for name, query in QUERIES.items():
            start = time.perf_counter()
            reader.sql(query)
            rows.append((name, time.perf_counter() - start))
    print(f"## Queries over {total:,} rows\n")
    print(table({"query": "", "seconds": ".3f"}, rows))


def main() -> None:
    """Time the queries on an existing store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    time_queries(parser.parse_args().store)


if __name__ == "__main__":
    main()
