"""How long a task may take before its worker is given up: a hang must not stop the sweep."""

from __future__ import annotations

PATIENCE = 20.0
"""So many times its expected duration a task may take: what it is expected to take comes from a
sample of its experiments, and other programs use the machine too."""

SHORTEST_S = 60.0
"""No task is given up before: a worker may have to import or to compile something first."""

SUSPECT_S = 20.0
"""The same for a part of a task that has failed. A hundred hangs are found in turn, each by several
of these, so it is short; a part that is given up wrongly is only tried again."""

UNKNOWN_S = 900.0
"""For a task that nobody can tell the duration of, since nothing has been trained yet."""


def time_limit_s(expected_s: float | None, *, suspect: bool) -> float:
    """Seconds that a task may take from the moment that its worker begins it.

    Args:
        expected_s: what it should take; None where nobody knows.
        suspect: whether it is a part of a task that failed.
    """
    if expected_s is None:
        return UNKNOWN_S
    return max(SUSPECT_S if suspect else SHORTEST_S, PATIENCE * expected_s)
