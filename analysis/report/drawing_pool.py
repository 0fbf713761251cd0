"""Drawing of many networks in separate processes.

A row is reproduced bit for bit only with the order of additions that made it, which a process
chooses once (`workers.kernel.instruction_set`). Starting a process for each row would take seconds,
so the rows of each kind of processor share a pool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.drawing.figure import draw
from analysis.drawing.files import save_drawing
from analysis.report.networks import PlottedNetwork
from analysis.retrain import Init, InitOf, was_left_out, with_network
from search.experiment import FRESH_INIT
from workers.other_arithmetic import arithmetic_of, arithmetic_variables

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class DrawingFailed(RuntimeError):  # noqa: N818 - states the condition
    """A process that draws has died."""


def draw_networks(
    networks: Sequence[PlottedNetwork],
    init_of: InitOf,
    folder: Path,
    workers: int,
    report_progress: Callable[[int, int], None],
) -> dict[str, str]:
    """Draw networks into a folder, after retraining those whose weights are not stored.

    `report_progress` is called with the number of networks done and their total.

    Returns:
        experiment_id -> reason, for networks that could not be trained again.

    Raises:
        DrawingFailed: a process has died.
        OSError: a drawing cannot be written.
    """
    tokens = {network.row["init"] for network in networks} - {FRESH_INIT}
    inits = {token: init_of(token) for token in tokens}
    # None for rows whose weights are stored.
    by_arithmetic: defaultdict[str | None, list[PlottedNetwork]] = defaultdict(list)
    for network in networks:
        row = network.row
        arithmetic = arithmetic_of(str(row["backend"])) if was_left_out(row) else None
        by_arithmetic[arithmetic].append(network)
    reasons: dict[str, str] = {}
    report_progress(0, len(networks))
    for arithmetic, group in by_arithmetic.items():
        for experiment_id, reason in _draw_group(group, arithmetic, inits, folder, workers):
            reasons[experiment_id] = reason
            report_progress(len(reasons), len(networks))
    return {experiment_id: reason for experiment_id, reason in reasons.items() if reason}


def _draw_group(
    group: Sequence[PlottedNetwork],
    arithmetic: str | None,
    inits: Mapping[str, Init],
    folder: Path,
    workers: int,
) -> Iterator[tuple[str, str]]:
    """Yield (experiment_id, reason) as networks are done; the slowest are started first."""
    ordered = sorted(group, key=lambda network: -(network.row["train_ms"] or 0.0))
    pool = ProcessPoolExecutor(
        min(workers, len(ordered)),
        # A forked process would have chosen its arithmetic already, and lack its parent's threads.
        multiprocessing.get_context("spawn"),
        # Ctrl-C reaches every process of a terminal; the main process handles it.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        futures: dict[Future[str], str] = {}
        # Submitting starts the processes, which read these variables first.
        with _environment(dict.fromkeys(_THREADS, "1") | arithmetic_variables(arithmetic)):
            for one in ordered:
                future = pool.submit(_draw_one, dict(one.row), inits, folder / one.file)
                futures[future] = one.row["experiment_id"]
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise DrawingFailed(
            "a process that draws networks died, possibly for lack of memory: try again with "
            "fewer processes (--workers 1)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes started meanwhile; this process has read them before."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


def _draw_one(row: dict[str, Any], inits: Mapping[str, Init], path: Path) -> str:
    """Draw one network; return the reason if it could not be trained again, else an empty text."""
    try:
        figure = draw(with_network(row, inits.get))
    except ValueError as error:
        return str(error)
    save_drawing(figure, path)
    return ""
