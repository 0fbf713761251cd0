"""How this program was called: for the store, and for its user, who is to call it again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "sparsest"


def command_line() -> str:
    """The command line as a store keeps it, wherever the program lies on this machine."""
    return shlex.join([NAME, *sys.argv[1:]])


def program() -> str:
    """What to type for this program here, quoted for a shell.

    Its name where a shell finds it by that; else its path as it was called, such as
    .venv/bin/sparsest after `make demo`. Started in another way, as by `python -m`, it is its name.
    """
    called = Path(sys.argv[0])
    if called.name != NAME or os.sep not in sys.argv[0] or not called.exists():
        return NAME
    found = shutil.which(NAME)
    if found is not None and called.samefile(found):
        return NAME
    return shlex.quote(sys.argv[0])


def as_called(command: str) -> str:
    """A command line of this program, as it can be typed here.

    Args:
        command: as `command_line` gives it.
    """
    return program() + command.removeprefix(NAME)
