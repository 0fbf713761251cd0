"""Statements that Ctrl-C and SIGTERM stop at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread, current_thread, main_thread
from typing import Final, TypeVar

import duckdb

_RETRY_S: Final = 0.1

_T = TypeVar("_T")


def interruptible(connection: duckdb.DuckDBPyConnection, call: Callable[[], _T]) -> _T:
    """Return the result of a call that runs a statement on a connection.

    Python runs signal handlers in the main thread, between two of its own instructions. If the
    main thread itself called DuckDB, a signal would have no effect until the statement ended.
    """
    if current_thread() is not main_thread():
        return call()
    future = start(call)
    try:
        return future.result()
    except BaseException:
        interrupt(connection, future)
        raise


def start(call: Callable[[], _T]) -> Future[_T]:
    """Make a call in another thread, which does not keep the process alive."""
    future: Future[_T] = Future()

    def complete() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=complete, daemon=True).start()
    return future


def interrupt(connection: duckdb.DuckDBPyConnection, future: Future[_T]) -> None:
    """Stop the statement that a call runs, and wait for the call to end."""
    while not future.done():
        # More than once: a statement that has not started yet does not notice.
        connection.interrupt()
        wait([future], _RETRY_S)
