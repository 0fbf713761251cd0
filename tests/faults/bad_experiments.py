"""A sweep in which one experiment in a hundred always crashes, hangs or exhausts memory.

    python -m tests.faults.bad_experiments FOLDER --experiments 10000

Creates FOLDER. The last line of output is a report in JSON. The exit code is 0 if each bad
experiment has a `failed` row with its reason and all others are trained.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator import job
from orchestrator.commands.executors import ExecutorOptions, make_executor
from orchestrator.executor import Executor, Failed, InlineExecutor, Outcome, TimeLimit
from storage.checking.verify import verify_store
from tests.faults.bad_table import EVERY, bad_study, kind_of, tries
from tests.faults.cluster import Nodes, prepare
from tests.faults.report import finish
from tests.faults.training import train
from tests.orchestrator.running import query

NODES = 2

MEMORY = 2 * 2**30
"""Memory of a node and so of its one worker, in bytes; protects the memory of the machine."""


def failing_alone(executor: Executor) -> Counter[int]:
    """Count how often each experiment fails alone in its task, in all later calls of `wait`."""
    alone: Counter[int] = Counter()
    wait = executor.wait

    def counting(timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        outcomes = wait(timeout_s, time_limit_s)
        for outcome in outcomes:
            if isinstance(outcome, Failed) and len(outcome.job.task.indices) == 1:
                alone.update(outcome.job.task.indices)
        return outcomes

    setattr(executor, "wait", counting)  # noqa: B010 - a method
    return alone


def bad_experiments(folder: Path, count: int, epochs: int) -> dict[str, Any]:
    """Train the sweep and its good experiments alone, and compare the rows."""
    folder.mkdir(parents=True)
    study = bad_study(count, epochs, folder)
    train(InlineExecutor({}, "cpu"), study, folder / "undisturbed", 1)
    with Nodes(NODES, cpus=1, memory=MEMORY) as nodes:
        start = time.monotonic()
        options = ExecutorOptions("ray", NODES, ("cpu",), nodes.address)
        with make_executor(options, {}) as executor:
            alone = failing_alone(executor)
            train(executor, study, folder / "store", NODES)
        wall_s = time.monotonic() - start
    bad = {index for index in range(count) if kind_of(index)}
    columns = "* EXCLUDE (train_ms, sweep_id)"
    good = f"SELECT {columns} FROM results WHERE study_index % {EVERY} <> {EVERY // 2}"
    good += " ORDER BY study_index"
    equal = query(folder / "store", good).equals(query(folder / "undisturbed", good))
    failed = query(
        folder / "store", "SELECT study_index, reason FROM results WHERE status = 'failed'"
    ).to_pylist()
    counts = query(folder / "store", "SELECT count(*) AS n FROM results").to_pylist()[0]["n"]
    reasons: dict[str, Counter[str]] = {}
    for row in failed:
        kind = kind_of(row["study_index"]) or "none"
        reasons.setdefault(kind, Counter())[row["reason"][:100]] += 1
    attempts = tries(folder)
    findings = verify_store(folder / "store")
    return {
        "experiments": count,
        "bad": len(bad),
        "rows": counts,
        "rows_failed": len(failed),
        "other_rows_equal": equal,
        "most_tries_alone": max(alone[index] for index in bad),
        "most_tries_in_all": max(attempts.values()),
        "reasons": reasons,
        "wall_s": round(wall_s, 1),
        "findings": [str(problem) for problem in findings],
        "holds": equal
        and counts == count
        and {row["study_index"] for row in failed} == bad
        and max(alone[index] for index in bad) <= job.ATTEMPTS
        and not findings,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--experiments", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds after which the part of a failed task counts as hanging; four times that "
        "for any other [default: the program's own]",
    )
    arguments = parser.parse_args()
    if arguments.patience is not None:
        job.MIN_SUSPECT_LIMIT_S, job.MIN_LIMIT_S = arguments.patience, 4 * arguments.patience
        job.MIN_UNMEASURED_LIMIT_S = job.MAX_UNMEASURED_LIMIT_S = job.MIN_LIMIT_S
    prepare()
    finish(bad_experiments(arguments.folder, arguments.experiments, arguments.epochs))


if __name__ == "__main__":
    main()
