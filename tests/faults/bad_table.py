"""A study in which some experiments kill, hang or bloat whoever reads them, each time."""

from __future__ import annotations

import ctypes
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.experiment import Experiment
from search.grid import Table
from search.study import Study

KINDS = ("ends its process", "invalid memory access", "hangs", "eats memory")

EVERY = 100
"""One experiment in so many is bad."""

CHUNK = 64 * 2**20
"""Bytes that are taken, and written to, at a time."""


def kind_of(index: int) -> str | None:
    """What is bad about an experiment; None where nothing is."""
    return KINDS[index // EVERY % len(KINDS)] if index % EVERY == EVERY // 2 else None


@dataclass(frozen=True)
class BadTable(Table):
    """A table that does what `kind_of` says to the process of a worker that reads a row.

    Each time is noted in a folder first. The driver, which reads some rows to learn what a task
    costs and to write the rows of failed ones, goes by all of it.
    """

    folder: str = ""
    driver: int = 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        kind = None if os.getpid() == self.driver else kind_of(index)
        if kind is not None:
            with (Path(self.folder) / "tried").open("a") as log:
                log.write(f"{index}\n")
            _do(kind)
        return super().__getitem__(index)


def _do(kind: str) -> None:
    if kind == "ends its process":
        os._exit(3)
    if kind == "invalid memory access":
        ctypes.string_at(0)
    if kind == "hangs":
        time.sleep(24 * 3600)
    eaten = []
    while True:
        eaten.append(bytearray(CHUNK))


def bad_study(count: int, epochs: int, folder: Path) -> Study:
    """A study of so many experiments, one in `EVERY` of them bad for all but this process."""
    rows = tuple((0.1 * (n + 1) / count,) for n in range(count))
    base = Experiment(structure=(2, 2, 1), epochs=epochs)
    return Study("bad", "for tests", BadTable(("lr",), rows, str(folder), os.getpid()), base)


def tries(folder: Path) -> Counter[int]:
    """How often each bad experiment was begun, in whatever task."""
    file = folder / "tried"
    return Counter(map(int, file.read_text().split())) if file.exists() else Counter()
