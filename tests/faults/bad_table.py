"""A study with experiments that kill, hang or bloat every worker that reads them."""

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
"""Distance between two bad experiments."""

CHUNK = 64 * 2**20
"""Bytes allocated and written at a time."""


def kind_of(index: int) -> str | None:
    """Return the fault of an experiment; None if it is good."""
    return KINDS[index // EVERY % len(KINDS)] if index % EVERY == EVERY // 2 else None


@dataclass(frozen=True)
class BadTable(Table):
    """A table that inflicts the fault of `kind_of` on a worker that reads a row.

    The attempt is recorded in a file first. The driver is exempt: it reads some rows to estimate
    the cost of a task and to write the rows of failed experiments.
    """

    folder: str = ""
    driver: int = 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        kind = None if os.getpid() == self.driver else kind_of(index)
        if kind is not None:
            with _attempts_file(Path(self.folder)).open("a") as log:
                log.write(f"{index}\n")
            _do(kind)
        return super().__getitem__(index)


def _attempts_file(folder: Path) -> Path:
    return folder / "attempts"


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
    """Return a study of `count` experiments; one in `EVERY` is bad, except in this process."""
    rows = tuple((0.1 * (n + 1) / count,) for n in range(count))
    base = Experiment(structure=(2, 2, 1), epochs=epochs)
    return Study("bad", "for tests", BadTable(("lr",), rows, str(folder), os.getpid()), base)


def tries(folder: Path) -> Counter[int]:
    """Return how often each bad experiment was started, in any task."""
    file = _attempts_file(folder)
    return Counter(map(int, file.read_text().split())) if file.exists() else Counter()
