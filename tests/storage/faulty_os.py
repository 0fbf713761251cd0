"""An `os` for `storage.durable` that counts the calls of a store's writer and changes one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from storage import durable


class Crash(BaseException):
    """The process ends here: no handler of errors runs."""


class FaultyOs:
    """Forwards to `os`, except for one call.

    Nothing is really synchronised: these tests depend on what the kernel knows, and waiting for
    the disk would take most of their time.

    Args:
        at: number of the call to change, from 0; -1 for none.
        fault: called instead, with the function and its arguments.
    """

    CALLS = ("open", "write", "fsync", "close", "link", "unlink", "mkdir", "ftruncate", "pwrite")

    def __init__(self, at: int, fault: Callable[..., Any]) -> None:
        self.calls: list[str] = []
        self._at = at
        self._fault = fault

    @property
    def reached(self) -> bool:
        """Whether there were enough calls to reach the changed one."""
        return len(self.calls) > self._at

    def __getattr__(self, name: str) -> Any:
        real = _no_fsync if name == "fsync" else getattr(os, name)
        if name not in self.CALLS:
            return real

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) == self._at + 1:
                return self._fault(real, *arguments)
            return real(*arguments)

        return call


def _no_fsync(descriptor: int) -> None:
    os.fstat(descriptor)  # an error for a closed one, like the real call


def crash_before(real: Callable[..., Any], *arguments: Any) -> Any:
    """The process ends before the call; the kernel closes what it had open."""
    if real is os.close:
        real(*arguments)
    raise Crash


def crash_torn(real: Callable[..., Any], *arguments: Any) -> Any:
    """The process ends in the middle of the call, if it is one that writes."""
    if real is os.write:
        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
    crash_before(real, *arguments)


def disk_full(real: Callable[..., Any], *arguments: Any) -> Any:
    """The call fails because the disk is full; a write writes half, a file is closed."""
    if real is os.write:
        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
    if real is os.close:
        real(*arguments)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def disk_broken(real: Callable[..., Any], *arguments: Any) -> Any:
    """The call takes effect and then fails with an input/output error."""
    real(*arguments)
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def short_write(real: Callable[..., Any], *arguments: Any) -> Any:
    """A write writes one byte; every other call works."""
    if real is os.write:
        return real(arguments[0], arguments[1][:1])
    return real(*arguments)


@contextmanager
def one_call_changed(
    monkeypatch: pytest.MonkeyPatch, at: int, fault: Callable[..., Any]
) -> Iterator[FaultyOs]:
    """Change one call of the writers of this process; see `FaultyOs`."""
    faulty = FaultyOs(at, fault)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "os", faulty)
        yield faulty
