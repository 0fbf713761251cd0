"""Numbers as people read them."""

from __future__ import annotations


def human_bytes(count: float) -> str:
    """Bytes with a decimal unit: 1.2 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def human_hours(hours: float) -> str:
    """Hours with two digits where it matters: 0.03, 1.7, 12."""
    return f"{hours:.2f}" if hours < 1 else f"{hours:,.1f}"


def human_seconds(seconds: float) -> str:
    """Seconds, minutes or hours: 42 s, 3.5 min, 2.1 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
