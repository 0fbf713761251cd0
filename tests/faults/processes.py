"""The processes that a program has started, also when those between have died. Linux only."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK = "SPARSEST_FAULTS_MARK"
"""Environment variable that a campaign gives to all that it starts. To adopt orphans would tell
them as well, but a worker of Ray takes its raylet for dead only when process 1 is its parent."""

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
    """A value of `MARK` that nothing has."""
    return secrets.token_hex(8)


def mark() -> None:
    """From now on `started` knows what this process starts; so does who has started it marked."""
    os.environ.setdefault(MARK, new_mark())


def started(mark: str | None = None) -> list[Process]:
    """All that carries a mark, but this process, and lives.

    Args:
        mark: None for this process's own.
    """
    wanted = f"{MARK}={mark or os.environ[MARK]}".encode()
    found = []
    for process in _all():
        if process.pid == os.getpid() or process.dead:
            continue
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue  # it has just ended, or is somebody else's
        if wanted in environment.split(b"\0"):
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


def seconds_until(true: Callable[[], bool], patience_s: float) -> float | None:
    """How long it takes until something is the case; None where it is not after `patience_s`."""
    start = time.monotonic()
    while not true():
        if time.monotonic() > start + patience_s:
            return None
        time.sleep(0.05)
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
