"""Cost of the whole paper: processor time of a sample of each study, and `plan`'s estimate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from math import sqrt
from random import Random
from statistics import fmean, variance
from typing import Any

from benchmarks.report import table, timed
from orchestrator.planning.calibration import calibration, speed_note
from orchestrator.planning.estimate import SAMPLE, mean_cost
from search.experiment import Experiment
from search.indices import IndexSet
from search.layers import StoredInit
from search.methods import METHODS
from search.paper import PAPER_STUDIES, paper_study
from search.study import Study
from workers.stored_init import remade_init
from workers.train import train_batch

INITS = {"bench-95": "random:169066", "bench-995": "random:227124"}
"""Stored initialisation -> label of the training whose initial weights it takes."""

SEARCH_NETWORKS = 2_000
"""Number of networks sampled from each study of the search, evenly spread."""

TASK = 500
"""Number of networks trained together, as in a task of about 6 s."""

PRUNED_NETWORKS = 4
"""Number of networks sampled per method and width of a pruning study, trained one by one. The
sample is stratified, since a training at width 256 takes a thousand times as long as at width 3."""


def run() -> None:
    """Print each study's core-hours of processor time, with standard error."""
    speed = calibration(again=True)
    inits = {name: remade_init(name, label, 0) for name, label in INITS.items()}
    by_token = {init.token: init for init in inits.values()}
    for method in METHODS:  # the first training of each method compiles
        shape = {"structure": (3, 3, 3)} if method == "search" else {"width": 3, "target_nnz": 20}
        train_batch([Experiment(method=method, epochs=1, **shape)])
    lines: list[list[Any]] = []
    sums = [0.0, 0.0, 0.0]
    for name in PAPER_STUDIES:
        study: Study = paper_study(name)
        for init in study.init_names:
            study = study.with_init(inits[init].token)
        prunes = any(experiment.method != "search" for experiment in study[:1])
        measure = _pruning_hours if prunes else _search_hours
        trained, hours, error = measure(study, by_token)
        whole = IndexSet.from_range(range(len(study)))
        planned = len(study) * mean_cost(study, whole, SAMPLE) * speed.seconds_per_cost / 3600
        for column, value in enumerate((hours, error**2, planned)):
            sums[column] += value
        lines.append([name, len(study), trained, hours, error, planned])
    total = sum(len(paper_study(name)) for name in PAPER_STUDIES)
    lines.append(["all", total, None, sums[0], sqrt(sums[1]), sums[2]])
    print("## The whole paper: core-hours of processor time\n")
    columns = {"study": "", "trainings": ",", "sample": ",", "measured": ".2f"}
    print(table(columns | {"standard error": ".2f", "plan": ".2f"}, lines))
    print(f"\n{speed_note(speed)}")


def _search_hours(study: Study, inits: Mapping[str, StoredInit]) -> tuple[int, float, float]:
    """Time a sample in tasks; the standard error is between tasks."""
    experiments = [study[index] for index in study.sample(SEARCH_NETWORKS)]
    Random(0).shuffle(experiments)
    tasks = max(1, len(experiments) // TASK)
    parts = [experiments[part::tasks] for part in range(tasks)]
    means = [timed(partial(train_batch, part, inits))[1] / len(part) for part in parts]
    hours = len(study) / 3600
    error = sqrt(variance(means) / len(means)) if len(means) > 1 else 0.0
    return len(experiments), hours * fmean(means), hours * error


def _pruning_hours(study: Study, inits: Mapping[str, StoredInit]) -> tuple[int, float, float]:
    """Time a sample stratified by method and width."""
    strata: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index in range(len(study)):
        experiment = study[index]
        strata[experiment.method, experiment.width].append(index)
    random = Random(0)
    trained, seconds, spread = 0, 0.0, 0.0
    for indices in strata.values():
        chosen = random.sample(indices, min(PRUNED_NETWORKS, len(indices)))
        times = [timed(partial(train_batch, [study[index]], inits))[1] for index in chosen]
        trained += len(times)
        seconds += len(indices) * fmean(times)
        spread += len(indices) ** 2 * variance(times) / len(times)
    return trained, seconds / 3600, sqrt(spread) / 3600
