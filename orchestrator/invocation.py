"""The command line of this process: as the store records it, and as the user can type it again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NAME = "sparsest"
LIMIT = "--limit"


@dataclass(frozen=True)
class Invocation:
    """A command of this program with its words.

    Attributes:
        words: the words after the program's name, without `--limit` and its value.
        limit: value of `--limit`; None if it was not given.
        recorded: the command line as the store records it, independent of where the program is
            installed.
    """

    words: tuple[str, ...]
    limit: int | None = None
    recorded: str = NAME

    @classmethod
    def current(cls) -> Self:
        """Return the invocation of this process."""
        return cls.parse(sys.argv[1:])

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Self:
        """Separate the limit from the other words of a command that has been accepted."""
        words: list[str] = []
        limit = None
        rest = iter(arguments)
        for word in rest:
            if word == LIMIT:
                limit = int(next(rest))
            elif word.startswith(f"{LIMIT}="):
                limit = int(word.removeprefix(f"{LIMIT}="))
            else:
                words.append(word)
        return cls(tuple(words), limit, shlex.join([NAME, *arguments]))

    def to_train_all(self) -> str:
        """Return the command that trains everything that is left, whatever the limit was."""
        return _typed(self.words)

    def to_resume(self, trained: int) -> str:
        """Return the command that does the rest of this one.

        The experiments trained so far count towards the limit. Once it is reached, the rest is
        everything that is left.
        """
        if self.limit is None or trained >= self.limit:
            return self.to_train_all()
        return _typed([*self.words, LIMIT, str(self.limit - trained)])


def program() -> str:
    """Return what the user types to start this program, quoted for a shell.

    This is its name if a shell finds it by that; otherwise the path by which it was called, such
    as .venv/bin/sparsest after `make demo`. Started in another way, as by `python -m`, it is the
    name.
    """
    started = Path(sys.argv[0])
    if started.name != NAME or os.sep not in sys.argv[0] or not started.exists():
        return NAME
    on_path = shutil.which(NAME)
    if on_path is not None and started.samefile(on_path):
        return NAME
    return shlex.quote(sys.argv[0])


def show_row(experiment_id: str, store: Path) -> str:
    """Return the command that shows a row of a store."""
    sql = f"SELECT * FROM results WHERE experiment_id = '{experiment_id}'"
    return f'{program()} query "{sql}" --format json --store {shlex.quote(str(store))}'


def _typed(words: Sequence[str]) -> str:
    return f"{program()} {shlex.join(words)}"
