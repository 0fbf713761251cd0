"""Mistakes that are the user's to mend: shown as one message, without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """What was wrong, where, and what to do."""
