"""The lock that makes one process the writer of a store."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import Holder, StoreLocked, WriteFailed
from storage.paths import StorePaths

_NAME_WAIT_S = 1.0


class StoreLock:
    """An exclusive lock, taken at once or refused.

    It is flock's, so the kernel frees it however its holder dies. The file's content only names
    the holder for the message to others; nothing is decided by it.

    Args:
        paths: of the store, whose folder exists.
        command: what this process was started as.

    Raises:
        StoreLocked: another process holds it.
        WriteFailed: the file could not be opened.
    """

    def __init__(self, paths: StorePaths, command: str) -> None:
        try:
            # Python opens it so that programs started by this process do not inherit it: a worker
            # that outlives its driver would keep the lock. It is emptied below: a link could lead
            # to somebody's file.
            self._descriptor: int | None = os.open(
                paths.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644
            )
        except OSError as error:
            raise WriteFailed("open", paths.lock, error) from error
        try:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreLocked(paths.root, _await_holder(paths.lock)) from error
            except OSError as error:
                raise WriteFailed("lock", paths.lock, error) from error
            self._write_holder(paths.lock, command)
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Frees the lock; a second call does nothing."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            with suppress(OSError):  # the name in the file is for messages only
                os.ftruncate(descriptor, 0)
        finally:
            with suppress(OSError):  # it is closed, and the lock free, whatever the disk says
                os.close(descriptor)

    def _write_holder(self, path: Path, command: str) -> None:
        assert self._descriptor is not None
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        holder = Holder(os.getpid(), platform.node(), command, since)
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode(), 0)
        except OSError as error:
            raise WriteFailed("write", path, error) from error


def current_holder(paths: StorePaths) -> Holder | None:
    """Who holds the lock, by the name left in its file; None where it is free.

    The lock itself is not touched: a reader that tried it would stand in a writer's way.
    """
    return _read_holder(paths.lock)


def _await_holder(path: Path) -> Holder | None:
    """The holder's name, which it writes a moment after it takes the lock."""
    deadline = time.monotonic() + _NAME_WAIT_S
    while True:
        holder = _read_holder(path)
        if holder is not None or time.monotonic() > deadline:
            return holder
        time.sleep(0.02)


def _read_holder(path: Path) -> Holder | None:
    try:
        fields = json.loads(path.read_bytes())
        holder = Holder(int(fields["pid"]), fields["host"], fields["command"], fields["since"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    # A name left behind by a killed process is not that of the present holder, who has yet to
    # write its own.
    return holder if holder.host != platform.node() or _is_alive(holder.pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it exists, and belongs to somebody else
    return True
