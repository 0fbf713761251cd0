"""Training from Python: the commands `run` and `search`, and `train`, a sweep without a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pyarrow as pa
from rich.console import Console

from analysis.store import QueryResult, Store, open_store, rows_of_results
from orchestrator.commands.executors import DeviceChoice, ExecutorChoice, ExecutorOptions
from orchestrator.commands.options import local_argument, new_store_location
from orchestrator.commands.training import Training
from orchestrator.display.console import plain_console
from orchestrator.display.progress import ProgressDisplay, in_notebook
from orchestrator.display.store_summary import FewestWeights
from orchestrator.driver import drive
from orchestrator.executor import InlineExecutor
from orchestrator.planning.plan import make_plan
from orchestrator.planning.targets import Targets, find_targets
from orchestrator.plugins import packages_of, registered_here
from orchestrator.run_store import RunStore
from orchestrator.stopping import StopRequest
from orchestrator.strategy_search import StrategySearch, without_published
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from search.catalogue import Selection
from search.experiment import FRESH_INIT
from search.indices import IndexSet
from search.methods import method_named
from search.strategies.catalogue import check_exhaustive, strategy_named
from search.strategies.problem import Exhaustive, Strategy
from search.structure import Structure
from search.study import Study
from search.sweeps.file import study_from
from search.sweeps.keys import table_keys
from workers.datasets import Dataset
from workers.registering import register

Seeds = int | Iterable[int]
"""Numbers of replicates from 0, or their count."""


def run(
    sweep: str | Path | Mapping[str, Any],
    store: str | Path,
    *,
    limit: int | None = None,
    workers: int | None = None,
    executor: str = "auto",
    device: str = "auto",
    address: str | None = None,
    root_seed: int = 0,
    curves: bool = False,
    progress: bool | None = None,
) -> Store:
    """Train what a store lacks of a sweep, like the command `sparsest run`, and open the store.

    Runs that take a few seconds are trained in this process, others by Ray on all cores. Calling it
    again resumes: what is stored is not trained again. To interrupt it, interrupt the kernel (or
    press Ctrl-C): what is in training is finished and stored.

    Args:
        sweep: path of a sweep file, name of a study, or the content of a sweep file as a dict.
        store: folder of the store, or its address on S3; created if it does not exist.
        limit: maximum number of experiments to train; None for all.
        workers: number of workers; None for one per core.
        executor: "auto", "inline" (this process) or "ray".
        device: "auto", "cpu" or "cuda".
        address: Ray cluster to join; None for this machine.
        root_seed: seed of all random numbers.
        curves: measure loss and accuracy after every epoch.
        progress: whether to show messages and a progress bar; None for in notebooks and on
            terminals.

    Raises:
        ValueError: an option or the sweep is not valid.
        orchestrator.errors.UserError: the sweep cannot be trained here.
        storage.errors.StoreError: the store cannot be used.
        KeyboardInterrupt: it was interrupted before everything was stored.

    Example:
        >>> import sparsest
        >>> sweep = {
        ...     "name": "widths",
        ...     "replicates": 2,
        ...     "base": {"method": "snip", "epochs": 1},
        ...     "grid": {"width": [4, 5], "target_nnz": [12]},
        ... }
        >>> store = sparsest.run(sweep, store="runs/widths")
        >>> store.sql("SELECT width, count(*) AS trained FROM results GROUP BY ALL ORDER BY 1").df()
           width  trained
        0      4        2
        1      5        2
    """
    if isinstance(sweep, Mapping):
        study = study_from(sweep).with_root_seed(root_seed)
        targets, shown = [Selection.of_study(study)], repr(dict(sweep))
    else:
        targets, shown = find_targets([str(sweep)], root_seed), repr(str(sweep))
    call = f"sparsest.run({shown}, store={str(store)!r})"
    executors = _executor(executor, workers, device, address)
    _run(targets, store, call, executors, progress, limit=limit, curves=curves)
    return open_store(store)


def train(
    method: str | Sequence[str] = "search",
    *,
    dataset: str | Dataset | Sequence[str | Dataset] = "cubist-spiral",
    seeds: Seeds = 1,
    store: str | Path | None = None,
    name: str = "single",
    pair: bool = False,
    workers: int | None = None,
    curves: bool = False,
    root_seed: int = 0,
    progress: bool | None = None,
    **settings: Any,
) -> QueryResult:
    """Train every combination of some settings, and return the rows with their networks.

    Args:
        method: name of the method, or several.
        dataset: name of the data set, or a `Dataset` of yours, or several.
        seeds: numbers of the independent repetitions, such as `range(20)`, or their count.
        store: folder of a store that keeps the rows, and whose rows are not trained again; None to
            keep them in memory alone.
        name: name of the study, a part of each row's identity: the same training under another name
            has other random numbers.
        pair: whether the trainings of a repetition share their random numbers, whatever the method
            and its settings, so that `compare` can compare them.
        workers: number of workers that Ray trains with, which needs a store; None to train in this
            process, on one core.
        curves: measure loss and accuracy after every epoch.
        root_seed: seed of all random numbers.
        progress: whether to show a progress bar; None for in notebooks and on terminals.
        settings: keys of a sweep file, such as `width`, `target_nnz`, `lr`, `epochs` and
            `structure`, and hyperparameters of the method; one value or a list for each.

    Returns:
        One row per training, with all columns of the view `results`; `networks()` returns the
        networks and `df()` a data frame.

    Raises:
        ValueError: a setting is not valid.
        orchestrator.errors.UserError: a plug-in or the store cannot be used.
        Exception: without a store, whatever the method raises; with one, such a training is
            recorded as failed.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("gmp", width=4, target_nnz=[12, 16], seeds=range(2), epochs=1)
        >>> rows.df()[["method", "target_nnz", "replicate"]]
          method  target_nnz  replicate
        0    gmp          12          0
        1    gmp          16          0
        2    gmp          12          1
        3    gmp          16          1
        >>> rows.networks()[0].sizes
        (2, 4, 4, 4, 1)
    """
    sets = [dataset] if isinstance(dataset, str | Dataset) else dataset
    dataset = [_name_of(one) for one in sets]
    replicates = list(seeds if isinstance(seeds, Iterable) else range(seeds))
    if not replicates or min(replicates) < 0:
        raise ValueError(f"seeds must be whole numbers from 0, at least one, not {seeds!r}")
    methods = [method] if isinstance(method, str) else list(method)
    document = _document(methods, {"dataset": dataset, **settings})
    study = study_from({"name": name, "replicates": max(replicates) + 1, "pair": pair, **document})
    study = study.with_root_seed(root_seed)
    combinations = len(study) // (max(replicates) + 1)
    wanted = IndexSet.from_indices(
        seed * combinations + place for seed in replicates for place in range(combinations)
    )
    targets = [Selection(study, wanted)]
    if store is None:
        _refuse_workers(workers)
        return rows_of_results(trained_in_memory(targets, curves, _console(progress)))
    called = {"method": method, "dataset": dataset, "seeds": replicates, "pair": pair, **settings}
    arguments = ", ".join(f"{key}={value!r}" for key, value in called.items())
    call = f"sparsest.train({arguments}, store={str(store)!r})"
    executors = _executor("inline" if workers is None else "ray", workers, "cpu")
    _run(targets, store, call, executors, progress, curves=curves)
    with open_store(store) as opened:
        return opened.rows([study[index].experiment_id for index in wanted])


def search(
    structure: str | None = None,
    store: str | Path | None = None,
    *,
    core_hours: float,
    strategy: str | Strategy = "eliminate",
    target: float = 0.95,
    dataset: str | Dataset = "cubist-spiral",
    lr: float = 0.05,
    schedule: str = "cosine",
    epochs: int = 50,
    batch_size: int = 128,
    masks: str = "all",
    depth: int | None = None,
    from_published: bool = False,
    workers: int | None = None,
    executor: str = "auto",
    root_seed: int = 0,
    progress: bool | None = None,
) -> QueryResult:
    """Search for the sparsest network that reaches an accuracy, like `sparsest search --strategy`.

    With a store, calling it again resumes. The strategy may be a function of yours, which proposes
    experiments and receives their results (`Problem`); give it another name when you change it.

    Args:
        structure: hidden layers of the largest network, such as "7x3x3"; None for "7x7x7", or with
            `depth` for all structures.
        store: folder of the store that keeps all trainings, or its address on S3; None to search
            in this process and to keep no more than the result.
        core_hours: estimated hours of training on a reference core after which the search ends.
        strategy: name of a strategy, or its function.
        target: accuracy to reach, 0 to 1.
        dataset: name of the data set; without a store it may be a `Dataset` of yours.
        lr: learning rate.
        schedule: learning-rate schedule.
        epochs: epochs of a full training.
        batch_size: points in a step.
        masks: "all", or "distinct" to try one network after the other with `strategy="halving"`:
            each that is distinct up to the order of its hidden neurons.
        depth: with distinct masks and no structure, the hidden layers of all structures to try.
        from_published: with distinct masks, leave out every network that searches of the published
            results have tried.
        workers: as for `run`.
        executor: as for `run`.
        root_seed: seed of all random numbers.
        progress: as for `run`.

    Returns:
        The networks with the fewest weights that reached the target, the one whose training
        succeeds most often first: all columns of `results`, and reached and trainings, the
        successes of repeated trainings. No rows if none reached it.

    Raises:
        ValueError: an option is not valid.
        orchestrator.errors.UserError: nothing can be trained here.
        storage.errors.StoreError: the store cannot be used.
        KeyboardInterrupt: it was interrupted before its core-hours were over.

    Example:
        >>> import sparsest
        >>> found = sparsest.search(
        ...     "3x2", core_hours=0.0001, dataset="two-moons", target=0.8, epochs=2
        ... )
        >>> {"weight_nnz", "reached", "trainings"} <= set(found.arrow().column_names)
        True
    """
    if strategy == "enumerate":
        raise ValueError("enumerations have no core-hours: use the command `sparsest search`")
    function = strategy_named(strategy) if isinstance(strategy, str) else strategy
    name = strategy if isinstance(strategy, str) else str(getattr(strategy, "__name__", "own"))
    if masks not in ("all", "distinct"):
        raise ValueError(f"masks {masks!r} are unknown: all and distinct are allowed")
    distinct = masks == "distinct"
    if distinct and isinstance(strategy, str):
        check_exhaustive(strategy)
    if from_published and not distinct:
        raise ValueError("from_published is for masks='distinct'")
    if depth is not None and (structure is not None or not distinct):
        raise ValueError("depth is for masks='distinct' without a structure")
    _check_count("depth", depth)
    if not core_hours > 0:
        raise ValueError(f"core_hours must be above 0, not {core_hours!r}")
    if not 0 <= target <= 1:
        raise ValueError(f"target {target!r} is not an accuracy: 0 to 1 are allowed")
    full_training = {
        "structure": ["1"],  # of one network; that of the search is set below
        "dataset": [_name_of(dataset)],
        "lr": [lr],
        "schedule": [schedule],
        "epochs": [epochs],
        "batch_size": [batch_size],
    }
    study = study_from({"name": f"search-{name}", "grid": full_training}).with_root_seed(root_seed)
    largest = Structure.uniform(1, depth) if depth else Structure.parse(structure or "7x7x7")
    base = study[0].with_structure(largest)
    exhaustive = Exhaustive(any_structure=depth is not None) if distinct else None
    if exhaustive and from_published:
        exhaustive = without_published(base, exhaustive)
    arguments = f"{structure!r}, {str(store)!r}, core_hours={core_hours!r}, strategy={name!r}"
    call = f"sparsest.search({arguments}, masks={masks!r}, depth={depth!r})"
    console = _console(progress)
    with ExitStack() as stack:
        if store is None:
            _refuse_workers(workers)
            executor, folder = "inline", stack.enter_context(TemporaryDirectory())
            store = Path(folder) / "store"
        else:
            _refuse_registered([study])
        executors = _executor(executor, workers)
        with RunStore(_folder(store), call, console) as opened:
            searching = StrategySearch(
                function, base, target, 3600 * core_hours, executors, opened, exhaustive
            )
            found = searching.run()
        if searching.stopped_by is not None:
            raise KeyboardInterrupt("with a store, the same call resumes")
        ids = [candidate.trial.experiment.experiment_id for candidate in found]
        with open_store(store) as results:
            table = results.rows(ids).arrow()
    stored = table.column("experiment_id").to_pylist()
    table = table.take(pa.array([stored.index(one) for one in ids], pa.int64()))
    reached = pa.array([candidate.hits for candidate in found], pa.int64())
    trainings = pa.array([candidate.trials for candidate in found], pa.int64())
    return QueryResult(
        table.append_column("reached", reached).append_column("trainings", trainings)
    )


def _document(methods: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a sweep file with these settings."""
    keys = table_keys()
    known = {name: method_named(name).settings for name in methods}
    grid: dict[str, Any] = {"method": methods}
    tables: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        users = [name for name in methods if key in known[name]]
        if key in keys or not users:
            one = isinstance(value, str) or not isinstance(value, Iterable)
            grid[key] = [value] if one else value
        for name in users if key not in keys else ():
            tables.setdefault(name, {})[key] = value
    return {"grid": grid, **tables}


