"""Detecting what Python runs, opens for writing or connects to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_RUNNING = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
    "webbrowser.open",
}
_CHANGING = {"os.remove", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.chmod"}

_watch: list[list[str]] = []
"""One list of events for each active watcher; an audit hook cannot be removed."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watch:
        return
    seen = ""
    if event in _RUNNING:
        seen = event
    elif event in _CHANGING:
        seen = f"{event} {arguments[0]}"
    elif event == "open":
        path, _, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if isinstance(path, (str, os.PathLike)) and writes:
            seen = f"open {os.fspath(path)}"
    if seen:
        _watch[-1].append(seen)


sys.addaudithook(_hook)


@contextmanager
def watching(*allowed: Path) -> Iterator[None]:
    """Fail if the block runs a program, connects, or changes a file outside the allowed folders.

    Calls of C++ libraries are not seen; compare the files for these.
    """
    seen: list[str] = []
    _watch.append(seen)
    try:
        yield
    finally:
        _watch.pop()
    inside = tuple(str(folder) for folder in (*allowed, "/dev/null"))
    foreign = [call for call in seen if not call.partition(" ")[2].startswith(inside)]
    assert foreign == []


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return path -> content of every file below a folder; for a link, its target."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {path.readlink()}"
        elif path.is_file():
            found[str(path)] = path.read_bytes()
    return found
