"""A model of a file system: what a power loss leaves of a store's folders.

A `Recorder` replaces `os` where a store is written. It does everything except waiting for the
disk, and records what was done. A `Disk` replays these events and generates what a power loss may
leave of them under the POSIX standard, and no better:

- a file has its content at its last synchronisation; of later writes it may have all,
  some of the bytes, zeros in their place, or nothing;
- a name refers to what it referred to when its folder was last synchronised; each later change of
  a name may have reached the disk or not, independently of all others;
- the order in which files and folders were written means nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STORAGE = Path(__file__).resolve().parents[2] / "storage"

Site = tuple[str, ...]
"""Call path to an fsync in storage/: FILE:LINE of the call, then of its callers up to the first one
outside durable.py."""

Tree = dict[str, bytes | None]
"""Remaining files: path below the home folder -> content; None for a folder."""

HOME = 0
"""Number of the home folder; all other files and folders have larger ones."""


class Killed(BaseException):
    """The process ends here: no handler of errors runs."""


@dataclass(frozen=True)
class Wrote:
    """Bytes were added to the end of a file."""

    file: int
    data: bytes


@dataclass(frozen=True)
class Named:
    """A name in a folder now refers to a file or folder; None if it was removed."""

    folder: int
    name: str
    file: int | None
    is_folder: bool = False


@dataclass(frozen=True)
class Synced:
    """The content of a file, or the names in a folder, were made durable."""

    file: int
    site: Site


@dataclass(frozen=True)
class Damaged:
    """A file was changed from outside, durably."""

    file: int
    data: bytes


@dataclass(frozen=True)
class Promised:
    """Facts that must survive any later power loss, and facts that may."""

    certain: frozenset[Any]
    possible: frozenset[Any]


Event = Wrote | Named | Synced | Damaged | Promised


class Recorder:
    """An `os` that records every change below a folder.

    Args:
        home: the folder; it exists, and its own name is durable.
        kill_at: number of the call before which the process ends, from 0; -1 for never.
    """

    def __init__(self, home: Path, kill_at: int = -1) -> None:
        self.events: list[Event] = []
        self.calls = 0
        self._home = home
        self._kill_at = kill_at
        self._numbers: dict[Path, int] = {home: HOME}
        self._made = HOME
        self._descriptors: dict[int, Path] = {}

    def next_process(self, kill_at: int = -1) -> Recorder:
        """Return the `os` of the next process, which continues these events."""
        heir = Recorder(self._home, kill_at)
        heir.events, heir._numbers, heir._made = [*self.events], {**self._numbers}, self._made
        return heir

    def find(self, path: Path) -> None:
        """Register an existing file or folder, after the folder that it is in."""
        self._name(path, self._new(), is_folder=path.is_dir())

    def promise(self, certain: set[Any], possible: set[Any]) -> None:
        """Record what is stored now, and what is about to be stored or removed."""
        self.events.append(Promised(frozenset(certain), frozenset(possible)))

    def damage(self, path: Path, data: bytes) -> None:
        """Change a file from outside."""
        path.chmod(0o644)
        path.write_bytes(data)
        self.events.append(Damaged(self._numbers[path], data))

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        self._count()
        descriptor = os.open(path, flags, mode)
        self._descriptors[descriptor] = path
        if flags & os.O_CREAT:
            self._name(path, self._new())
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        self._count()
        written = os.write(descriptor, data)
        number = self._numbers[self._descriptors[descriptor]]
        self.events.append(Wrote(number, bytes(data[:written])))
        return written

    def fsync(self, descriptor: int) -> None:
        self._count()
        path = self._descriptors[descriptor]
        if path in self._numbers:  # not a folder above the home
            self.events.append(Synced(self._numbers[path], _site()))

    def close(self, descriptor: int) -> None:
        self.calls += 1
        del self._descriptors[descriptor]
        os.close(descriptor)

    def mkdir(self, path: Path) -> None:
        self._count()
        os.mkdir(path)
        self._name(path, self._new(), is_folder=True)

    def link(self, source: Path, target: Path) -> None:
        self._count()
        os.link(source, target)
        self._name(target, self._numbers[source])

    def unlink(self, path: Path) -> None:
        self._count()
        os.unlink(path)
        self._name(path, None)

    def replace(self, source: Path, target: Path) -> None:
        self._count()
        os.replace(source, target)
        self._name(target, self._numbers[source])
        self._name(source, None)

    def _count(self) -> None:
        """Count a call; a killed process makes no more calls."""
        if 0 <= self._kill_at <= self.calls:
            raise Killed
        self.calls += 1

    def _new(self) -> int:
        self._made += 1
        return self._made

    def _name(self, path: Path, number: int | None, is_folder: bool = False) -> None:
        if path.parent not in self._numbers:
            self.find(path.parent)  # a scratch folder, which `tempfile` makes without this `os`
        self.events.append(Named(self._numbers[path.parent], path.name, number, is_folder))
        if number is None:
            del self._numbers[path]
        else:
            self._numbers[path] = number


def _site() -> Site:
    """Return the calls in storage/ that led to this fsync."""
    frame = sys._getframe(2)
    site = []
    while frame.f_back is not None:
        file = Path(frame.f_code.co_filename)
        if STORAGE in file.parents:
            site.append(f"{file.relative_to(STORAGE)}:{frame.f_lineno}")
            if file.name != "durable.py":
                break
        frame = frame.f_back
    return tuple(site)


@dataclass
class _Node:
    """A file or folder, with its durable and its later content."""

    content: bytes = b""
    writes: list[bytes] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    renamings: list[tuple[str, int | None]] = field(default_factory=list)
    folder: bool = False


class Disk:
    """The events of a `Recorder`, replayed up to some moment."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {HOME: _Node(folder=True)}
        self.promised = Promised(frozenset(), frozenset())

    def play(self, event: Event) -> None:
        """Apply an event."""
        match event:
            case Wrote():
                self._node(event.file).writes.append(event.data)
            case Named():
                self._node(event.folder).renamings.append((event.name, event.file))
                if event.file is not None:
                    self._node(event.file).folder |= event.is_folder
            case Synced():
                node = self._node(event.file)
                node.content += b"".join(node.writes)
                _rename(node.names, node.renamings)
                node.writes, node.renamings = [], []
            case Damaged():
                node = self._node(event.file)
                node.content, node.writes = event.data, []
            case Promised():
                self.promised = event

    def left(self, luck: random.Random | None) -> Tree:
        """Return what a power loss leaves at this moment.

        Args:
            luck: decides what was written beyond the last synchronisation; None: nothing.
        """
        tree: Tree = {}
        self._collect(HOME, "", _Fate(luck), tree)
        return tree

    def _collect(self, number: int, path: str, fate: _Fate, tree: Tree) -> None:
        node = self._nodes[number]
        names = dict(node.names)
        _rename(names, [change for change in node.renamings if fate.keeps_name()])
        for name, child in names.items():
            below = self._nodes[child]
            if below.folder:
                tree[path + name] = None
                self._collect(child, f"{path}{name}/", fate, tree)
            else:
                tree[path + name] = below.content + fate.bytes_of(child, b"".join(below.writes))

    def _node(self, number: int) -> _Node:
        return self._nodes.setdefault(number, _Node())