def _console(progress: bool | None) -> Console:
    """Return the console for messages, silent unless they are wanted."""
    console = plain_console(stderr=True)
    console.quiet = not (console.is_interactive or in_notebook() if progress is None else progress)
    return console


def _executor(
    executor: str, workers: int | None, device: str = "auto", address: str | None = None
) -> ExecutorOptions:
    for value, choice in ((executor, ExecutorChoice), (device, DeviceChoice)):
        allowed = get_args(choice)
        if value not in allowed:
            raise ValueError(f"{value!r} is not among the allowed values {', '.join(allowed)}")
    _check_count("workers", workers)
    choices: Any = executor, device
    return ExecutorOptions.of(choices[0], workers, choices[1], address)


def _run(
    targets: Targets,
    store: str | Path,
    call: str,
    executor: ExecutorOptions,
    progress: bool | None,
    *,
    curves: bool,
    limit: int | None = None,
) -> None:
    """Train as the command `run` does."""
    _check_count("limit", limit)
    _refuse_registered(selection.study for selection in targets)
    with RunStore(_folder(store), call, _console(progress)) as opened:
        result = Training(targets, opened, executor, limit=limit, curves=curves).run()
    if result.outcome == "interrupted":
        raise KeyboardInterrupt("the same call resumes where it stopped")


