"""Which statuses a run is to try again."""

from __future__ import annotations

from typing import Final

from orchestrator.errors import UserError
from storage.log.entries import Status

RETRIABLE: Final[tuple[Status, ...]] = ("failed", "diverged")
"""Statuses of rows without a trained network."""


def statuses_to_retry(text: str | None) -> tuple[Status, ...]:
    """The statuses that `--retry` names, with commas between them; none where it was not given.

    Raises:
        UserError: something else than `RETRIABLE` is named.
    """
    if text is None:
        return ()
    named = {word.strip() for word in text.split(",")}
    unknown = sorted(named - set(RETRIABLE))
    if unknown:
        raise UserError(
            f"--retry {text}: rows can be tried again by the statuses {' and '.join(RETRIABLE)}, "
            f"not by {unknown[0]!r}; `sparsest forget` removes any rows, and the next run trains "
            "their experiments again"
        )
    return tuple(status for status in RETRIABLE if status in named)
