"""Errors that the user can fix: shown as one message, without a traceback."""

from __future__ import annotations

from search.process_state import error_text


class UserError(Exception):
    """What is wrong, where, and what to do."""


class NoWorkerError(UserError):
    """No worker can start; the run's log has the workers' messages in full."""


def describe_error(error: BaseException) -> str:
    """Return type and message of an error, and the line of a plug-in that raised it.

    Its `__str__` may be the plug-in's and raise an error too.
    """
    name = type(error).__name__
    try:
        return error_text(error)
    except Exception as second:
        return f"{name}, whose message cannot be shown ({type(second).__name__})"