class _Fate:
    """Decides which changes that were not synchronised have reached the disk."""

    def __init__(self, luck: random.Random | None) -> None:
        self._luck = luck
        self._share = 0.0 if luck is None else luck.choice((0.1, 0.5, 0.9))
        self._bytes: dict[int, bytes] = {}

    def keeps_name(self) -> bool:
        return self._luck is not None and self._luck.random() < self._share

    def bytes_of(self, number: int, data: bytes) -> bytes:
        """Return the surviving bytes of a file; they are the same under all of its names."""
        if number not in self._bytes:
            self._bytes[number] = self._some(data)
        return self._bytes[number]

    def _some(self, data: bytes) -> bytes:
        if self._luck is None or not data:
            return b""
        written = self._luck.randrange(len(data) + 1)
        return self._luck.choice(
            (
                b"",
                data,
                data[:written],
                bytes(len(data)),
                data[:written] + bytes(len(data) - written),
            )
        )


def _rename(names: dict[str, int], changes: list[tuple[str, int | None]]) -> None:
    for name, number in changes:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number


class Remains:
    """A folder in which one tree after another is written.

    Only the differences are written, because most trees resemble the one before.

    Args:
        home: the folder; it exists, and is empty.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._there: Tree = {}

    def lay_out(self, tree: Tree) -> None:
        """Make the folder hold this tree, in which folders come before their contents."""
        for path, content in reversed(self._there.items()):
            if path not in tree:
                remove = Path.rmdir if content is None else Path.unlink
                remove(self.home / path)
        for path, content in tree.items():
            if path in self._there and self._there[path] == content:
                continue
            if content is None:
                (self.home / path).mkdir()
            else:
                (self.home / path).write_bytes(content)
        self._there = tree

    def clear(self) -> None:
        """Empty the folder, after something else was written there."""
        shutil.rmtree(self.home)
        self.home.mkdir()
        self._there = {}
