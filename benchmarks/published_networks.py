"""Functional sparsity of the sparsest published networks, which are trained again.

    python -m benchmarks.published_networks

The columns live_nnz to folded_nnz of the published rows are NULL: the rows have no weights to
compute them from.
"""

from __future__ import annotations

from analysis.findings import question
from analysis.retrain import retrained
from benchmarks.report import table
from orchestrator.commands.results import results_reader

COLUMNS = [
    "weight_nnz",
    "effective_nnz",
    "live_nnz",
    "folded_nnz",
    "dead_neurons",
    "linear_neurons",
]


def main() -> None:
    """Print a Markdown table for each accuracy, one line for each method."""
    query = f"FROM ({question('sparsest')}) WHERE start = 'fresh' ORDER BY target, weights, method"
    with results_reader(None, True) as reader:
        for target in (0.95, 0.995):
            lines = []
            for best in reader.sql(f"SELECT * {query}").to_pylist():
                if best["target"] == target:
                    row = retrained(reader.row(best["experiment_id"]), reader.init)
                    pruned = row["weight_nnz"] - row["prunable_own"]
                    lines.append([row["method"], *(row[name] for name in COLUMNS), pruned])
            print(f"At {100 * target:g} %:\n")
            print(table(["method", *COLUMNS, "pruned"], lines), end="\n\n")


if __name__ == "__main__":
    main()
