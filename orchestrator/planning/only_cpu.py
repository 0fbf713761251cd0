"""Which of a study's experiments only the CPU's trainer can train."""

from __future__ import annotations

from orchestrator.planning.estimate import spread
from search.indices import IndexSet
from search.study import Study
from workers.train import needs_cpu

LOOKS = 64
"""Experiments that are looked at to find one for any device, evenly spread over what remains."""


def first_for_any(study: Study, indices: IndexSet) -> int | None:
    """An index from which on to look for experiments for any device.

    Returns:
        The first such experiment of a few that are looked at; None where there is none among them.
    """
    if not indices:
        return None
    first = indices.intervals[0][0]
    looked_at = [first, *spread(indices, min(LOOKS, len(indices)))]
    return next((index for index in looked_at if not needs_cpu(study[index])), None)


def part_for_any(study: Study, indices: IndexSet) -> IndexSet:
    """Those of some indices, few enough to look at each, that any device can train."""
    return IndexSet.from_indices(index for index in indices if not needs_cpu(study[index]))
