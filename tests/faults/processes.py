"""The processes that a program has started, directly or not, alive or orphaned. Linux only."""

from __future__ import annotations

import os
import resource
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK = "SPARSEST_FAULTS_MARK"
"""Environment variable with the mark of the processes that a campaign starts.

A mark is a limit on the CPU time of a process with real-time priority, in microseconds. No process
here has that priority, all inherit the limit, and it survives changes of a process's name and
environment, as Ray's agents make. Adopting orphans would find them too, but a worker of Ray notices
the death of its raylet only if process 1 becomes its parent."""

DYING_S = 60.0
"""Seconds in which a killed process must be gone, on a busy machine."""


@dataclass(frozen=True)
class Process:
    """One process at one moment.

    Attributes:
        pid: process id.
        parent: process id of its parent.
        name: its command line, or the title it has set.
        dead: True for a zombie.
    """

    pid: int
    parent: int
    name: str
    dead: bool


def new_mark() -> str:
    """Return a new mark: years of CPU time with random low digits."""
    return str(2**50 + secrets.randbelow(2**50))


def mark() -> None:
    """Mark this process and those that it starts, with its parent's mark if that has set one."""
    chosen = int(os.environ.setdefault(MARK, new_mark()))
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (chosen, hard))


def started(mark: str | None = None) -> list[Process]:
    """Return the living processes with a mark, except this one.

    Args:
        mark: the mark; None for this process's.
    """
    wanted = mark or os.environ[MARK]
    found = []
    for process in _all():
        if process.pid == os.getpid() or process.dead:
            continue
        try:
            limits = Path(f"/proc/{process.pid}/limits").read_text()
        except OSError:
            continue  # it has just ended, or belongs to another user
        if wanted in limits.split():
            found.append(process)
    return found


def _all() -> list[Process]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, parent = (folder / "stat").read_text().rpartition(") ")[2].split()[:2]
            name = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        found.append(Process(int(folder.name), int(parent), name.strip(), state == "Z"))
    return found


def descendants(root: int) -> list[Process]:
    """Return the living descendants of a process."""
    children: dict[int, list[Process]] = {}
    for process in _all():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return [process for process in found if not process.dead]


def is_trainer(process: Process) -> bool:
    """Return whether it is an actor: Ray names the process after the class."""
    return process.name.startswith("ray::TrainingWorker")


def is_busy(process: Process) -> bool:
    """Return whether it is one of Ray's two servers, or an actor that trains.

    Other processes of a dead run, such as a starting actor or a node's two agents, look for the
    dead servers for a minute and then end.
    """
    return (
        "/gcs/gcs_server " in process.name
        or "/raylet/raylet " in process.name
        or process.name.startswith("ray::TrainingWorker.")
    )


def seconds_until(
    true: Callable[[], bool], patience_s: float, look_every_s: float = 0.05
) -> float | None:
    """Return the seconds until a condition holds; None if it does not within `patience_s`."""
    start = time.monotonic()
    while not true():
        if time.monotonic() > start + patience_s:
            return None
        time.sleep(look_every_s)
    return time.monotonic() - start


def end_started(mark: str | None = None) -> None:
    """Kill all processes with a mark, even frozen ones, and wait until they are gone.

    Args:
        mark: the mark; None for this process's.

    Raises:
        TimeoutError: a process is not gone in time.
    """

    def gone() -> bool:
        # Listed again each time, for processes that were just being started.
        found = started(mark)
        send([process.pid for process in found], signal.SIGKILL)
        return not found

    if seconds_until(gone, DYING_S) is None:
        raise TimeoutError(f"killed, but not gone: {started(mark)}")


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may have ended."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
