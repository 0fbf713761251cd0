"""Drawing of many networks in separate processes.

A row is reproduced bit for bit only with the order of additions that made it, which a process
chooses once (`workers.kernel.instruction_set`). Starting a process for each row would take seconds,
so the rows of each kind of processor share a pool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.drawing.figure import draw
from analysis.drawing.files import save_drawing
from analysis.report.networks import PlottedNetwork
from analysis.retrain import InitSource, was_left_out, with_network
from search.experiment import FRESH_INIT
from storage.log.init_entries import FrozenInit, PublishedInit
from storage.results_reader import ParentRow
from workers.other_arithmetic import arithmetic_of, arithmetic_variables

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class DrawingFailed(RuntimeError):  # noqa: N818 - states the condition
    """A process that draws has died."""


@dataclass(frozen=True)
class KnownInits:
    """Stored initialisations of some rows, independent of the store.

    Attributes:
        by_token: NAME:DIGEST -> initialisation.
    """

    by_token: Mapping[str, FrozenInit | PublishedInit | ParentRow | None]

    def init(self, token: str) -> FrozenInit | PublishedInit | ParentRow | None:
        """Return an initialisation, as a reader does."""
        return self.by_token.get(token)


def draw_networks(
    networks: Sequence[PlottedNetwork],
    inits: InitSource,
    folder: Path,
    workers: int,
    report_progress: Callable[[int, int], None],
) -> dict[str, str]:
    """Draw networks into a folder, after retraining those whose weights are not stored.

    Args:
        networks: networks to draw.
        inits: reader of the rows.
        folder: existing folder.
        workers: number of processes.
        report_progress: is called with the number of networks done and their total.

    Returns:
        experiment_id -> reason, for networks that could not be trained again.

    Raises:
        DrawingFailed: a process has died.
        OSError: a drawing cannot be written.
    """
    tokens = {network.row["init"] for network in networks} - {FRESH_INIT}
    known = KnownInits({token: inits.init(token) for token in tokens})
    by_arithmetic: dict[str | None, list[PlottedNetwork]] = {}
    for network in networks:
        by_arithmetic.setdefault(_arithmetic(network.row), []).append(network)
    not_drawn: dict[str, str] = {}
    done = 0
    report_progress(done, len(networks))
    for arithmetic, group in by_arithmetic.items():
        for experiment_id, reason in _draw_group(group, arithmetic, known, folder, workers):
            done += 1
            report_progress(done, len(networks))
            if reason:
                not_drawn[experiment_id] = reason
    return not_drawn


def _arithmetic(row: Mapping[str, Any]) -> str | None:
    """Return the order of additions that made a row; None if the row need not be retrained."""
    return arithmetic_of(str(row["backend"])) if was_left_out(row) else None


def _draw_group(
    group: Sequence[PlottedNetwork],
    arithmetic: str | None,
    inits: KnownInits,
    folder: Path,
    workers: int,
) -> Iterator[tuple[str, str]]:
    """Yield (experiment_id, reason) as networks are done; the slowest are started first."""
    ordered = sorted(group, key=lambda network: -(network.row["train_ms"] or 0.0))
    pool = ProcessPoolExecutor(
        min(workers, len(ordered)),
        # A forked process would have chosen its arithmetic already, and lack its parent's threads.
        multiprocessing.get_context("spawn"),
        initializer=_ignore_interrupts,
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
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal; the main process handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_one(row: dict[str, Any], inits: KnownInits, path: Path) -> str:
    """Draw one network; return the reason if it could not be trained again, else an empty text."""
    try:
        figure = draw(with_network(row, inits))
    except ValueError as error:
        return str(error)
    save_drawing(figure, path)
    return ""
