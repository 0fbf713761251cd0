"""The command line with which a run goes on that has stopped."""

from __future__ import annotations

import shlex

LIMIT = "--limit"


def without_limit(command: str) -> str:
    """The same command for everything that is left: repeated, --limit N would train N more."""
    kept: list[str] = []
    words = iter(shlex.split(command))
    for word in words:
        if word == LIMIT:
            next(words, None)
        elif not word.startswith(f"{LIMIT}="):
            kept.append(word)
    return shlex.join(kept)


def with_rest(command: str, limit: int | None, trained: int) -> str:
    """The same command for what is left of its --limit, or of everything where nothing is.

    Args:
        command: the command line.
        limit: experiments that it was to train at most; None for all.
        trained: those of them that it has trained.
    """
    if limit is None:
        return command
    rest = [LIMIT, str(limit - trained)] if trained < limit else []
    return shlex.join([*shlex.split(without_limit(command)), *rest])
