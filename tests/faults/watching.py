"""Catching hostile input in the act: what Python runs, opens for writing or connects to."""

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
"""The lists of those who watch at the moment; the hook itself can never be taken away."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watch:
        return
    said = ""
    if event in _RUNNING:
        said = event
    elif event in _CHANGING:
        said = f"{event} {arguments[0]}"
    elif event == "open":
        path, _, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if isinstance(path, (str, os.PathLike)) and writes:
            said = f"open {os.fspath(path)}"
    if said:
        _watch[-1].append(said)


sys.addaudithook(_hook)


@contextmanager
def watching(*allowed: Path) -> Iterator[None]:
    """Fails the test where something inside is run, or changed outside the allowed folders.

    What libraries in C++ do is not seen: look at the files for that.
    """
    seen: list[str] = []
    _watch.append(seen)
    try:
        yield
    finally:
        _watch.pop()
    inside = tuple(str(folder) for folder in (*allowed, "/dev/null"))
    foreign = [said for said in seen if not said.partition(" ")[2].startswith(inside)]
    assert foreign == []


def contents(folder: Path) -> dict[str, bytes | str]:
    """Path -> content of every file below a folder; links by where they lead."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {path.readlink()}"
        elif path.is_file():
            found[str(path)] = path.read_bytes()
    return found
