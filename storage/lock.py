"""The lock that makes one process the writer of a store."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import stat
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import Holder, StoreLocked, StoreMoved, WriteFailed
from storage.paths import StorePaths
from storage.safe_open import read_regular

_NAME_WAIT_S = 1.0


class StoreLock:
    """An exclusive lock on a store; taking it never waits.

    The lock is flock's, so the kernel frees it however its holder dies. The content of the file
    only names the holder for the message to others. The lock also holds the store's folders, which
    must exist, open, so that `check` can tell them from folders that have taken their place since.

    Raises:
        StoreLocked: another process holds the lock.
        StoreMoved: the store was moved away while the lock was taken.
        WriteFailed: the lock or a folder could not be opened.
    """

    def __init__(self, paths: StorePaths, command: str) -> None:
        self._lock = paths.lock
        self._opened: dict[Path, int] = {}
        try:
            self._open_lock(paths)
            for folder in (paths.root, *paths.folders):
                self._open(folder, os.O_RDONLY | os.O_DIRECTORY)
            self.check()
            self._write_holder(command)
        except BaseException:
            self._close_all()
            raise

    def check(self) -> None:
        """Raise StoreMoved unless the store's path still leads to what was opened."""
        for path, descriptor in self._opened.items():
            try:
                same = os.path.samestat(os.stat(path), os.fstat(descriptor))
            except OSError as error:
                raise StoreMoved(path) from error
            if not same:
                raise StoreMoved(path)

    def close(self) -> None:
        """Free the lock; a second call does nothing."""
        try:
            if self._lock in self._opened:
                with suppress(OSError):  # the name in the file is for messages only
                    os.ftruncate(self._opened[self._lock], 0)
        finally:
            self._close_all()

    def _open_lock(self, paths: StorePaths) -> None:
        # The file is emptied below, so a link must not be followed. Its permissions follow the
        # umask, so that the members of a group can share a store.
        descriptor = self._open(
            paths.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666
        )
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WriteFailed("open", paths.lock, OSError(errno.EINVAL, "not a regular file"))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            # The holder writes its name a moment after it takes the lock.
            deadline = time.monotonic() + _NAME_WAIT_S
            while (holder := current_holder(paths)) is None and time.monotonic() <= deadline:
                time.sleep(0.02)
            raise StoreLocked(paths.root, holder) from error
        except OSError as error:
            raise WriteFailed("lock", paths.lock, error) from error

    def _open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        # Python sets O_CLOEXEC: a worker that outlives this process must not keep the lock.
        try:
            self._opened[path] = os.open(path, flags, mode)
        except OSError as error:
            raise WriteFailed("open", path, error) from error
        return self._opened[path]

    def _close_all(self) -> None:
        """Close everything, the lock first."""
        while self._opened:
            descriptor = self._opened.pop(next(iter(self._opened)))
            with suppress(OSError):  # it is closed, whatever the disk reports
                os.close(descriptor)

    def _write_holder(self, command: str) -> None:
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        holder = Holder(os.getpid(), platform.node(), command, since)
        try:
            os.ftruncate(self._opened[self._lock], 0)
            os.pwrite(self._opened[self._lock], json.dumps(asdict(holder)).encode(), 0)
        except OSError as error:
            raise WriteFailed("write", self._lock, error) from error


def current_holder(paths: StorePaths) -> Holder | None:
    """Return the process that holds the lock, by the name in its file; None if it is free.

    The lock itself is not touched, because trying it would get in a writer's way.
    """
    try:
        fields = json.loads(read_regular(paths.lock))
        holder = Holder(
            int(fields["pid"]), str(fields["host"]), str(fields["command"]), str(fields["since"])
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    # A killed process leaves its name; the present holder may not have written its own yet.
    return holder if holder.host != platform.node() or _is_alive(holder.pid) else None


def _is_alive(pid: int) -> bool:
    # Importing psutil for it would take as long as the rest of the storage package.
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's process
        return True
    return True
