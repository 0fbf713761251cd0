"""Ctrl-C and SIGTERM: the first one stops a run in an orderly way, the second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class Terminated(KeyboardInterrupt):
    """SIGTERM; differs from Ctrl-C by the exit code."""


def exit_code(number: signal.Signals) -> int:
    """Return the exit code of a command that a signal has stopped, as shells define it."""
    return 128 + number


def interruption(number: int) -> KeyboardInterrupt:
    """Return the exception for a signal that stops a command at once."""
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def exit_on_signals() -> None:
    """Let SIGINT and SIGTERM end the process at once, until `raise_on_signals`.

    For the first second of a command: an exception inside an import ends in a traceback, and
    nothing has been done that would have to be undone.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in a shell's background job
            signal.signal(number, _exit_at_once)


def raise_on_signals() -> None:
    """Raise `KeyboardInterrupt` on SIGINT and `Terminated` on SIGTERM, after `exit_on_signals`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _exit_at_once:
            signal.signal(number, _raise)


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(exit_code(signal.Signals(number)))


def _raise(number: int, frame: FrameType | None) -> None:
    raise interruption(number)


@contextmanager
def resumable() -> Iterator[None]:
    """Add to an interruption that the same command resumes."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise type(error)("the same command resumes where it stopped") from error


class StopRequest:
    """While entered, SIGINT and SIGTERM set `received`; a second one raises KeyboardInterrupt.

    Outside of the main thread, which alone receives signals, it does nothing.

    At the first signal, `announce` is called and `received` is set, which is None before.
    """

    def __init__(self, announce: Callable[[], None]) -> None:
        self.received: signal.Signals | None = None
        self._announce = announce
        self._handlers: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """True after the first signal."""
        return self.received is not None

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise interruption(number)
        self.received = signal.Signals(number)
        self._announce()
