"""Drawing many networks, in processes of their own.

A row comes out bit for bit only in the order of additions that made it, which a process chooses
once (`workers.kernel.instruction_set`). A process for each row would take seconds to begin, so the
rows of each kind of processor get a few that draw them all.
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
from storage.log.inits import FrozenInit
from storage.published.note import PublishedInit
from workers.other_arithmetic import arithmetic_of, arithmetic_variables

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class DrawingFailed(RuntimeError):  # noqa: N818 - the name says what is the case
    """A process that draws was lost."""


@dataclass(frozen=True)
class KnownInits:
    """The stored initialisations that some rows start from, without the store.

    Attributes:
        by_token: NAME:DIGEST -> initialisation.
    """

    by_token: Mapping[str, FrozenInit | PublishedInit | None]

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """As the readers have it."""
        return self.by_token.get(token)


def draw_networks(
    networks: Sequence[PlottedNetwork],
    inits: InitSource,
    folder: Path,
    workers: int,
    tell: Callable[[int, int], None],
) -> dict[str, str]:
    """Draws networks into a folder, training those again whose weights are not stored.

    Args:
        networks: those to draw.
        inits: the reader of the rows.
        folder: is there.
        workers: processes.
        tell: is told how many are done, and of how many.

    Returns:
        experiment_id -> why there is no drawing, for those that could not be trained again.

    Raises:
        DrawingFailed: a process was lost.
        OSError: a drawing cannot be written.
    """
    tokens = {network.row["init"] for network in networks} - {FRESH_INIT}
    known = KnownInits({token: inits.init(token) for token in tokens})
    by_arithmetic: dict[str | None, list[PlottedNetwork]] = {}
    for network in networks:
        by_arithmetic.setdefault(_arithmetic(network.row), []).append(network)
    not_drawn: dict[str, str] = {}
    done = 0
    tell(done, len(networks))
    for arithmetic, group in by_arithmetic.items():
        for experiment_id, reason in _drawn(group, arithmetic, known, folder, workers):
            done += 1
            tell(done, len(networks))
            if reason:
                not_drawn[experiment_id] = reason
    return not_drawn


def _arithmetic(row: Mapping[str, Any]) -> str | None:
    """The order of additions that made a row; None where that is no question."""
    return arithmetic_of(str(row["backend"])) if was_left_out(row) else None


def _drawn(
    group: Sequence[PlottedNetwork],
    arithmetic: str | None,
    inits: KnownInits,
    folder: Path,
    workers: int,
) -> Iterator[tuple[str, str]]:
    """Pairs of experiment_id and reason, as they are done; the dearest are begun first."""
    ordered = sorted(group, key=lambda network: -(network.row["train_ms"] or 0.0))
    pool = ProcessPoolExecutor(
        min(workers, len(ordered)),
        # A fork would have chosen its arithmetic already, and share threads that it does not have.
        multiprocessing.get_context("spawn"),
        initializer=_leave_interrupts_to_the_first,
    )
    try:
        futures: dict[Future[str], str] = {}
        # Processes begin as tasks are handed in, and read these before anything else.
        with _environment(dict.fromkeys(_THREADS, "1") | arithmetic_variables(arithmetic)):
            for one in ordered:
                future = pool.submit(_draw_one, dict(one.row), inits, folder / one.file)
                futures[future] = one.row["experiment_id"]
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise DrawingFailed(
            "a process that draws networks was lost, perhaps for want of memory: try again with "
            "fewer of them (--workers 1)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes that are begun meanwhile; this one has read them long ago."""
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


def _leave_interrupts_to_the_first() -> None:
    """Ctrl-C reaches every process of a terminal; the one that was started ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_one(row: dict[str, Any], inits: KnownInits, path: Path) -> str:
    """Draws one network; returns why it could not be trained again, or nothing."""
    try:
        figure = draw(with_network(row, inits))
    except ValueError as error:
        return str(error)
    save_drawing(figure, path)
    return ""
