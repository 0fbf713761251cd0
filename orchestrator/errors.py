"""Mistakes that are the user's to mend: shown as one message, without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """What was wrong, where, and what to do."""


class NoWorkerError(UserError):
    """No worker can start; the log of the run has what the workers said, in full."""
