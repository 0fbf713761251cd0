"""How fast a sweep goes and when it ends, in words: for its own display, and for those who watch.

Rate and time left need not multiply to what is left: the rate counts experiments, and the time left
knows that some are ten thousand times dearer than others. Where the two part, that is said.
"""

from __future__ import annotations

from orchestrator.display.formatting import clock, counted
from storage.live import LiveProgress

EVEN = 1.25
"""Up to so many times as long as those of late, or as short, what is to come counts as alike."""


def rate_and_time_left(rate: float, left_s: float | None) -> list[str]:
    """Rate and time left.

    Args:
        rate: experiments a second, of late.
        left_s: seconds that the rest takes; None while nobody knows.
    """
    said = f"{rate:,.0f}/s" if rate >= 9.95 else f"{rate:.2g}/s"
    return [said] if left_s is None else [said, f"{clock(left_s)} left"]


def unevenness(experiments_left: int, rate: float, left_s: float | None) -> list[str]:
    """What explains that the rest takes longer or shorter than the rate lets one expect.

    Args:
        experiments_left: experiments that have not come back.
        rate: experiments a second, of late.
        left_s: seconds that the rest takes; None while nobody knows.

    Returns:
        Some words, or nothing where it does not need to be explained.
    """
    if left_s is None or not experiments_left or not rate:
        return []
    times = left_s * rate / experiments_left
    if 1 / EVEN <= times <= EVEN:
        return []
    return [f"each of the rest takes {float(f'{times:.2g}'):,g} times as long"]


def progress_line(progress: LiveProgress) -> str:
    """How far the running sweep is, how fast, and how long it takes."""
    parts = [
        f"{progress.done:,} of {progress.total:,} of this run",
        *rate_and_time_left(progress.rate, progress.left_s),
        counted(progress.workers, "worker"),
        *unevenness(progress.total - progress.done, progress.rate, progress.left_s),
    ]
    return ", ".join(parts)
