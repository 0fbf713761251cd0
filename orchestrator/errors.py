"""Errors that the user can fix: shown as one message, without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """What is wrong, where, and what to do."""


class NoWorkerError(UserError):
    """No worker can start; the run's log has the workers' messages in full."""
