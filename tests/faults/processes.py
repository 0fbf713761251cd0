"""The processes that a program has started, also when those between have died. Linux only."""

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
"""Environment variable with the mark of whoever is to know what a campaign starts.

A mark is a limit on the time that a process with real-time priority may take, in microseconds: none
has that priority, everything inherits the limit, and nothing that a process does to its own name
and environment changes it, as Ray's agents do. To adopt orphans would tell them as well, but a
worker of Ray takes its raylet for dead only when process 1 is its parent."""

DYING_S = 60.0
"""How long a process that was killed may take to go, on a busy machine."""


@dataclass(frozen=True)
class Process:
    """One process at one moment.

    Attributes:
        pid: its number.
        parent: its parent's number.
        name: its command line, or what it calls itself.
        dead: whether it has ended, and only its parent has not taken note.
    """

    pid: int
    parent: int
    name: str
    dead: bool


def new_mark() -> str:
    """A mark that nothing has: years, with a random rest."""
    return str(2**50 + secrets.randbelow(2**50))


def mark() -> None:
    """From now on `started` knows what this process starts; its parent may have chosen the mark."""
    chosen = int(os.environ.setdefault(MARK, new_mark()))
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (chosen, hard))


def started(mark: str | None = None) -> list[Process]:
    """All that carries a mark, but this process, and lives.

    Args:
        mark: None for this process's own.
    """
    wanted = mark or os.environ[MARK]
    found = []
    for process in _all():
        if process.pid == os.getpid() or process.dead:
            continue
        try:
            limits = Path(f"/proc/{process.pid}/limits").read_text()
        except OSError:
            continue  # it has just ended, or is somebody else's
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
    """All that descend from a process and live."""
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
    """Whether it is an actor: Ray calls its process after its class."""
    return process.name.startswith("ray::Trainer")


def is_busy(process: Process) -> bool:
    """Whether it is a part of Ray that does anything: its two servers, or an actor that trains.

    Of a dead run's processes, an actor that was just starting and a node's two helpers ("agents")
    ask for the dead servers for a minute before they end, and do nothing else.
    """
    return (
        "/gcs/gcs_server " in process.name
        or "/raylet/raylet " in process.name
        or process.name.startswith("ray::Trainer.")
    )


def seconds_until(
    true: Callable[[], bool], patience_s: float, look_every_s: float = 0.05
) -> float | None:
    """How long it takes until something is the case; None where it is not after `patience_s`."""
    start = time.monotonic()
    while not true():
        if time.monotonic() > start + patience_s:
            return None
        time.sleep(look_every_s)
    return time.monotonic() - start


def end_started(mark: str | None = None) -> None:
    """Kills all that carries a mark, frozen or not, and waits until it is gone.

    Args:
        mark: None for this process's own.

    Raises:
        TimeoutError: something does not go.
    """

    def gone() -> bool:
        # Looked at anew each time: one that was just being started was not on the list before.
        found = started(mark)
        send([process.pid for process in found], signal.SIGKILL)
        return not found

    if seconds_until(gone, DYING_S) is None:
        raise TimeoutError(f"killed, and still there: {started(mark)}")


def send(pids: list[int], number: signal.Signals) -> None:
    """Sends a signal to processes that may have ended meanwhile."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
