"""Throughput and time left of a sweep as text, for its own display and for `status`.

The rate counts experiments; the time left weighs them by cost, and some cost ten thousand times as
much as others. Where the two disagree, the text says so.
"""

from __future__ import annotations

from orchestrator.display.formatting import clock, counted
from storage.status_files import LiveProgress

EVEN_RATIO = 1.25
"""Ratio of the costs of remaining and recent experiments above which the text mentions it."""


def rate_and_time_left(rate: float, left_s: float | None) -> list[str]:
    """Return the rate (1/s) and, where it is known, the time left."""
    text = f"{rate:,.0f}/s" if rate >= 9.95 else f"{rate:.2g}/s"
    return [text] if left_s is None else [text, f"{clock(left_s)} left"]


def unevenness(experiments_left: int, rate: float, left_s: float | None) -> list[str]:
    """Return an explanation if the time left is not the number of experiments over the rate.

    Returns:
        One phrase; none if rate and time left agree or are unknown.
    """
    if left_s is None or not experiments_left or not rate:
        return []
    ratio = left_s * rate / experiments_left
    if 1 / EVEN_RATIO <= ratio <= EVEN_RATIO:
        return []
    return [f"each of the rest takes {float(f'{ratio:.2g}'):,g} times as long"]


def progress_line(progress: LiveProgress) -> str:
    """Return progress, throughput and time left of a running sweep in one line."""
    parts = [
        f"this run: {progress.done:,} of {progress.total:,}",
        *rate_and_time_left(progress.rate, progress.left_s),
        counted(progress.workers, "worker"),
        *unevenness(progress.total - progress.done, progress.rate, progress.left_s),
    ]
    return ", ".join(parts)
