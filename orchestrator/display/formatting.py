"""Numbers as text for messages and tables."""

from __future__ import annotations

from fractions import Fraction


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 file, 1,234 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(fraction: float | Fraction) -> str:
    """Return a fraction as a percentage with up to six digits: 99.5 %."""
    return f"{float(100 * fraction):g} %"


def human_count(count: float) -> str:
    """Return a number of any size: 8,338,343 or 6.31 * 10^121."""
    if count < 10**15:
        return f"{count:,}"
    digits, _, exponent = f"{count:.2e}".partition("e+")
    return f"{digits} * 10^{int(exponent)}"


def human_bytes(count: float) -> str:
    """Return a number of bytes with a decimal unit: 1.2 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def human_hours(hours: float) -> str:
    """Return hours with as many digits as matter: <0.01, 0.03, 1.7, 1,234.5, 8,338,343."""
    if hours >= 1e6:
        return human_count(round(hours))
    if 0 < hours < 0.005:
        return "<0.01"
    return f"{hours:.2f}" if hours < 1 else f"{hours:,.1f}"


def about_core_hours(hours: float) -> str:
    """Return an estimate for use in a sentence: about 1.7 core-hours."""
    text = human_hours(hours)
    text = f"less than {text[1:]}" if text.startswith("<") else f"about {text}"
    return f"{text} core-hours"


def human_seconds(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours: 0.4 s, 42 s, 3.5 min, 2.1 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds: 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"