def _name_of(dataset: str | Dataset) -> str:
    """Return the name of a data set, which is registered if it is one of the user's."""
    if isinstance(dataset, str):
        return dataset
    register(dataset)
    return dataset.name


def _check_count(option: str, value: Any) -> None:
    """Refuse a number that is neither None nor a whole number from 1."""
    if value is not None and not (isinstance(value, Integral) and int(value) >= 1):
        raise ValueError(f"{option} must be a whole number from 1, or None, not {value!r}")


def _refuse_workers(workers: int | None) -> None:
    if workers is not None:
        raise ValueError("workers need a store: give store=, or leave workers out")


def _refuse_registered(studies: Iterable[Study]) -> None:
    """Refuse methods and data sets of this process, where a store is used."""
    here = registered_here(studies)
    if here:
        raise ValueError(
            f"{here[0]} cannot be used with a store, whose rows outlive the process: leave store= "
            "out, or make a package of it (`sparsest new`)"
        )


def _folder(store: str | Path) -> Path:
    """Return the folder of a store, or of the working copy of one on S3."""
    folder = local_argument(new_store_location(str(store)))
    assert isinstance(folder, Path)
    return folder


class _Rows:
    """Keeps rows in memory; the loop's `Sink`."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        self.batches.append(batch)
        return int(batch.num_rows)

    def poll(self) -> int:
        return 0


def trained_in_memory(targets: Targets, curves: bool, console: Console) -> pa.Table:
    """Train in this process; raise what a training raises, with its traceback."""
    studies = [selection.study for selection in targets]
    packages_of(studies)
    stored = sorted({init for study in studies for init in study.values("init")} - {FRESH_INIT})
    if stored:
        raise ValueError(
            f"init {stored[0]!r} is in a store: name it with store=. A network in memory is "
            "trained on with network.retrain(start='initial' or 'final')"
        )
    scheduler = TaskScheduler(make_plan(targets, None), "", None, curves=curves)
    tally, rows = Tally(scheduler.left), _Rows()
    # Not entered: an interruption ends the training at once, since nothing has to be stored.
    never = StopRequest(lambda: None)
    with (
        InlineExecutor({}, "cpu", raises=True) as executor,
        ProgressDisplay(console, tally, FewestWeights()) as display,
    ):
        drive(scheduler, executor, rows, display, never, tally)
    return pa.Table.from_batches(rows.batches).sort_by("study_index")
