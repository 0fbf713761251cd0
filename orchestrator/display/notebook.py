"""A progress bar in the output of a notebook's cell."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

EVERY_S = 0.3
"""Seconds between two updates: each is a message to the browser."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class NotebookBar:
    """A bar with a line of text, which is redrawn in place."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown_at = 0.0

    def show(self, done: int, total: int, text: str, *, final: bool = False) -> None:
        """Show the progress and a line below, unless shown a moment ago and not `final`."""
        now = time.monotonic()
        if not final and now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        from IPython.display import HTML, display

        html = HTML(  # type: ignore[no-untyped-call]
            f'<progress value="{done}" max="{max(1, total)}" style="width: 100%"></progress>'
            f"<div>{escape(text)}</div>"
        )
        if self._handle is None:
            self._handle = display(html, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(html)
