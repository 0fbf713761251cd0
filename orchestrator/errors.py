"""Errors that the user can fix: shown as one message, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.process_state import error_text


class UserError(Exception):
    """A mistake of the user: what is wrong, where, and what to do.

    Example:
        >>> import sparsest
        >>> far = sparsest.Dataset.of("far", [[0, 0], [9, 9]], [0, 1])
        >>> try:
        ...     sparsest.train("snip", width=4, target_nnz=16, dataset=far, batch_size=2)
        ... except sparsest.UserError as error:
        ...     print(error)
        data set 'far' ...: feature x1 has mean 4.5 and variance 20.25, expected 0 and 1; ...
    """


class NoWorkerError(UserError):
    """No worker can start; the run's log has the workers' messages in full."""


@contextmanager
def user_errors(
    context: str = "",
    *others: type[Exception],
    reading: Path | None = None,
    writing: Path | None = None,
) -> Iterator[None]:
    """Raise errors in the block as a `UserError` with their text.

    Args:
        context: start of the message, such as "--dataset: ".
        others: types of errors besides ValueError.
        reading: file that the block reads; errors of the system are then included.
        writing: the same for a file or folder that it writes.
    """
    refused: tuple[type[Exception], ...] = (ValueError, *others)
    try:
        yield
    except refused as error:
        raise UserError(f"{context}{error}") from error
    except OSError as error:
        if reading is writing is None:
            raise
        # Errors of this project's checks have no strerror; their text is a sentence.
        action = f"cannot read {reading}" if writing is None else f"cannot write {writing}"
        raise UserError(f"{action}: {error.strerror}" if error.strerror else str(error)) from error


def describe_error(error: BaseException) -> str:
    """Return type and message of an error, and the line of a plug-in that raised it.

    Its `__str__` may be the plug-in's and raise an error too.
    """
    name = type(error).__name__
    try:
        return error_text(error)
    except Exception as second:
        return f"{name}, whose message cannot be shown ({type(second).__name__})"
